"""Pages of a result's rows: they never change, so a cursor is a signed place in them."""

from typing import Any

from django.core import signing
from rest_framework.request import Request

from core.api.fields import Integer, Text
from core.api.pagination import DEFAULT_LIMIT, MAX_LIMIT, binding_of
from core.api.serializers import StrictSerializer
from domain.errors import FieldError, ValidationFailed

_SALT = "backtesting.api.cursor"


class RowsQuery(StrictSerializer):
    """Which rows."""

    limit = Integer(minimum=1, maximum=MAX_LIMIT, required=False, default=DEFAULT_LIMIT)
    cursor = Text(max_length=600, required=False, help_text="The `next` of the page before.")


def offset_of(request: Request, query: dict[str, Any]) -> int:
    """Return where the page begins; raises ValidationFailed for a cursor that is not ours or of another list."""
    cursor = query.get("cursor")
    if not cursor:
        return 0
    try:
        binding, offset = signing.loads(cursor, salt=_SALT)
    except (signing.BadSignature, ValueError, TypeError):
        binding, offset = "", 0
    if binding != binding_of(request, "rows") or not isinstance(offset, int):
        message = "This cursor is not one that the platform gave for this list."
        raise ValidationFailed.of((FieldError("cursor", "invalid_cursor", message),))
    return offset


def next_of(request: Request, *, offset: int, limit: int, n_rows: int) -> str | None:
    """Return the cursor of the next page; None on the last one."""
    if offset + limit >= n_rows:
        return None
    return signing.dumps([binding_of(request, "rows"), offset + limit], salt=_SALT, compress=False)
