"""The two ways that parity compares: the live pipeline with the paper broker, and the backtest engine; as tables."""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from backtesting.exact import run_exact
from backtesting.results import RunResult
from backtesting.spec import RunSpec, ScriptedOrder, Sizing
from core.fields import plain
from domain.bars import BarArrays, BarSource, Timeframe
from domain.instruments import AssetClass
from domain.orders import FINAL
from domain.positions import booked
from domain.sizing import SizingMethod
from marketdata import replay_services as replays
from marketdata import selectors as market
from marketdata import services as marketdata
from marketdata.models import Instrument, Replay
from portfolio import selectors as portfolio
from portfolio.costs import fee_model, slippage_model
from portfolio.models import Account, Trade
from portfolio.services.accounts import open_account
from preferences import selectors as preferences
from preferences.definitions import Category
from preferences.services import change
from risk import selectors as risk_selectors
from risk.from_preferences import rules_from
from risk.services.rules import create_rule
from strategies import selectors as strategy_selectors
from strategies import services as strategy_services
from strategies.models import Strategy
from trading import pipeline
from trading.models import Fill, Order, Signal
from trading.services.orders import cancel_order, submit_order
from trading.services.strategies import start_strategy
from users.models import User

# All cases, and thirteen years of Apple, on SQLite. On PostgreSQL, where each small statement costs a round trip,
# the last 900 bars, methods of sizing by days, and rules and orders by minutes (PARITY_WHOLE=1 takes all there too).
WHOLE = connection.vendor == "sqlite" or os.environ.get("PARITY_WHOLE") == "1"

OPENED_AT = datetime(1999, 1, 1, tzinfo=UTC)
STEPS = 50
LOOSE = {
    "stop_loss_percent": Decimal(10),
    "take_profit_percent": Decimal(30),
    "max_drawdown_percent": Decimal(60),
    "max_daily_loss_percent": Decimal(50),
}
_numbers = itertools.count(1)
Table = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Case:
    """What both sides are told."""

    type: str
    parameters: dict[str, Any]
    sizing: Sizing = field(default_factory=lambda: Sizing(SizingMethod.PERCENT_EQUITY, Decimal(5)))
    allow_short: bool = False
    fees: dict[str, Any] | None = None
    slippage: dict[str, str] | None = None
    limits: dict[str, Decimal] | None = None
    rules: tuple[dict[str, Any], ...] = ()
    timeframe: Timeframe = Timeframe.D1
    orders: tuple[ScriptedOrder, ...] = ()


@dataclass(frozen=True)
class Tables:
    """One side's answer in a form that can be compared."""

    signals: Table
    orders: Table
    fills: Table
    trades: Table
    curve: Table


def instrument_of(
    bars: BarArrays, symbol: str, *, sector: str = "Technology", timeframe: Timeframe = Timeframe.D1
) -> Instrument:
    """Store bars under a new instrument."""
    row = marketdata.create_instrument(
        symbol,
        venue="XNAS",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
        lot_size=Decimal(1),
        calendar="XNYS",
        sector=sector,
    )
    recorded = marketdata.record_bars(row, timeframe, bars, BarSource.IMPORTED, at=datetime.now(UTC))
    assert recorded.stored == len(bars), recorded.rejected[:3]
    return row


def strategy_of(case: Case, instruments: list[Instrument]) -> Strategy:
    """Make a user, a paper account and a strategy."""
    n = next(_numbers)
    user = User.objects.create_user(f"parity{n}", password="a long enough password")
    if case.limits:
        change(user, Category.RISK_MANAGEMENT, case.limits, confirmed=True)
    for rule in case.rules:
        create_rule(user, rule, at=OPENED_AT)
    account = open_account(
        user,
        name="Parity",
        starting_cash=Decimal(100_000),
        fees=case.fees or {},
        slippage=case.slippage or {},
        at=OPENED_AT,
    )
    settings = strategy_services.Settings(
        name="Parity",
        type=case.type,
        parameters=case.parameters,
        symbols=[row.symbol for row in instruments],
        timeframe=case.timeframe,
        account_id=account.pk,
        sizing_method=case.sizing.method,
        sizing_value=case.sizing.value,
        allow_short=case.allow_short,
    )
    return strategy_services.create_strategy(user, settings, at=OPENED_AT)


def live(strategy: Strategy, orders: tuple[ScriptedOrder, ...] = ()) -> Tables:
    """Play every stored bar through the pipeline, without Celery, and read what it left in the database.

    Orders by hand are placed, and canceled, at the closes that they name; the market then moves bar by bar.
    """
    start_strategy(strategy, by="test")
    clock = Replay.objects.get(instruments=strategy.instruments.first())
    placed: dict[int, Order] = {}
    while replays.play(clock, steps=1 if orders else STEPS):
        pipeline.run_account(strategy.account_id)
        clock.refresh_from_db()
        _by_hand(strategy, orders, placed, clock.market_time)
        connection.run_on_commit.clear()  # who hears the facts is no part of this; nothing commits inside a test
    account = Account.objects.get(pk=strategy.account_id)
    return Tables(
        [_signal(row) for row in Signal.objects.filter(strategy=strategy).order_by("at", "instrument__symbol")],
        sorted(_order(row) for row in Order.objects.filter(account=account).select_related("instrument")),
        [_fill(row) for row in Fill.objects.filter(account=account).order_by("venue_fill_id")],
        sorted(_trade(row) for row in Trade.objects.filter(account=account).select_related("instrument")),
        [(p.at, plain(p.equity), plain(p.cash)) for p in portfolio.equity_curve(account, max_points=10**6)],
    )


def _by_hand(strategy: Strategy, orders: tuple[ScriptedOrder, ...], placed: dict[int, Order], at: datetime) -> None:
    """Cancel, then place, what somebody cancels and places by hand at this moment."""
    for n, each in enumerate(orders):
        if each.cancel_at == at and Order.objects.get(pk=placed[n].pk).status not in FINAL:
            cancel_order(placed[n].pk, at=at)
    for n, each in enumerate(orders):
        if each.at == at:
            placed[n] = submit_order(strategy.account_id, each.order, at=at)


def past(strategy: Strategy, case: Case) -> RunResult:
    """Run the same settings through the engine."""
    code = strategy_selectors.runnable(strategy)
    rows = list(strategy.instruments.order_by("symbol"))
    mine = preferences.current(strategy.user_id)
    own = tuple(risk_selectors.spec_of(row) for row in risk_selectors.rules_of(strategy.user_id).order_by("name"))
    spec = RunSpec(
        strategy=code.strategy,
        params=code.params,
        instruments=tuple(market.spec(row) for row in rows),
        timeframe=case.timeframe,
        sizing=case.sizing,
        scripted=case.orders,
        fees=fee_model(case.fees or {}, "USD"),
        slippage=slippage_model(case.slippage or {}),
        trading=mine.trading,
        rules=(*rules_from(mine), *own),
        allow_short=case.allow_short,
    )
    return run_exact(spec, {row.symbol: market.bar_series(row, case.timeframe) for row in rows})


def tables_of(result: RunResult) -> Tables:
    """Bring an engine's result into the form in which it is compared."""
    return Tables(
        [
            (s.at, s.symbol, str(s.row.side), round(s.row.confidence, 6), plain(s.price), str(s.outcome), s.code)
            for s in result.signals
        ],
        sorted(
            (
                o.created_at,
                o.symbol,
                str(o.role),
                str(o.side),
                str(o.type),
                str(o.status),
                plain(o.quantity),
                _text(o.limit_price),
                _stop(o.type, o.stop_price),
                plain(o.filled_quantity),
                _text(o.average_fill_price),
                "" if str(o.status) != "denied" else o.reason,
            )
            for o in result.orders
        ),
        [
            (f.at, f.venue_fill_id, f.symbol, str(f.side), plain(f.quantity), plain(f.price), plain(f.fee))
            for f in result.fills
        ],
        sorted(
            (
                t.trip.entry_at,
                t.symbol,
                str(t.trip.side),
                plain(t.trip.entry_quantity),
                plain(booked(t.trip.pnl_net)),
                plain(t.trip.fees),
                t.is_closed,
                plain(t.lowest),
                plain(t.highest),
                _text(t.signal_price),
            )
            for t in result.trades
        ),
        [
            (at, plain(equity), plain(cash))
            for at, equity, cash in zip(result.curve.at, result.curve.equity, result.curve.cash, strict=True)
        ],
    )


def _text(value: Decimal | None) -> str:
    return "" if value is None else plain(booked(value))


def _stop(order_type: str, price: Decimal | None) -> str:
    """Return an order's stop; where a trailing one stands by now only the venue knows."""
    return "" if order_type == "trailing_stop" else _text(price)


def _signal(row: Signal) -> tuple[Any, ...]:
    confidence = round(row.confidence, 6)
    return (row.at, row.instrument.symbol, row.side, confidence, plain(row.price), row.outcome, row.code)


def _order(row: Order) -> tuple[Any, ...]:
    return (
        row.market_at,
        row.instrument.symbol,
        row.role,
        row.side,
        row.type,
        row.status,
        plain(row.quantity),
        _text(row.limit_price),
        _stop(row.type, row.stop_price),
        plain(row.filled_quantity),
        _text(row.average_fill_price),
        "" if row.status != "denied" else row.reason,
    )


def _fill(row: Fill) -> tuple[Any, ...]:
    prices = (plain(row.quantity), plain(row.price), plain(row.fee))
    return (row.at, row.venue_fill_id, row.instrument.symbol, row.side, *prices)


def _trade(row: Trade) -> tuple[Any, ...]:
    return (
        row.entry_at,
        row.instrument.symbol,
        row.side,
        plain(row.entry_quantity),
        plain(row.pnl_net),
        plain(row.fees),
        row.closed_at is not None,
        _text(row.lowest),
        _text(row.highest),
        _text(row.signal_price),
    )


def assert_equal(ours: Tables, theirs: Tables) -> None:
    """Compare row by row, so that a failure names the first row that differs."""
    for name in ("signals", "fills", "orders", "trades"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        for i, (one, two) in enumerate(zip(mine, other, strict=False)):
            assert one == two, f"{name}, row {i}: live {one}, engine {two}"
        assert len(mine) == len(other), f"{name}: live has {len(mine)} rows, the engine {len(other)}"
    assert_equal_curves(ours.curve, theirs.curve)


def assert_equal_curves(ours: Table, theirs: Table) -> None:
    """Compare equity and cash at every moment; live leaves out moments at which nothing is held and nothing fills."""
    points = {at: rest for at, *rest in ours}
    assert points.keys() <= {at for at, *_ in theirs}
    last = ["100000", "100000"]
    for at, *rest in theirs:
        last = points.get(at, last)
        assert last == rest, f"curve at {at}: live {last}, engine {rest}"


@pytest.fixture(autouse=True)
def own_bars(tmp_path: Any) -> Iterator[None]:
    """Keep the bars of these tests apart."""
    with override_settings(BARS_URL=str(tmp_path / "bars")):
        yield
