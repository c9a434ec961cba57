"""Typed values as plain JSON and back (pure): what a decision was given is stored with it, and judged again later.

A dataclass becomes the list of its fields; a tuple of dataclasses one list a field (by column), for one decision holds
hundreds of them. What is written follows the declared type of each field, as what is read does. A field whose metadata
say ``is_stored`` False is left out: what was stored before the field was there is read as before.
"""

import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum, StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from risk.decisions import RuleSpec

Change = Callable[[Any], Any]
_MOST_RULE_SETS = 500


def written(hint: Any, value: Any) -> Any:
    """Return a value of a declared type as plain JSON. Raises TypeError for a type that can not be stored."""
    change = _writer(hint)
    return value if change is None else change(value)


def built(hint: Any, value: Any, *, by_column: bool = True) -> Any:
    """Return a value of a declared type from plain JSON. Raises ValueError, TypeError or LookupError for no such value.

    ``by_column`` is false for what was written when tuples of dataclasses were still stored row by row.
    """
    change = _builder(hint, by_column)
    return value if change is None else change(value)


# --- writing: None stands for "as it is" -----------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _writer(hint: Any) -> Change | None:
    inner = _of_optional(hint)
    if inner is not None:
        return _unless_none(_writer(inner))
    row = _row_of(hint)
    if row is not None:
        return _column_writer(typing.cast(type[Any], row)) if is_dataclass(row) else _list_writer(_writer(row))
    if typing.get_origin(hint) is not None and issubclass(typing.get_origin(hint), Mapping):
        return _plain
    if hint is Any:
        return _plain
    if not isinstance(hint, type):
        raise TypeError(f"{hint} can not be stored in a decision")
    if is_dataclass(hint):
        return _dataclass_writer(hint)
    return _scalar_writer(hint)


def _scalar_writer(cls: type[Any]) -> Change | None:
    if issubclass(cls, StrEnum):
        return str  # takes the plain word as well
    if issubclass(cls, Enum):
        return attrgetter("value")
    if issubclass(cls, bool | int | float | str):
        return None
    if issubclass(cls, Decimal):
        return str
    if issubclass(cls, UUID):
        return _text_of_id
    if issubclass(cls, datetime):
        return cls.isoformat
    raise TypeError(f"{cls.__name__} can not be stored in a decision")


def _dataclass_writer(cls: type[Any]) -> Change:
    columns, changes = attrgetter(*_names(cls)), _changes(cls, _writer)

    def write(value: Any) -> list[Any]:
        return [each if change is None else change(each) for change, each in zip(changes, columns(value), strict=True)]

    return write


def _column_writer(cls: type[Any]) -> Change:
    columns, changes = attrgetter(*_names(cls)), _changes(cls, _writer)

    def write(rows: Iterable[Any]) -> list[list[Any]]:
        by_column = zip(*map(columns, rows), strict=True)
        return [
            list(column) if change is None else list(map(change, column))
            for change, column in zip(changes, by_column, strict=False)  # no rows: no columns
        ]

    return write


def _list_writer(change: Change | None) -> Change:
    return list if change is None else lambda values: list(map(change, values))


def _plain(value: Any) -> Any:
    """Return what has no declared type (a rule's parameters) as plain JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(item) for item in value]
    change = _scalar_writer(type(value)) if value is not None else None
    return value if change is None else change(value)


@lru_cache(maxsize=4096)
def _text_of_id(value: UUID) -> str:
    return str(value)


# --- reading ---------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _builder(hint: Any, by_column: bool) -> Change | None:
    """Return what makes a value of this type out of plain JSON. Ten thousand are read again for one rehearsal."""
    inner = _of_optional(hint)
    if inner is not None:
        return _unless_none(_builder(inner, by_column))
    row = _row_of(hint)
    if row is RuleSpec:
        return _rules_builder(by_column)
    if row is not None:
        return _rows_builder(row, by_column)
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_builder(hint, by_column)
    if hint is datetime:
        return _moment
    if hint is UUID:
        return _id_of_text
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {member.value: member for member in hint}.__getitem__
    return hint if isinstance(hint, type) and issubclass(hint, Decimal) else None


def _dataclass_builder(cls: type[Any], by_column: bool) -> Change:
    names, changes = _names(cls), _changes(cls, lambda hint: _builder(hint, by_column))

    def build(value: Any) -> Any:
        if len(value) != len(names):
            raise ValueError(f"{cls.__name__} has {len(names)} fields, not {len(value)}")
        given = [each if change is None else change(each) for change, each in zip(changes, value, strict=True)]
        return cls(**dict(zip(names, given, strict=True)))

    return build


def _rows_builder(hint: Any, by_column: bool) -> Change:
    if by_column and is_dataclass(hint):
        return _columns_builder(typing.cast(type[Any], hint))
    change = _builder(hint, by_column)
    return tuple if change is None else lambda value: tuple(map(change, value))


def _columns_builder(cls: type[Any]) -> Change:
    names, changes = _names(cls), _changes(cls, lambda hint: _builder(hint, True))

    def build(value: Any) -> tuple[Any, ...]:
        if not value:
            return ()
        if len(value) != len(names):
            raise ValueError(f"{cls.__name__} has {len(names)} fields, not {len(value)}")
        given = [
            column if change is None else map(change, column) for change, column in zip(changes, value, strict=True)
        ]
        return tuple(cls(**dict(zip(names, row, strict=True))) for row in zip(*given, strict=True))

    return build


def _rules_builder(by_column: bool) -> Change:
    """Rules are the same from decision to decision: each set of them is built once."""
    build = _rows_builder(RuleSpec, by_column)
    known: dict[str, tuple[RuleSpec, ...]] = {}
    last: list[Any] = [None, ()]  # mostly the same as those before: compared faster than looked up

    def cached(value: Any) -> tuple[RuleSpec, ...]:
        if value != last[0]:
            last[:] = value, looked_up(value)
        found: tuple[RuleSpec, ...] = last[1]
        return found

    def looked_up(value: Any) -> tuple[RuleSpec, ...]:
        key = repr(value)
        found = known.get(key)
        if found is None:
            if len(known) >= _MOST_RULE_SETS:
                known.clear()
            found = known[key] = build(value)
        return found

    return cached


@lru_cache(maxsize=4096)
def _id_of_text(text: str) -> UUID:
    return UUID(text)


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- types -----------------------------------------------------------------------------------------------------------


def _of_optional(hint: Any) -> Any:
    """Return X of ``X | None`` (None for any other type)."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return None
    return next(each for each in typing.get_args(hint) if each is not type(None))


def _row_of(hint: Any) -> Any:
    """Return X of ``tuple[X, ...]`` (None for any other type)."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) is tuple else None


def _unless_none(change: Change | None) -> Change | None:
    return None if change is None else lambda value: None if value is None else change(value)


def _names(cls: type[Any]) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls) if each.metadata.get("is_stored", True))


def _changes(cls: type[Any], of: Callable[[Any], Change | None]) -> tuple[Change | None, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(of(hints[name]) for name in _names(cls))
