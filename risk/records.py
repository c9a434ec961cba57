"""Decisions as they are stored and answered (pure): what the gate was given, to be judged again, and what it said."""

import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from domain.portfolio import AccountSnapshot
from risk.decisions import Decision, MarketView, OrderIntent, Reason, RuleSpec

FORMAT = 1


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
    return {"format": FORMAT, "question": _plain(question)}


def restored(record: Mapping[str, Any]) -> Question:
    """Return the question of a stored record. Raises ValueError for another format."""
    if record.get("format") != FORMAT:
        raise ValueError(f"a record of format {record.get('format')!r} can not be read; this is format {FORMAT}")
    question: Question = _built(Question, record["question"])
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
    return _text(value) if value is not None and value.is_finite() else None


@lru_cache(maxsize=8192)
def _text(value: Decimal) -> str:
    """Equal numbers are written alike, and thousands of decisions name the same limits."""
    if value == value.to_integral_value() and value.adjusted() < 20:
        return str(int(value))
    exponent = value.as_tuple().exponent
    is_long = isinstance(exponent, int) and exponent < -_PLACES and value.adjusted() < 15
    text = format(round(value, _PLACES) if is_long else value, "f")
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text


def _plain(value: Any) -> Any:
    """Return any value as plain JSON. Thousands are stored for one order, so each class is looked up once."""
    return _writer(type(value))(value)


def _writer(cls: type[Any]) -> Callable[[Any], Any]:
    found = _WRITERS.get(cls)
    if found is None:
        found = _WRITERS[cls] = _made_writer(cls)
    return found


_WRITERS: dict[type[Any], Callable[[Any], Any]] = {}


def _made_writer(cls: type[Any]) -> Callable[[Any], Any]:
    if cls is type(None) or issubclass(cls, bool | int | float) or cls is str:
        return _as_it_is
    if issubclass(cls, Decimal):
        return str
    if issubclass(cls, UUID):
        return _text_of_id
    if issubclass(cls, Enum):
        return attrgetter("value")
    if issubclass(cls, datetime):
        return cls.isoformat
    if is_dataclass(cls):
        columns = attrgetter(*_names(cls))
        return lambda value: [_writer(type(each))(each) for each in columns(value)]
    if issubclass(cls, Mapping):
        return lambda value: {str(key): _plain(item) for key, item in value.items()}
    if issubclass(cls, Sequence):
        return lambda value: [_plain(item) for item in value]
    raise TypeError(f"{cls.__name__} can not be stored in a decision")


def _as_it_is(value: Any) -> Any:
    return value


@lru_cache(maxsize=4096)
def _text_of_id(value: UUID) -> str:
    return str(value)


def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls))


def _built(hint: Any, value: Any) -> Any:
    return _builder(hint)(value)


@lru_cache(maxsize=256)
def _builder(hint: Any) -> Callable[[Any], Any]:
    """Return what makes a value of this type out of plain JSON. Ten thousand are read again for one rehearsal."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        inner = _builder(next(each for each in typing.get_args(hint) if each is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        each_of = _builder(typing.get_args(hint)[0])
        return lambda value: tuple(map(each_of, value))
    if hint is RuleSpec:
        return _rule_builder()
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_builder(hint)
    if hint is datetime:
        return _moment
    if hint is UUID:
        return _id_of_text
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {member.value: member for member in hint}.__getitem__
    return hint if isinstance(hint, type) and issubclass(hint, Decimal) else _as_it_is


def _dataclass_builder(cls: type[Any]) -> Callable[[Any], Any]:
    names, hints = _names(cls), typing.get_type_hints(cls)
    builders = [_builder(hints[name]) for name in names]

    def build(value: Any) -> Any:
        if len(value) != len(names):
            raise ValueError(f"{cls.__name__} has {len(names)} fields, not {len(value)}")
        given = [None if item is None else builder(item) for builder, item in zip(builders, value, strict=True)]
        return cls(**dict(zip(names, given, strict=True)))

    return build


def _rule_builder() -> Callable[[Any], Any]:
    """Rules are the same from decision to decision: each is built once."""
    build = _dataclass_builder(RuleSpec)
    known: dict[str, RuleSpec] = {}

    def cached(value: Any) -> RuleSpec:
        key = repr(value)
        found = known.get(key)
        if found is None:
            if len(known) >= _MOST_RULES:
                known.clear()
            found = known[key] = build(value)
        return found

    return cached


_MOST_RULES = 2_000


@lru_cache(maxsize=4096)
def _id_of_text(text: str) -> UUID:
    return UUID(text)


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
