"""What happened in a strategy's life and its shadow knows nothing of: pauses, switches, changes, others' orders.

Facts carry wall-clock time, a shadow knows market time alone: a change counts from the newest market moment that the
account had recorded by then, so that nothing it may have caused is left unexplained.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db.models import Q

from analytics.twin.values import Cause, Happening
from core.models import OutboxEvent
from domain.portfolio import TradingState
from portfolio.models import Trade
from preferences.definitions import Category
from preferences.models import PreferenceVersion
from preferences.registry import DEFINITIONS
from risk.models import KillScope, KillSwitch
from trading.models import Fill
from trading.twin_life import STARTED, UPDATED, Life, facts_of, market_moment

_SPELLS = {
    "strategy.paused": (Cause.STRATEGY_PAUSED, "paused"),
    "strategy.stopped": (Cause.STRATEGY_STOPPED, "stopped"),
    "strategy.failed": (Cause.STRATEGY_FAILED, "stopped by an error"),
}
_DECIDING = (Category.TRADING, Category.RISK_MANAGEMENT)
MAX_CHANGES = 200  # of each kind, the first ones: what differs later follows from them


def happenings_of(life: Life) -> list[Happening]:
    """Return what the shadow knows nothing of, in the order of market time."""
    found = [*_spells(life), *_states(life), *_switches(life), *_preferences(life), *_rules(life), *_others(life)]
    found += _beginning(life)
    return sorted(found, key=lambda each: each.at)


def _beginning(life: Life) -> Iterable[Happening]:
    """What it did not begin with empty hands, as its shadow does."""
    account = life.strategy.account
    if account.reset_at is not None and account.reset_at == life.began_at:
        words = f"The account was reset before ({_wall(account.reset_at)})."
        yield Happening(cause=Cause.ACCOUNT_RESET, at=life.start_at, words=words)
    held = Trade.objects.filter(
        Q(closed_at=None) | Q(closed_at__gt=life.start_at),
        account=account,
        strategy_id=life.strategy.pk,
        position__epoch=account.epoch,
        entry_at__lte=life.start_at,
    )
    if held.exists():
        words = "It held a position already when it was started; its shadow starts with none."
        yield Happening(cause=Cause.CARRIED_POSITION, at=life.start_at, words=words)


def _moment(life: Life, wall: datetime) -> datetime:
    found = market_moment(life.strategy.account, wall)
    return life.start_at if found is None else min(max(life.start_at, found), max(life.end_at, life.start_at))


def _wall(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _spells(life: Life) -> Iterable[Happening]:
    """When it was paused, stopped or failed, until it was started again."""
    facts = [fact for fact in facts_of(life.strategy) if fact.created_at > life.began_at and fact.name != UPDATED]
    for i, fact in enumerate(facts[:MAX_CHANGES]):
        if fact.name == STARTED:
            continue
        cause, word = _SPELLS[fact.name]
        after = next((each for each in facts[i + 1 :] if each.name == STARTED), None)
        words = f"The strategy was {word} then ({fact.payload.get('reason') or _wall(fact.created_at)})."
        until = None if after is None else max(after.at, _moment(life, after.created_at))
        at = _moment(life, fact.created_at)
        yield Happening(cause=cause, at=at, until=until, words=words, is_spell=True)


def _states(life: Life) -> Iterable[Happening]:
    rows = OutboxEvent.objects.filter(
        account_id=life.account_id, name="trading_state.changed", created_at__gt=life.began_at
    )
    facts = list(rows.order_by("seq")[:MAX_CHANGES])
    for i, fact in enumerate(facts):
        if fact.payload["new"] != TradingState.ACTIVE:
            until = _moment(life, facts[i + 1].created_at) if i + 1 < len(facts) else None
            words = (
                f"The account was {fact.payload['new']} then: {fact.payload.get('reason') or 'no reason was given'}."
            )
            at = _moment(life, fact.created_at)
            yield Happening(cause=Cause.TRADING_STATE, at=at, until=until, words=words, is_spell=True)


def _switches(life: Life) -> Iterable[Happening]:
    """Kill switches that stood over it."""
    strategy = life.strategy
    over = Q(scope=KillScope.PLATFORM)
    targets = {
        KillScope.USER: strategy.user_id,
        KillScope.ACCOUNT: strategy.account_id,
        KillScope.STRATEGY: strategy.pk,
    }
    for scope, target in targets.items():
        over |= Q(scope=scope, target_id=target)
    living = Q(rearmed_at=None) | Q(updated_at__gt=life.began_at)
    for switch in KillSwitch.objects.filter(over, living).order_by("created_at")[:MAX_CHANGES]:
        until = None if switch.rearmed_at is None else _moment(life, switch.updated_at)
        words = f"The kill switch of the {switch.scope} was on then: {switch.reason}."
        at = _moment(life, switch.created_at)
        yield Happening(cause=Cause.KILL_SWITCH, at=at, until=until, words=words, is_spell=True)


def _preferences(life: Life) -> Iterable[Happening]:
    rows = PreferenceVersion.objects.filter(user_id=life.strategy.user_id, created_at__gt=life.began_at)
    for row in rows.order_by("version")[:MAX_CHANGES]:
        names = _deciding(row)
        if names:
            words = f"Your preferences were changed before (version {row.version}, {_wall(row.created_at)}): {names}."
            yield Happening(cause=Cause.PREFERENCES_CHANGED, at=_moment(life, row.created_at), words=words)


def _deciding(row: PreferenceVersion) -> str:
    """Return in words which values that decide over orders a version changed; "" for none."""
    words = []
    for name, values in sorted(row.changed.items()):
        category, _, field = name.partition(".")
        if category in _DECIDING and field in DEFINITIONS[Category(category)]:
            label = DEFINITIONS[Category(category)][field].label
            words.append(f"{label.lower()} {_value(values['old'])} → {_value(values['new'])}")
    return "; ".join(words[:3]) + (f" and {len(words) - 3} more" if len(words) > 3 else "")


def _value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value is None else str(value)


def _rules(life: Life) -> Iterable[Happening]:
    rows = OutboxEvent.objects.filter(
        user_id=life.strategy.user_id, name="risk.rule_changed", created_at__gt=life.began_at
    )
    for fact in rows.order_by("seq")[:MAX_CHANGES]:
        words = (
            f"The risk rule {fact.payload['rule']!r} was {fact.payload['change']} before ({_wall(fact.created_at)})."
        )
        yield Happening(cause=Cause.RULE_CHANGED, at=_moment(life, fact.created_at), words=words)


def _others(life: Life) -> Iterable[Happening]:
    """Fills of others in the same account: they use its cash and count for its limits."""
    account = life.strategy.account
    rows = Fill.objects.filter(account=account, epoch=account.epoch).exclude(strategy=life.strategy)
    for fill in rows.select_related("instrument", "strategy").order_by("at", "seq")[:MAX_CHANGES]:
        yield _other(fill)


def _other(fill: Fill) -> Happening:
    what = f"{fill.side} {fill.quantity.normalize():f} {fill.instrument.symbol}"
    if fill.strategy is None:
        words = f"An order by hand ({what}) had been filled in the same account: cash and limits are shared."
        return Happening(cause=Cause.MANUAL_ORDER, at=fill.at, words=words)
    words = f"The strategy {fill.strategy.name!r} had traded ({what}) in the same account: cash and limits are shared."
    return Happening(cause=Cause.OTHER_STRATEGY, at=fill.at, words=words)
