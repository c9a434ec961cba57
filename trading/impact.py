"""What other preferences would mean for orders: those that work, positions held, and the last hundred decisions.

The gate itself is asked, with the limits of the changed preferences in the place of the present ones.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from domain.orders import OrderRole
from domain.portfolio import AccountSnapshot, WorkingOrder
from portfolio import selectors as portfolio
from preferences.registry import Preferences
from preferences.subsystems import Step
from risk import entry, records
from risk.decisions import OrderIntent, Source, Verdict
from risk.from_preferences import rules_from
from risk.gate import evaluate
from risk.headroom import headroom_of
from risk.models import RiskDecision
from trading import selectors
from trading.daily_bars import DailyBars
from trading.models import Signal

N_DECISIONS = 100


@dataclass(frozen=True, slots=True)
class Past:
    """One decision of the past, as the gate was asked, and the confidence of its signal (None: not from a signal)."""

    decision_id: UUID
    symbol: str
    side: str
    was_denied: bool
    question: records.Question
    confidence: float | None


def impact_of(step: Step) -> dict[str, Any]:
    """Return which working orders and positions break the limits after a step, and which past orders it refuses."""
    past = past_decisions(step.user_id)
    before = Preferences() if step.before is None else step.before
    refused = [each for each in past if is_refused(each, step.after)]
    new = [each for each in refused if not is_refused(each, before)]
    return {
        "working_orders": [found for pair in _accounts(step.user_id) for found in breaking_orders(*pair, step.after)],
        "positions": [found for pair in _accounts(step.user_id) for found in breaking_positions(*pair, step.after)],
        "last_orders": {
            "asked": len(past),
            "refused": len(refused),
            "refused_only_by_this": len(new),
            "examples": [
                {"decision": str(each.decision_id), "symbol": each.symbol, "side": each.side} for each in new[:10]
            ],
        },
    }


def past_decisions(user_id: UUID, *, limit: int = N_DECISIONS) -> list[Past]:
    """Return the user's last decisions that can be asked again, newest first."""
    rows = list(RiskDecision.objects.for_user(user_id).select_related("instrument").order_by("-seq")[:limit])
    signals = Signal.objects.filter(decision__in=[row.pk for row in rows]).values_list("decision_id", "confidence")
    confidence = dict(signals)
    return [
        Past(
            decision_id=row.id,
            symbol=row.instrument.symbol,
            side=row.side,
            was_denied=row.verdict == Verdict.DENIED,
            question=question,
            confidence=confidence.get(row.pk),
        )
        for row in rows
        for question in _question(row)
    ]


def _question(row: RiskDecision) -> Iterable[records.Question]:
    try:
        yield records.restored(row.inputs)
    except (ValueError, TypeError, LookupError):
        return  # of an older format: it can not be asked again


def is_refused(past: Past, preferences: Preferences) -> bool:
    """Tell whether a past order would be refused under these preferences, by the gate or before it."""
    question = past.question
    own = tuple(rule for rule in question.rules if rule.source is not Source.PREFERENCES)
    rules = (*own, *rules_from(preferences))
    found = evaluate(
        question.intent, question.snapshot, rules, market=question.market, at=question.at, faults=question.faults
    )
    return found.is_denied or _is_skipped(past, preferences)


def _is_skipped(past: Past, preferences: Preferences) -> bool:
    """Ask the preference gate too about entries that came from a signal."""
    intent, snapshot = past.question.intent, past.question.snapshot
    if past.confidence is None or intent.role is not OrderRole.ENTRY or intent.reduce_only:
        return False
    answer = entry.check_entry(
        preferences.trading,
        confidence=past.confidence,
        n_session_trades=snapshot.n_session_trades,
        n_open_positions=len({p.instrument_id for p in snapshot.positions if p.quantity}),
        is_new_position=not snapshot.position_quantity(intent.instrument_id),
        order_type=entry.order_type_of(preferences.trading),
    )
    return answer.code is not None


def _accounts(user_id: UUID) -> list[tuple[AccountSnapshot, datetime]]:
    accounts = portfolio.accounts_of(user_id)
    moments = [(account, account.market_at or timezone.now()) for account in accounts]
    return [(selectors.snapshot(account, at=at), at) for account, at in moments]


def breaking_orders(snapshot: AccountSnapshot, at: datetime, preferences: Preferences) -> list[dict[str, Any]]:
    """Return the working orders that would not be allowed in full if they were placed now."""
    rules = rules_from(preferences)
    bars = DailyBars(snapshot, at)
    found = []
    for order in snapshot.working:
        if order.reduce_only or order.remaining <= 0 or order.price <= 0:
            continue
        intent, rest = intent_of_working(order), without(snapshot, order)
        decision = evaluate(intent, rest, rules, market=bars.view(intent, rest), at=at)
        broken = [reason for reason in decision.reasons if reason.quantity < order.remaining]
        if broken:
            found.append(
                {
                    "client_order_id": order.client_order_id,
                    "symbol": order.symbol,
                    "side": order.side.value,
                    "reasons": [reason.message for reason in broken],
                }
            )
    return found


def without(snapshot: AccountSnapshot, order: WorkingOrder) -> AccountSnapshot:
    """Return the account as it would be without one of its working orders."""
    return replace(snapshot, working=tuple(w for w in snapshot.working if w.client_order_id != order.client_order_id))


def intent_of_working(order: WorkingOrder) -> OrderIntent:
    """Return a working order's rest as if it were placed now."""
    return OrderIntent(
        symbol=order.symbol,
        instrument_id=order.instrument_id,
        sector=order.sector,
        asset_class=order.asset_class,
        strategy_id=order.strategy_id,
        side=order.side,
        quantity=order.remaining,
        price=order.price,
        role=order.role,
    )


def breaking_positions(snapshot: AccountSnapshot, at: datetime, preferences: Preferences) -> list[dict[str, Any]]:
    """Return the limits that what is held (and works) breaks already: nothing is sold by itself."""
    return [
        {
            "rule": each.name,
            "where": each.where,
            "value": float(each.value),
            "limit": float(each.limit),
            "message": f"{each.name}{f' ({each.where})' if each.where else ''}: {each.figures}",
        }
        for each in headroom_of(snapshot, rules_from(preferences), at=at)
        if each.value > each.limit
    ]
