"""Cursor pages over a key set: ``{"results", "next"}``. A cursor is signed and good for its own list only."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Q, QuerySet
from rest_framework.request import Request

from core.api.parsers import canonical
from domain.errors import FieldError, ValidationFailed

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
_SALT = "core.api.cursor"


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows and the cursor of the next one."""

    rows: list[Any]
    next: str | None


def page_of(
    rows: QuerySet[Any], *, column: str, descending: bool, limit: int, cursor: str | None, binding: str
) -> Page:
    """Return ``limit`` rows after the cursor, ordered by ``column`` and then the primary key.

    The column must be free of nulls and ordered alike by database and Python (never an ExactDecimalField). Raises
    ValidationFailed for a cursor that is not ours or belongs to another list.
    """
    sign = "-" if descending else ""
    ordered = rows.order_by(f"{sign}{column}", f"{sign}pk") if column != "pk" else rows.order_by(f"{sign}pk")
    if cursor:
        ordered = ordered.filter(_after(_opened(cursor, binding), column, descending))
    found = list(ordered[: limit + 1])
    more = len(found) > limit
    return Page(found[:limit], _sealed(found[limit - 1], column, binding) if more else None)


def binding_of(request: Request, ordering: str) -> str:
    """Return what ties a cursor to its list: path, user, ordering and filters."""
    filters = {k: v for k, v in request.query_params.lists() if k not in ("cursor", "limit", "ordering")}
    parts = [request.path.rstrip("/"), str(request.user.pk), ordering, filters]
    return hashlib.sha256(canonical(parts)).hexdigest()[:24]


def _after(position: tuple[Any, Any], column: str, descending: bool) -> Q:
    value, key = position
    way = "lt" if descending else "gt"
    if column == "pk":
        return Q(**{f"pk__{way}": key})
    return Q(**{f"{column}__{way}": value}) | Q(**{column: value, f"pk__{way}": key})


def _sealed(row: Any, column: str, binding: str) -> str:
    value = _value(row, column)
    if value is None:
        raise TypeError(f"{type(row).__name__}.{column} is null; a list can not be ordered by it")
    kind = "t" if isinstance(value, datetime) else "v"
    plain = value.isoformat() if kind == "t" else value if isinstance(value, int | str) else str(value)
    key = row.pk if isinstance(row.pk, int) else str(row.pk)
    return signing.dumps([binding, kind, plain, key], salt=_SALT, compress=False)


def _value(row: Any, column: str) -> Any:
    for part in column.split("__"):
        row = getattr(row, part)
    return row


def _opened(cursor: str, binding: str) -> tuple[Any, Any]:
    try:
        bound, kind, value, key = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        raise _bad_cursor("This cursor is not one that the platform gave.") from None
    if bound != binding:
        raise _bad_cursor("This cursor belongs to another list, ordering or filter.")
    return (datetime.fromisoformat(value) if kind == "t" else value), key


def _bad_cursor(message: str) -> ValidationFailed:
    return ValidationFailed.of((FieldError("cursor", "invalid_cursor", message),))
