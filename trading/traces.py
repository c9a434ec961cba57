"""A signal's trace and a decision's rules in the words of pages: titles, tones, values with their units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from core.chips import chip_for
from core.templatetags.formatting import money, quantity
from domain.orders import OrderRole
from risk.rules.table import RULE_TYPES
from risk.rules.types import Unit
from risk.words import plain
from trading.tracing import Step, Trace

TITLES = {
    "bar": "Bar",
    "signal": "Signal",
    "preferences": "Preference gate",
    "sizing": "Size",
    "risk": "Risk gate",
    "outcome": "Outcome",
    "order": "Order",
    "fill": "Fill",
    "notification": "Notification",
}
_TONES = {
    **dict.fromkeys(
        ("good", "passed", "sized", "allowed", "executed", "approved", "filled", "booked", "accepted", "submitted"),
        "good",
    ),
    **dict.fromkeys(("denied", "rejected", "missing", "failed"), "bad"),
    **dict.fromkeys(("warned", "resized", "corrected", "awaiting_approval", "expired"), "warn"),
}
_SUFFIXES = {Unit.PERCENT: " %", Unit.RATIO: "×", Unit.SECONDS: " s"}


def page_steps(trace: Trace, *, currency: str, is_brief: bool = False) -> list[dict[str, Any]]:
    """Return the steps as components/_trace.html takes them; what every rule said is one step with a line each.

    A brief one leaves out notifications and the life of the stop and target.
    """
    rules = [step for step in trace.steps if step.stage == "rule"]
    shown: list[dict[str, Any]] = []
    for step in trace.steps:
        if step.stage == "rule" or (is_brief and _is_detail(step)):
            continue
        facts = _facts(step, currency)
        if step.stage == "risk":
            facts = [(str(rule.details.get("rule")), rule_figures(rule.details, currency)) for rule in rules]
        shown.append(_shown(step, facts))
    return shown


def _is_detail(step: Step) -> bool:
    return step.stage == "notification" or (
        step.stage == "order" and step.details.get("role") in (OrderRole.STOP_LOSS, OrderRole.TAKE_PROFIT)
    )


def _shown(step: Step, facts: list[tuple[str, str]]) -> dict[str, Any]:
    tone = _TONES.get(step.verdict, "bad" if step.stage == "outcome" and step.verdict == "skipped" else "quiet")
    return {
        "title": _title(step),
        "tone": "good" if tone == "quiet" and step.stage == "signal" else tone,
        "text": _text(step),
        "at": datetime.fromisoformat(step.at) if step.at else None,
        "facts": facts,
    }


def _title(step: Step) -> str:
    if step.stage == "order":
        role = str(step.details.get("role", "")).replace("_", " ")
        return f"{role.capitalize()} order: {chip_for('order', step.verdict).label.lower()}"
    title = TITLES.get(step.stage, step.stage.replace("_", " ").capitalize())
    return f"{title}: {chip_for('signal', step.verdict).label.lower()}" if step.stage == "outcome" else title


def _text(step: Step) -> str:
    """The step's own words; an order's bare change of state says who said so instead."""
    text = step.text[:1].upper() + step.text[1:]
    if step.stage != "order":
        return text
    said_by = f"Said by {_said_by(step.details)}"
    is_bare = step.text == f"{step.details.get('from')} to {step.verdict}"
    return f"{said_by}." if is_bare else f"{text}. {said_by}."


def _facts(step: Step, currency: str) -> list[tuple[str, str]]:
    if step.stage == "bar":
        prices = [(name.capitalize(), money(step.details[name], currency)) for name in _PRICES if name in step.details]
        return [*prices, ("Volume", quantity(step.details["volume"]))] if "volume" in step.details else prices
    return [("Quantity", quantity(step.details["quantity"]))] if "quantity" in step.details else []


_SPEAKERS = {"local": "the platform", "operator": "you", "stream": "the broker", "poll": "the broker"}
_PRICES = ("open", "high", "low", "close")


def _said_by(details: Mapping[str, Any]) -> str:
    source = str(details.get("source"))
    return _SPEAKERS.get(source, source)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """What one rule said, for a table: measured value, limit and what is left, in words."""

    name: str
    value: str
    limit: str
    left: str
    used: Decimal | None
    verdict: str
    message: str
    source: str


def rule_lines(reasons: Sequence[Mapping[str, Any]], currency: str) -> list[RuleLine]:
    """Return the reasons of a decision (as stored) as lines, what stopped it first, then the nearest to its limit."""
    lines = [_line(reason, currency) for reason in reasons]
    rank = {"denied": 0, "resized": 1, "warned": 2}
    return sorted(lines, key=lambda line: (rank.get(line.verdict, 3), -(line.used or Decimal(-1)), line.name))


def _line(reason: Mapping[str, Any], currency: str) -> RuleLine:
    value, limit = _number(reason.get("value")), _number(reason.get("limit"))
    kind = str(reason.get("type", ""))
    return RuleLine(
        name=str(reason.get("rule", "")),
        value=figure(value, kind, currency),
        limit=figure(limit, kind, currency),
        left=figure(_number(reason.get("headroom")), kind, currency),
        used=_used(value, limit),
        verdict=str(reason.get("verdict", "")),
        message=str(reason.get("message", "")),
        source=str(reason.get("source", "")),
    )


def rule_figures(reason: Mapping[str, Any], currency: str) -> str:
    """Return `3.1 % of 5 %`; a dash where the rule measures nothing."""
    kind = str(reason.get("type", ""))
    value, limit = _number(reason.get("value")), _number(reason.get("limit"))
    if value is None or limit is None:
        return "denied" if reason.get("verdict") == "denied" else "passed"
    return f"{figure(value, kind, currency)} of {figure(limit, kind, currency)}"


def figure(value: Decimal | None, kind: str, currency: str) -> str:
    """Write a rule's number with its unit."""
    if value is None:
        return "–"
    rule_type = RULE_TYPES.get(kind)
    unit = rule_type.unit if rule_type else Unit.MEASURE
    if unit is Unit.CURRENCY:
        return money(value, currency)
    return f"{plain(value.quantize(Decimal('0.01')))}{_SUFFIXES.get(unit, '')}"


def _number(value: Any) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _used(value: Decimal | None, limit: Decimal | None) -> Decimal | None:
    if value is None or limit is None or limit <= 0:
        return None
    return max(Decimal(0), value / limit)
