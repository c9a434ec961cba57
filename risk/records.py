"""Decisions as they are stored and answered (pure): what the gate was given, to be judged again, and what it said."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from domain.portfolio import AccountSnapshot
from risk.decisions import Decision, MarketView, OrderIntent, Reason, RuleSpec
from risk.plain_values import built, written

FORMAT = 2
"""Rows of one kind (positions, working orders, rules) are stored by column: half the time of one list a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Everything that one evaluation was given."""

    intent: OrderIntent
    snapshot: AccountSnapshot
    rules: tuple[RuleSpec, ...]
    market: MarketView
    at: datetime
    faults: tuple[str, ...] = ()


def stored(question: Question) -> dict[str, Any]:
    """Return a question as plain JSON; dataclasses become lists of their fields in order."""
    return {"format": FORMAT, "question": written(Question, question)}


def restored(record: Mapping[str, Any]) -> Question:
    """Return the question of a stored record. Raises ValueError for a format that nobody knows."""
    known = record.get("format")
    if known not in (1, FORMAT):
        raise ValueError(f"a record of format {known!r} can not be read; this is format {FORMAT}")
    question: Question = built(Question, record["question"], by_column=known == FORMAT)
    return question


def reasons_of(decision: Decision) -> list[dict[str, Any]]:
    """Return the reasons as api.md shapes them."""
    return [_reason(reason) for reason in decision.reasons]


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "key": reason.key,
        "rule": reason.rule,
        "type": reason.type,
        "source": reason.source.value,
        "value": _number(reason.value),
        "limit": _number(reason.limit),
        "headroom": _number(reason.headroom),
        "verdict": reason.verdict.value,
        "quantity": _number(reason.quantity),
        "message": reason.message,
    }


_PLACES = 12


def _number(value: Decimal | None) -> str | None:
    """Write a number for answers: at most twelve places, no exponent; None for what is no number."""
    try:
        return _TEXTS[value]  # equal numbers are written alike, and thousands of decisions name the same limits
    except (KeyError, TypeError):  # not written yet; a signalling NaN can not be looked up
        pass
    if value is None or not value.is_finite():
        return None
    if len(_TEXTS) >= _MOST_TEXTS:
        _TEXTS.clear()
    text = _TEXTS[value] = _text(value)
    return text


_TEXTS: dict[Decimal | None, str] = {}
_MOST_TEXTS = 8_192


def _text(value: Decimal) -> str:
    if value == value.to_integral_value() and value.adjusted() < 20:
        return str(int(value))
    exponent = value.as_tuple().exponent
    is_long = isinstance(exponent, int) and exponent < -_PLACES and value.adjusted() < 15
    text = format(round(value, _PLACES) if is_long else value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
