"""corporate-actions/: the splits and dividends that are known, the same for everybody."""

from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Day, DecimalString, EnumField, Identifier, Symbol
from core.api.idempotency import idempotent
from core.api.queries import Filter
from core.api.serializers import StrictSerializer
from core.api.views import ListMixin, OwnedViewSet
from domain.errors import NotFound
from marketdata import action_services, selectors
from marketdata.models import ActionKind, CorporateAction


class ActionInput(StrictSerializer):
    """A split (`value`: new shares for one old, 0.05 is 1 for 20) or a dividend (`value`: cash a share, as traded)."""

    symbol = Symbol()
    kind = EnumField(ActionKind)
    date = Day(help_text="The first day on which the shares trade without it.")
    value = DecimalString(above=0)


class ActionOutput(ActionInput):
    """A split or a dividend that is known."""

    id = Identifier()
    symbol = Symbol(source="instrument.symbol")
    date = Day(source="ex_date")


class CorporateActionViewSet(ListMixin, OwnedViewSet):
    """Splits and dividends. Prices before a split are told on today's scale everywhere from then on."""

    model = CorporateAction
    output = ActionOutput
    bodies: ClassVar = {"create": ActionInput}
    ordering: ClassVar = {"date": "ex_date"}
    default_ordering = "date"
    filters: ClassVar = {"symbol": Filter("instrument__symbol", Symbol())}

    def rows(self) -> QuerySet[CorporateAction]:
        """Return all of them."""
        return CorporateAction.objects.select_related("instrument")

    @idempotent
    def create(self, request: Request) -> Response:
        """Write one down; 409 while the instrument of a split is traded."""
        values = self.values()
        row = selectors.instrument(values["symbol"])
        made = action_services.record_action(row, kind=values["kind"], ex_date=values["date"], value=values["value"])
        return Response(self.write(made), status=201)

    def destroy(self, request: Request, pk: UUID) -> Response:
        """Forget one; 409 while the instrument of a split is traded."""
        found: Any = self.rows().filter(pk=pk).first()
        if found is None:
            raise NotFound("There is no such split or dividend")
        action_services.remove_action(found)
        return Response(status=204)
