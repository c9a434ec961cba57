"""The decision trace of a signal: every step from its bar to the notifications, put together from what was kept."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from core.fields import plain
from core.models import OutboxEvent
from domain.bars import Timeframe
from marketdata import selectors as market
from notifications.models import Notification
from risk.models import RiskDecision
from trading.models import Fill, Order, OrderEvent, Signal


@dataclass(frozen=True, slots=True)
class Step:
    """One step: which stage, what it came to, in words, when, and its numbers."""

    stage: str
    verdict: str
    text: str
    at: str | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Trace:
    """A signal with everything that followed from it; ``steps`` tells it in order."""

    signal: Signal
    steps: list[Step]
    decision: RiskDecision | None
    orders: list[Order]
    fills: list[Fill]


def trace_of(signal: Signal) -> Trace:
    """Put the trace of a signal together."""
    orders = list(Order.objects.filter(signal=signal).select_related("instrument", "decision").order_by("created_at"))
    fills = list(Fill.objects.filter(order__in=orders).select_related("instrument").order_by("seq"))
    decision = signal.decision
    kept = [_kept(step) for step in signal.trace]
    before = [step for step in kept if step.stage != "outcome"]
    outcome = [step for step in kept if step.stage == "outcome"]
    steps = [
        _bar_step(signal),
        *before,
        *_decision_steps(decision),
        *outcome,
        *(
            _event_step(event)
            for event in OrderEvent.objects.filter(order__in=orders).select_related("order").order_by("seq")
        ),
        *(_fill_step(fill) for fill in fills),
        *(_notification_step(row) for row in _notifications(signal, orders)),
    ]
    return Trace(signal, [step for step in steps if step is not None], decision, orders, fills)


def _kept(step: dict[str, Any]) -> Step:
    named = ("stage", "verdict", "text", "at")
    details = {name: value for name, value in step.items() if name not in named}
    stage, verdict, text, at = (step.get(name) or "" for name in named)
    return Step(stage, verdict, text, at, details=details)


def _bar_step(signal: Signal) -> Step | None:
    """The bar that the signal was made on, as it is stored now, and what it was made of."""
    if signal.bar_close_at is None or not signal.timeframe:
        return Step(
            "bar", "none", "Not made on a bar: it came from outside", signal.at.isoformat(), {"source": signal.source}
        )
    bars = market.bar_series(signal.instrument, signal.timeframe, limit=1, as_of=signal.bar_close_at)
    found = market.bars(signal.instrument, Timeframe(signal.timeframe), bars)
    if not found or found[0].close_at != signal.bar_close_at:
        return Step("bar", "missing", "The bar is not stored any more", signal.bar_close_at.isoformat(), {})
    bar = found[0]
    numbers = {name: plain(getattr(bar, name)) for name in ("open", "high", "low", "close", "volume")}
    same = bar.close == signal.price
    text = f"{Timeframe(signal.timeframe).words} bar closed at {plain(bar.close)}" + (
        "" if same else f", not at {plain(signal.price)} as then"
    )
    return Step("bar", "good" if same else "corrected", text, signal.bar_close_at.isoformat(), numbers)


def _decision_steps(decision: RiskDecision | None) -> list[Step]:
    if decision is None:
        return []
    at = decision.created_at.isoformat()
    said = [
        Step("rule", r["verdict"], r["message"], at, {k: r[k] for k in r if k != "message"}) for r in decision.reasons
    ]
    text = decision.message or f"{decision.side} {plain(decision.quantity)} may be sent"
    return [
        *said,
        Step("risk", decision.verdict, text, at, {"decision": str(decision.id), "quantity": plain(decision.quantity)}),
    ]


def _event_step(event: OrderEvent) -> Step:
    words = event.message or f"{event.from_status} to {event.to_status}"
    details = {
        "order": str(event.order_id),
        "role": event.order.role,
        "from": event.from_status,
        "source": event.source,
        "anomaly": event.anomaly,
        "market_at": event.at.isoformat(),
    }
    return Step("order", event.to_status, words, event.created_at.isoformat(), details)


def _fill_step(fill: Fill) -> Step:
    fee = f"fee {plain(fill.fee)}" if fill.fee else "no fee"
    text = f"{fill.side} {plain(fill.quantity)} at {plain(fill.price)}, {fee}"
    details = {"fill": str(fill.id), "order": str(fill.order_id), "market_at": fill.at.isoformat()}
    return Step("fill", "booked", text, fill.created_at.isoformat(), details)


def _notifications(signal: Signal, orders: list[Order]) -> list[Notification]:
    """Notifications of the facts about the signal and its orders."""
    about = Q(payload__signal_id=str(signal.pk)) | Q(payload__order_id__in=[str(order.pk) for order in orders])
    facts = OutboxEvent.objects.filter(about, user_id=signal.user_id, created_at__gte=signal.created_at)
    rows = Notification.objects.for_user(signal.user_id).filter(event_id__in=facts.values("event_id"))
    return list(rows.order_by("created_at"))


def _notification_step(row: Notification) -> Step:
    details = {"notification": str(row.pk), "type": row.type, "priority": row.priority, "event": row.event_name}
    return Step("notification", "shown" if row.shown_at else "held", row.title, row.created_at.isoformat(), details)
