"""The REST API of what is held: accounts, their equity curves, the journal.

What needs orders (reset, reconcile, trading state, closing positions) is trading's.
"""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Boolean, Identifier, Symbol, Text
from core.api.queries import Filter
from core.api.serializers import write
from core.api.views import CreateMixin, OwnedReadViewSet, StrictView
from portfolio import selectors
from portfolio import serializers as s
from portfolio.benchmarks import comparison
from portfolio.models import Account, Trade
from portfolio.services import accounts
from portfolio.services.journal import annotate_trade
from portfolio.statistics import trade_statistics


class AccountViewSet(CreateMixin, OwnedReadViewSet):
    """accounts/, {id}/ and {id}/equity/."""

    model = Account
    output = s.AccountOutput
    bodies: ClassVar = {"create": s.AccountInput, "partial_update": s.AccountChangeInput}
    answers: ClassVar = {"equity": s.EquityOutput, "benchmark": s.BenchmarkOutput}
    queries: ClassVar = {"equity": s.EquityQuery}
    filters: ClassVar = {"name": Filter("name", Text(max_length=64)), "broker": Filter("broker", Text(max_length=32))}
    ordering: ClassVar = {"created_at": "created_at", "name": "name"}

    def rows(self) -> QuerySet[Any]:
        """Return the asker's accounts."""
        return selectors.accounts_of(self.request.user)

    def make(self, values: dict[str, Any]) -> Account:
        """Open an account."""
        return accounts.open_account(self.request.user, **values, at=timezone.now())

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change name, fees or slippage."""
        return Response(self.write(accounts.configure_account(self.get_row(pk), **self.values())))

    def benchmark(self, request: Request, pk: str) -> Response:
        """Return the account's result beside the benchmark that its user prefers."""
        return Response(self.write(comparison(self.get_row(pk))))

    def equity(self, request: Request, pk: str) -> Response:
        """Return the equity curve."""
        account = self.get_row(pk)
        asked = {name: self.query.get(name) for name in ("start", "end")}
        points = selectors.equity_curve(account, **asked, max_points=self.query["max_points"])
        columns = {
            "account": account.pk,
            "currency": account.currency,
            "t": [int(point.at.timestamp()) for point in points],
            "equity": [point.equity for point in points],
            "cash": [point.cash for point in points],
        }
        return Response(self.write(columns))


class TradeViewSet(OwnedReadViewSet):
    """trades/ and {id}/: the journal. Closed round trips, open ones too with ``?open=true``."""

    model = Trade
    output = s.TradeOutput
    bodies: ClassVar = {"partial_update": s.TradeInput}
    filters: ClassVar = {
        "account": Filter("account_id", Identifier()),
        "strategy": Filter("strategy_id", Identifier()),
        "symbol": Filter("instrument__symbol", Symbol()),
        "open": Filter("closed_at__isnull", Boolean(help_text="true: open ones; default: closed ones.")),
    }
    ordering: ClassVar = {"entry_time": "entry_at", "created_at": "created_at"}
    default_ordering = "-entry_time"

    def rows(self) -> QuerySet[Any]:
        """Return the asker's trades; a list has the closed ones unless it asks otherwise."""
        rows = selectors.trades_of(self.request.user)
        return rows.filter(closed_at__isnull=False) if self.action == "list" and "open" not in self.query else rows

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change notes and tags."""
        return Response(self.write(annotate_trade(self.get_row(pk), **self.values())))


class TradeStatsView(StrictView):
    """GET trades/stats/."""

    answers: ClassVar = {"GET": s.StatsOutput}
    queries: ClassVar = {"GET": s.StatsQuery}

    def get(self, request: Request) -> Response:
        """Return statistics of the asker's closed trades, one row a group."""
        names = {"account": "account_id", "strategy": "strategy_id", "symbol": "instrument__symbol"}
        asked = {names[name]: value for name, value in self.query.items() if name in names}
        found = trade_statistics(
            selectors.closed_trades(request.user, **asked),
            group_by=self.query.get("group_by", ""),
            zone=request.user.timezone,
        )
        return Response(write(s.StatsOutput, {"results": found, "next": None}, request=request))
