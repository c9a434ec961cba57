"""Long lists in pages of rows, newest first, by a cursor that new rows do not shift."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import HttpRequest

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class RowPage:
    """One page of rows, newest first, with the addresses of its neighbours ("" where there is none)."""

    rows: list[Any]
    older_url: str
    newer_url: str


def row_page(request: HttpRequest, rows: QuerySet[Any], *, size: int = PAGE_SIZE) -> RowPage:
    """Return the page of rows that the request's `older` or `newer` cursor names; a broken cursor is the first page."""
    older, newer = _cursor(request.GET.get("older", "")), _cursor(request.GET.get("newer", ""))
    if newer is not None:
        at, key = newer
        after = rows.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=key)).order_by("created_at", "pk")
        found = list(after[: size + 1])
        shown, has_newer, has_older = found[:size][::-1], len(found) > size, True
    else:
        before = rows
        if older is not None:
            at, key = older
            before = rows.filter(Q(created_at__lt=at) | Q(created_at=at, pk__lt=key))
        found = list(before.order_by("-created_at", "-pk")[: size + 1])
        shown, has_newer, has_older = found[:size], older is not None, len(found) > size
    return RowPage(
        shown,
        _address(request, older=shown[-1]) if shown and has_older else "",
        _address(request, newer=shown[0]) if shown and has_newer else "",
    )


def _cursor(text: str) -> tuple[datetime, Any] | None:
    moment, _, key = text.partition("_")
    try:
        at = datetime.fromtimestamp(int(moment) / 1_000_000, tz=UTC)
        return at, int(key) if key.isascii() and key.isdigit() and len(key) < 19 else UUID(key)
    except (ValueError, OverflowError, OSError):
        return None


def _address(request: HttpRequest, **cursor: Any) -> str:
    kept = {name: value for name, value in request.GET.items() if name not in ("older", "newer") and value}
    for name, row in cursor.items():
        micros = int(row.created_at.timestamp()) * 1_000_000 + row.created_at.microsecond
        kept[name] = f"{micros}_{row.pk.hex if isinstance(row.pk, UUID) else row.pk}"
    return f"{request.path}?{urlencode(kept)}"
