"""backtests/: single runs, their results, and several side by side."""

from typing import Any, ClassVar
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from backtesting import comparison, selectors
from backtesting.api import serializers as s
from backtesting.api.jobs import JobViewSet
from backtesting.api.paging import RowsQuery, next_of, offset_of
from backtesting.api.reading import run_request
from backtesting.models import Backtest, JobKind
from backtesting.result_rows import order_row, trade_row
from backtesting.services import submitting
from core.api.fields import Identifier, Integer, Text
from core.api.serializers import EmptySerializer, StrictSerializer, write
from core.api.views import StrictView

MOST_POINTS = 100_000


class EquityQuery(StrictSerializer):
    """Which part of the curve."""

    limit = Integer(minimum=1, maximum=MOST_POINTS, required=False, default=20_000)
    cursor = Text(max_length=600, required=False)
    max_points = Integer(minimum=2, maximum=MOST_POINTS, required=False, help_text="Thin the whole curve for drawing.")


class TradesPage(StrictSerializer):
    """A page of round trips."""

    results = s.RunTradeOutput(many=True)
    next = serializers.CharField(allow_null=True)


class OrdersPage(StrictSerializer):
    """A page of orders."""

    results = s.RunOrderOutput(many=True)
    next = serializers.CharField(allow_null=True)


class BacktestViewSet(JobViewSet):
    """The asker's backtests."""

    model = Backtest
    kind = JobKind.BACKTEST
    output = s.BacktestOutput
    bodies: ClassVar = {
        "create": s.BacktestInput,
        "cancel": EmptySerializer,
        "add_note": s.NoteInput,
        "deploy": s.DeployInput,
    }
    queries: ClassVar = {**JobViewSet.queries, "trades": RowsQuery, "orders": RowsQuery, "equity": EquityQuery}
    answers: ClassVar = {**JobViewSet.answers, "trades": TradesPage, "orders": OrdersPage, "equity": s.RunEquityOutput}

    def submit(self, values: dict[str, Any]) -> Any:
        """Queue one run."""
        return submitting.submit_backtest(self.request.user, run_request(self.request.user, values))

    def trades(self, request: Request, pk: str) -> Response:
        """Return the round trips."""
        return Response(write(TradesPage, self.page_of_rows(pk, "trades", trade_row), request=request))

    def orders(self, request: Request, pk: str) -> Response:
        """Return the orders, denied ones with their rule."""
        return Response(write(OrdersPage, self.page_of_rows(pk, "orders", order_row), request=request))

    def equity(self, request: Request, pk: str) -> Response:
        """Return the curve as columns."""
        return Response(equity_body(request, self.get_row(pk), self.query))


def equity_body(request: Request, row: Any, query: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a curve as columns, the benchmark as equity of the same beginning."""
    columns = selectors.equity_of(row)
    n, offset, limit = len(columns.t), offset_of(request, query), query["limit"]
    part: Any = slice(offset, offset + limit)
    after = next_of(request, offset=offset, limit=limit, n_rows=n)
    drawdown = columns.drawdown
    if query.get("max_points"):
        part, after = selectors.thin(columns.equity, query["max_points"]), None
    return {
        "t": columns.t[part],
        "equity": columns.equity[part],
        "cash": columns.cash[part],
        "drawdown": drawdown[part],
        "exposure": columns.exposure[part],
        "benchmark": selectors.benchmark_equity(columns, float(row.settings["starting_cash"]))[part],
        "points": n,
        "next": after,
    }


class EstimateView(StrictView):
    """backtests/estimate/: what a run would cost, and everything that is wrong with it; queues nothing."""

    bodies: ClassVar = {"POST": s.BacktestInput}
    answers: ClassVar = {"POST": s.CostOutput}

    def post(self, request: Request) -> Response:
        """Return the estimate."""
        cost = submitting.estimate_backtest(request.user, run_request(request.user, self.values()))
        return Response(write(s.CostOutput, cost, request=request))


class CompareQuery(StrictSerializer):
    """Which runs."""

    ids = Text(max_length=500, help_text="Ids, parted by commas; at most ten.")


class CompareView(StrictView):
    """backtests/compare/?ids=: runs side by side."""

    queries: ClassVar = {"GET": CompareQuery}
    answers: ClassVar = {"GET": s.ComparisonOutput}

    def get(self, request: Request) -> Response:
        """Return parameters, figures, curves, and trades that only some made."""
        jobs = selectors.compared(request.user, [_id(each) for each in self.query["ids"].split(",") if each.strip()])
        results = [_compared(job) for job in jobs]
        body = {
            "results": results,
            "differences": comparison.differences(jobs),
            "trade_differences": comparison.trade_differences(jobs),
        }
        return Response(write(s.ComparisonOutput, body, request=request))


def _id(text: str) -> UUID:
    field = Identifier()
    field.field_name = "ids"
    try:
        found: UUID = field.to_internal_value(text.strip())
    except serializers.ValidationError as error:
        raise serializers.ValidationError({"ids": error.detail}) from error
    return found


def _compared(job: Any) -> dict[str, Any]:
    names = ("name", "type", "symbols", "timeframe", "start_at", "end_at", "metrics", "fingerprint")
    told = {name: getattr(job, name) for name in names}
    return {"id": job.pk, **told, "parameters": job.request["parameters"], "equity": comparison.curve_of(job)}
