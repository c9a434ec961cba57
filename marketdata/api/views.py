"""instruments/, bars/, quotes/, volume-profile/, liquidity/ and subscriptions/."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Text
from core.api.idempotency import idempotent
from core.api.parsers import StrictMultiPartParser
from core.api.queries import Filter
from core.api.views import ListMixin, OwnedViewSet, StrictView
from marketdata import charts, liquidity, selectors
from marketdata.api import serializers as shapes
from marketdata.bar_imports import ImportRequest, import_bars
from marketdata.indicators import catalogue
from marketdata.models import Instrument, Subscription
from preferences import selectors as preferences


class InstrumentViewSet(ListMixin, OwnedViewSet):
    """What can be traded: the same for everybody."""

    model = Instrument
    output = shapes.InstrumentOutput
    answers: ClassVar = {"retrieve": shapes.InstrumentDetail}
    ordering: ClassVar = {"symbol": "symbol"}
    default_ordering = "symbol"
    filters: ClassVar = {"search": Filter("search", Text(max_length=64))}

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one page of instruments whose symbol or name contains `search`."""
        self._search = self.query.pop("search", "")
        return super().list(request, *args, **kwargs)

    def rows(self) -> QuerySet[Instrument]:
        """Return the instruments that were searched."""
        return selectors.instruments(getattr(self, "_search", ""))

    def retrieve(self, request: Request, symbol: str) -> Response:
        """Return one instrument by its symbol."""
        return Response(self.write(selectors.instrument(symbol)))


class BarsView(StrictView):
    """Bars as columns, with indicators."""

    queries: ClassVar = {"GET": shapes.BarsQuery}
    answers: ClassVar = {"GET": shapes.BarsOutput}

    def get(self, request: Request) -> Response:
        """Return the newest `limit` bars, or those from `start` on; without `end` only what has closed by now."""
        query = self.query
        wanted = catalogue.parse(query.pop("indicators"))
        row, timeframe = query.pop("symbol"), query.pop("timeframe")
        session_only = _session_only(query.pop("hours"), request)
        window = charts.bar_window(row, timeframe, indicators=wanted, session_only=session_only, **query)
        return Response(charts.as_json(row, timeframe, window))


def _session_only(hours: str, request: Request) -> bool:
    """Tell whether bars outside the session are left out: charts ask for what the user prefers."""
    if hours == "mine":
        return not preferences.current(request.user.pk).market_data.extended_hours_data
    return hours == "session"


class BarsImportView(StrictView):
    """Import of a file of bars."""

    parser_classes: ClassVar = [StrictMultiPartParser]
    bodies: ClassVar = {"POST": shapes.ImportInput}
    answers: ClassVar = {"POST": shapes.ImportOutput}

    @idempotent
    def post(self, request: Request) -> Response:
        """Store the good rows and answer for every line."""
        values = self.values()
        content = values.pop("file").read()
        for name in ("timeframe", "price", "date_order", "asset_class"):
            if name in values:
                values[name] = values[name].value
        values["columns"] = values.pop("column_map", {})
        result = import_bars(content, ImportRequest(**values), at=timezone.now())
        return Response(result.as_json())


class QuoteView(StrictView):
    """The newest price; bid and ask where a source has them."""

    answers: ClassVar = {"GET": shapes.QuoteOutput}

    def get(self, request: Request, symbol: str) -> Response:
        """Return the quote: bars alone know no bid and ask, so these are null."""
        row = selectors.instrument(symbol)
        mark = selectors.mark(row)
        unknown = dict.fromkeys(("bid", "ask", "bid_size", "ask_size", "spread_bps"))
        return Response(
            {
                "symbol": row.symbol,
                **unknown,
                "last": mark.price,
                "at": mark.at,
                "age_seconds": mark.age_seconds,
                "stale": mark.stale,
                "source": mark.source,
            }
        )


class VolumeProfileView(StrictView):
    """Volume by price."""

    queries: ClassVar = {"GET": shapes.ProfileQuery}
    answers: ClassVar = {"GET": shapes.ProfileOutput}

    def get(self, request: Request, symbol: str) -> Response:
        """Return the profile of a range of bars (by default the newest 500)."""
        row = selectors.instrument(symbol)
        n_bins, timeframe = self.query.pop("bins"), self.query.pop("timeframe")
        found = liquidity.volume_profile(charts.bar_window(row, timeframe, **self.query).bars, n_bins)
        return Response(
            {
                "symbol": row.symbol,
                "timeframe": timeframe.value,
                "price": found.price if found else [],
                "volume": found.volume if found else [],
                "point_of_control": found.point_of_control if found else None,
                "value_area_low": found.value_area_low if found else None,
                "value_area_high": found.value_area_high if found else None,
            }
        )


class LiquidityView(StrictView):
    """How easily an instrument trades."""

    queries: ClassVar = {"GET": shapes.LiquidityQuery}
    answers: ClassVar = {"GET": shapes.LiquidityOutput}

    def get(self, request: Request, symbol: str) -> Response:
        """Return averages and Amihud's measure of the newest bars; no quotes are stored, so no spread."""
        row = selectors.instrument(symbol)
        timeframe = self.query["timeframe"]
        bars = charts.bar_window(row, timeframe, limit=self.query["bars"]).bars
        value = float((bars.c * bars.v).mean()) if len(bars) else None
        return Response(
            {
                "symbol": row.symbol,
                "timeframe": timeframe.value,
                "bars": len(bars),
                "average_volume": float(bars.v.mean()) if len(bars) else None,
                "average_value": None if value is None else f"{value:.2f}",
                "amihud": liquidity.amihud(bars),
                "spread_bps": None,
                "spread_history": [],
                "depth": None,
            }
        )


class SubscriptionViewSet(ListMixin, OwnedViewSet):
    """Which strategies, orders, positions and pages hold which instrument and timeframe open."""

    model = Subscription
    output = shapes.SubscriptionOutput

    def rows(self) -> QuerySet[Subscription]:
        """Return the asker's subscriptions and the platform's own."""
        return selectors.subscriptions(user_id=self.request.user.pk)
