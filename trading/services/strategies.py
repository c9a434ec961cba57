"""Starting, pausing, stopping and failing strategies: what they may do from now on, and which feeds they need."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from core.bus import publish
from domain import events
from domain.errors import IllegalState, StrategyError, ValidationFailed
from domain.orders import OrderStatus
from portfolio import selectors as portfolio
from portfolio.models import Account
from preferences import selectors as preferences
from strategies import selectors as strategies
from strategies import services as settings
from strategies.models import Strategy, StrategyState
from trading.models import Order, StrategyRun
from trading.services import feeds, orders
from trading.services.diversification import check_start


def start_strategy(strategy: Strategy, *, by: str) -> Strategy:
    """Let a strategy trade: its code is checked (no look-ahead), its feeds are opened; publishes StrategyStarted.

    A paused strategy goes on. Raises IllegalState when it runs already, ValidationFailed when its code fails the check
    or the user's limit of strategies is reached.
    """
    if strategy.state == StrategyState.RUNNING:
        raise IllegalState(f"{strategy.name} runs already", code="already_running")
    report = settings.check_causality(strategy)
    if not report.get("is_causal"):
        text = f"{strategy.name} may not run: {report.get('reason') or 'its check failed'}"
        raise ValidationFailed(text, field="type", code="not_causal")
    loaded = strategies.runnable(strategy)
    with transaction.atomic():
        account = portfolio.locked_account(strategy.account_id)
        row = Strategy.objects.select_for_update().get(pk=strategy.pk)
        _check_neighbours(row, account)
        decide_after = feeds.follow_for_strategy(account, row, warmup_bars=loaded.warmup)
        StrategyRun.objects.update_or_create(
            strategy=row, defaults={"decide_after": decide_after, "started_at": timezone.now(), "n_signals": 0}
        )
        row.state, row.failure_reason, row.started_at = StrategyState.RUNNING, "", timezone.now()
        row.save(update_fields=["state", "failure_reason", "started_at", "updated_at"])
        _tell(events.StrategyStarted, row, at=decide_after, reason=f"started by {by}")
    return row


def _check_neighbours(row: Strategy, account: Account) -> None:
    """Beside those that run there must be room for one more, and it must differ enough from them."""
    wishes = preferences.current_in_transaction(row.user_id)
    rows = Strategy.objects.for_user(row.user_id).filter(state=StrategyState.RUNNING).exclude(pk=row.pk)
    running, limit = list(rows.prefetch_related("instruments")), wishes.strategy.max_strategies
    if len(running) >= limit:
        text = f"You run {len(running)} strategies; your preferences allow {limit}"
        raise ValidationFailed(text, field="max_strategies", code="too_many_strategies")
    check_start(row, running, account, wishes)


def pause_strategy(strategy: Strategy, *, by: str, reason: str = "") -> Strategy:
    """No new entries from now on; exits and stops go on. Publishes StrategyPaused. Raises IllegalState."""
    return _change(
        strategy, StrategyState.PAUSED, (StrategyState.RUNNING,), events.StrategyPaused, reason or f"paused by {by}"
    )


def stop_strategy(strategy: Strategy, *, by: str, reason: str = "") -> Strategy:
    """End a strategy: its waiting entries are canceled, its open positions keep their stops. Publishes StrategyStopped.

    Raises IllegalState when it neither runs nor is paused nor failed.
    """
    allowed = (StrategyState.RUNNING, StrategyState.PAUSED, StrategyState.FAILED)
    row = _change(strategy, StrategyState.STOPPED, allowed, events.StrategyStopped, reason or f"stopped by {by}")
    _cancel_entries(row)
    return row


def fail_strategy(strategy: Strategy, *, reason: str, at: datetime) -> Strategy:
    """A strategy's code failed: it makes no more signals, its positions keep their stops. Publishes StrategyFailed."""
    allowed = (StrategyState.RUNNING, StrategyState.PAUSED)
    return _change(strategy, StrategyState.FAILED, allowed, events.StrategyFailed, reason, at=at)


def check_again(strategy: Strategy) -> None:
    """The code of a running strategy is not the one that was checked: check it. Raises StrategyError when it fails."""
    report = settings.check_causality(strategy)
    if not report.get("is_causal"):
        why = report.get("reason") or "it looks ahead"
        raise StrategyError(f"Its code was changed while it ran, and the new code fails the check: {why}")


def _change(
    strategy: Strategy,
    state: StrategyState,
    allowed: tuple[StrategyState, ...],
    fact: Any,
    reason: str,
    *,
    at: datetime | None = None,
) -> Strategy:
    with transaction.atomic():
        portfolio.locked_account(strategy.account_id)
        row = Strategy.objects.select_for_update().get(pk=strategy.pk)
        if row.state not in allowed:
            raise IllegalState(f"{row.name} is {row.state}; it cannot become {state.value}")
        row.state = state
        row.failure_reason = reason[:500] if state is StrategyState.FAILED else ""
        row.save(update_fields=["state", "failure_reason", "updated_at"])
        if state in (StrategyState.STOPPED, StrategyState.FAILED):
            feeds.unfollow_strategy(row)
        _tell(fact, row, at=at or timezone.now(), reason=reason)
    return row


def _cancel_entries(row: Strategy) -> None:
    entries = Order.objects.filter(strategy=row, reduce_only=False)
    waiting = entries.exclude(status__in=[*orders.FINAL, OrderStatus.PENDING_CANCEL, OrderStatus.HELD])
    for order_id in waiting.values_list("pk", flat=True):
        try:
            orders.cancel_order(order_id, at=timezone.now(), reason="its strategy was stopped")
        except IllegalState:
            continue  # it was filled meanwhile


def _tell(fact: Any, row: Strategy, *, at: datetime, reason: str) -> None:
    publish(
        fact(
            at=at,
            user_id=row.user_id,
            account_id=row.account_id,
            strategy_id=row.pk,
            strategy=row.name,
            reason=reason,
        )
    )
