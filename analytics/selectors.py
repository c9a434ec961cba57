"""Reads of how accounts and strategies did: equity curve, closed trades and benchmark, measured by the tear sheet."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import numpy as np
from django.db.models import F, FloatField
from django.db.models.functions import Cast

from analytics import marks as curves
from analytics.marks import Marks
from analytics.metrics.annual import DAILY, DAILY_ALWAYS_OPEN, Basis
from analytics.metrics.series import period_values
from analytics.metrics.summary import Curve
from analytics.metrics.trades import TradeColumns
from analytics.tearsheet import TearSheet, tear_sheet
from analytics.trade_rows import closed_trades
from domain.bars import Floats, Ints, Timeframe
from domain.errors import NotFound, ValidationFailed
from marketdata import selectors as market
from marketdata.calendars import ALWAYS, close_times
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account, EquityPoint, Position
from portfolio.statistics import TradeStatistics, trade_statistics
from preferences import selectors as preferences
from strategies import selectors as strategies
from strategies.models import Strategy

BY_HAND = "By hand"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Whose performance over which time. No account: all of the user's; a strategy: its closed trades alone."""

    account: Account | None = None
    strategy: Strategy | None = None
    start: datetime | None = None
    end: datetime | None = None
    benchmark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupResult:
    """Closed trades of one strategy or symbol."""

    name: str
    strategy: Strategy | None
    statistics: TradeStatistics


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What was asked, the curve with its start, the tear sheet, and the closed trades by strategy and by symbol.

    ``basis_note`` says what the curve is made of; ``message`` why there is no benchmark ("" where there is one).
    """

    asked: Asked
    accounts: tuple[Account, ...]
    currency: str
    curve: Curve
    benchmark: Floats | None
    benchmark_symbol: str
    message: str
    basis_note: str
    sheet: TearSheet
    total: TradeStatistics
    by_strategy: tuple[GroupResult, ...]
    by_symbol: tuple[GroupResult, ...]

    @property
    def start(self) -> datetime | None:
        """When the first mark was."""
        return _moment(self.curve.t[0]) if len(self.curve.t) else None

    @property
    def end(self) -> datetime | None:
        """When the last mark was."""
        return _moment(self.curve.t[-1]) if len(self.curve.t) else None


def asked_for(
    user: Any,
    *,
    account: UUID | None = None,
    strategy: UUID | None = None,
    start: datetime | None = None,
    end: datetime | None = None,
    benchmark: str = "",
) -> Asked:
    """Find what a request names. Raises NotFound for what is not the user's, ValidationFailed for crossed times."""
    if start is not None and end is not None and start >= end:
        raise ValidationFailed(f"The end {end:%Y-%m-%d} is not after the start {start:%Y-%m-%d}.", field="end")
    found = None if strategy is None else strategies.strategy_for(user, strategy)
    own = None if account is None else portfolio.account_for(user, account)
    if found is not None and own is not None and found.account_id != own.pk:
        raise ValidationFailed(f"{found.name} does not trade {own.name}.", field="strategy")
    if benchmark and not Instrument.objects.filter(symbol=benchmark).exists():
        raise NotFound(f"There is no instrument {benchmark}", field="benchmark", code="unknown_symbol")
    return Asked(account=own, strategy=found, start=start, end=end, benchmark=benchmark)


def performance(user: Any, asked: Asked) -> Performance:
    """Measure what was asked for.

    Raises ValidationFailed (field ``account``) where accounts of different currencies would be added up.
    """
    accounts = _accounts(user, asked)
    currency = accounts[0].currency if accounts else "USD"
    marks = curves.joined([_marks(account, asked) for account in accounts]) if accounts else _no_marks()
    trades = closed_trades(user, _where(accounts, asked))
    curve, note = _curve(marks, trades.columns, asked)
    symbol, prices, message = _benchmark(user, asked, curve.t)
    exposure = None if asked.strategy else _exposure(marks)
    sheet = tear_sheet(
        curve,
        trades.columns,
        basis=_basis(accounts),
        benchmark=prices,
        benchmark_name=symbol,
        exposure=exposure,
        traded_value=float(trades.traded_value),
        fees_paid=float(trades.fees),
    )
    facts = trades.facts
    return Performance(
        asked=asked,
        accounts=accounts,
        currency=currency,
        curve=curve,
        benchmark=prices,
        benchmark_symbol=symbol,
        message=message,
        basis_note=note,
        sheet=sheet,
        total=trade_statistics(facts)[0],
        by_strategy=_by_strategy(user, trade_statistics(facts, group_by="strategy")),
        by_symbol=tuple(
            GroupResult(name=each.group, strategy=None, statistics=each)
            for each in trade_statistics(facts, group_by="symbol")
        ),
    )


def _accounts(user: Any, asked: Asked) -> tuple[Account, ...]:
    if asked.strategy is not None:
        return (asked.strategy.account,)
    if asked.account is not None:
        return (asked.account,)
    found = tuple(portfolio.accounts_of(user).order_by("created_at"))
    currencies = sorted({account.currency for account in found})
    if len(currencies) > 1:
        message = f"Your accounts are kept in {' and '.join(currencies)}: choose one of them."
        raise ValidationFailed(message, field="account", code="mixed_currencies")
    return found


def _marks(account: Account, asked: Asked) -> Marks:
    rows = EquityPoint.objects.filter(account=account, epoch=account.epoch).order_by("at")
    rows = rows if asked.end is None else rows.filter(at__lte=asked.end)
    start = float(account.starting_cash)
    if asked.start is not None:
        before = rows.filter(at__lt=asked.start).values_list("equity", flat=True).last()
        start = start if before is None else float(before)
        rows = rows.filter(at__gte=asked.start)
    as_floats = {"equity_float": Cast("equity", FloatField()), "cash_float": Cast("cash", FloatField())}
    points = rows.annotate(**as_floats).values_list("at", *as_floats)
    columns = list(zip(*points, strict=True)) or [(), (), ()]
    t = np.array([int(at.timestamp()) for at in columns[0]], dtype=np.int64)
    return Marks(t, np.array(columns[1], dtype=np.float64), np.array(columns[2], dtype=np.float64), start)


def _no_marks() -> Marks:
    return Marks(np.empty(0, dtype=np.int64), np.empty(0), np.empty(0), np.nan)


def _where(accounts: tuple[Account, ...], asked: Asked) -> dict[str, Any]:
    where: dict[str, Any] = {"account__in": accounts}
    if asked.strategy is not None:
        where["strategy_id"] = asked.strategy.pk
    if asked.start is not None:
        where["closed_at__gte"] = asked.start
    if asked.end is not None:
        where["closed_at__lte"] = asked.end
    return where


def _curve(marks: Marks, closed: TradeColumns, asked: Asked) -> tuple[Curve, str]:
    """Return the equity curve and what it is made of."""
    if asked.strategy is None:
        return Curve(marks.t, marks.equity, marks.start), "Every mark of the account, open positions included."
    t, _ = period_values(marks.t, marks.equity)
    if len(closed):
        t = t[t >= closed.entry_t.min()]
    equity = curves.of_trades(t, closed.exit_t, closed.pnl, marks.start)
    note = "Results of the strategy's closed trades on the account's equity; open positions are not in it."
    return Curve(t, equity, marks.start), note


def _exposure(marks: Marks) -> Floats:
    """Return what is invested net by equity, at each mark."""
    found = np.zeros(len(marks.t))
    np.divide(np.abs(marks.equity - marks.cash), marks.equity, out=found, where=marks.equity > 0)
    return found


def _basis(accounts: tuple[Account, ...]) -> Basis:
    """A year has 365 days for accounts that traded nothing but markets without a close, else 252."""
    held = Position.objects.filter(account__in=accounts, epoch=F("account__epoch"))
    calendars = set(held.values_list("instrument__calendar", flat=True).distinct())
    return DAILY_ALWAYS_OPEN if calendars == {ALWAYS} else DAILY


def _benchmark(user: Any, asked: Asked, t: Ints) -> tuple[str, Floats | None, str]:
    """Return the benchmark's symbol, its price at each moment, and why there is none."""
    symbol = asked.benchmark or preferences.current(user.pk).performance.benchmark_symbol
    row = Instrument.objects.filter(symbol=symbol).first()
    if row is None:
        return symbol, None, f"There are no prices of {symbol}: import some, or choose another benchmark."
    if len(t) == 0:
        return symbol, None, "There are no marks yet to compare."
    bars = market.bar_series(row, Timeframe.D1, as_of=_moment(t[-1]))
    prices = curves.last_known(t, close_times(bars.t, Timeframe.D1, row.calendar), bars.c)
    if not np.isfinite(prices).any():
        return symbol, None, f"The prices of {symbol} do not cover this time."
    return symbol, prices, ""


def _by_strategy(user: Any, groups: list[TradeStatistics]) -> tuple[GroupResult, ...]:
    ids = [each.group for each in groups if each.group != "(by hand)"]
    rows = {str(row.pk): row for row in strategies.strategies_of(user).filter(pk__in=ids)}
    found = [(each, rows.get(each.group)) for each in groups]
    return tuple(
        GroupResult(name=_name(each.group, row), strategy=row, statistics=each)
        for each, row in sorted(found, key=lambda pair: _name(pair[0].group, pair[1]).lower())
    )


def _name(group: str, row: Strategy | None) -> str:
    if group == "(by hand)":
        return BY_HAND
    return row.name if row else "A deleted strategy"


def _moment(t: Any) -> datetime:
    return datetime.fromtimestamp(int(t), UTC)
