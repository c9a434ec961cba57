"""positions/ and fills/: what is held, closing it, and every execution."""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db.models import F, QuerySet
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Boolean, Identifier, Symbol
from core.api.idempotency import HEADER, idempotent
from core.api.queries import Filter
from core.api.serializers import write
from core.api.views import ListMixin, OwnedReadViewSet, OwnedViewSet, StrictView
from portfolio.models import Position
from trading.api import forms, outputs
from trading.api.orders import selection_of
from trading.models import Fill
from trading.services import bulk

_WHOSE: Mapping[str, Filter] = {
    "account": Filter("account_id", Identifier()),
    "symbol": Filter("instrument__symbol", Symbol(lookup=str.upper)),
    "strategy": Filter("strategy_id", Identifier()),
}


class PositionViewSet(OwnedReadViewSet):
    """What the asker holds since each account's last reset; flat positions only with ``include_flat=true``."""

    model = Position
    output = outputs.PositionOutput
    bodies: ClassVar = {"close": forms.CloseForm}
    answers: ClassVar = {"close": outputs.OrderDetailOutput}
    filters: ClassVar[Mapping[str, Filter]] = {**_WHOSE, "include_flat": Filter("include_flat", Boolean())}
    related: ClassVar = ("instrument", "account")

    def rows(self) -> QuerySet[Any]:
        """Return the positions of today's books."""
        found = super().rows().filter(epoch=F("account__epoch"), account__is_archived=False)
        if self.operation()[0] == "list" and not self.query.pop("include_flat", False):
            return found.filter(is_open=True)
        return found

    @idempotent
    def close(self, request: Request, pk: str) -> Response:
        """Close it (or a part of it) with a reduce-only market order, and return the order."""
        position = self.get_row(pk)
        order = bulk.close_position(position, quantity=self.values().get("quantity"))
        return Response(self.write(order), status=status.HTTP_201_CREATED)


class CloseAllView(StrictView):
    """POST positions/close-all/."""

    bodies: ClassVar = {"POST": forms.SelectionForm}
    answers: ClassVar = {"POST": outputs.CloseAllOutput}

    def post(self, request: Request) -> Response:
        """Cancel entries, then close positions, each by itself; asked again it sends nothing twice."""
        key = request.headers.get(HEADER, "")
        digest = hashlib.sha256(f"{request.user.pk}:{key}".encode()).hexdigest() if key else ""
        canceled, done = bulk.close_all(selection_of(request, self.values()), reason="you closed all", key=digest)
        return Response(write(outputs.CloseAllOutput, {"canceled": canceled, "results": done}, request=request))


class FillViewSet(ListMixin, OwnedViewSet):
    """The asker's executions."""

    model = Fill
    output = outputs.FillOutput
    filters: ClassVar[Mapping[str, Filter]] = {**_WHOSE, "order": Filter("order_id", Identifier())}
    ordering: ClassVar[Mapping[str, str]] = {"created_at": "pk"}
    related: ClassVar = ("instrument",)
