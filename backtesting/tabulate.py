"""An exact run's result as the arrays and tables of `Result`. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from backtesting.results import RunOrder, RunResult, RunTrade
from backtesting.spec import RunSpec
from backtesting.tables import Column, Result, Table
from domain.bars import BarArrays, Floats
from domain.orders import OrderRole
from domain.protection import levels
from marketdata.calendars import close_times

Columns = Mapping[str, tuple[type | str, Callable[[Any], Any]]]
_NAN = float("nan")
ZERO = Decimal(0)


def result_of(run: RunResult, spec: RunSpec, bars: Mapping[str, BarArrays]) -> Result:
    """Return an exact run as arrays; everything but equity is made when it is asked for."""
    t, equity = run.curve.t, run.curve.values
    return Result(
        path="exact",
        t=t,
        equity=equity,
        starting_cash=float(spec.starting_cash),
        fees_paid=float(run.fees_paid),
        financing=float(run.financing),
        dividends=float(run.dividends),
        makers={
            "orders": lambda: _table(run.orders, _ORDER),
            "fills": lambda: _fills(run),
            "trades": lambda: _trades(run, spec, bars),
            "signals": lambda: _table(run.signals, _SIGNAL),
            "positions": lambda: _table(run.positions, _POSITION),
            "cash": lambda: np.array([float(cash) for cash in run.curve.cash], dtype=np.float64),
            "exposure": lambda: _exposure(run, spec, bars)[0],
            "net_exposure": lambda: _exposure(run, spec, bars)[1],
        },
    )


def _table(rows: Sequence[Any], columns: Columns) -> Table:
    return Table({name: _column([read(row) for row in rows], kind) for name, (kind, read) in columns.items()})


def _column(values: list[Any], kind: type | str) -> Column:
    return np.array(values, dtype=kind)


def _seconds(at: datetime | None) -> int:
    return 0 if at is None else int(at.timestamp())


def _number(value: Decimal | float | None) -> float:
    return _NAN if value is None else float(value)


def _a(name: str) -> Callable[[Any], str]:
    return lambda row: str(getattr(row, name))


def _n(name: str) -> Callable[[Any], float]:
    return lambda row: _number(getattr(row, name))


def _at(name: str) -> Callable[[Any], int]:
    return lambda row: _seconds(getattr(row, name))


_ORDER: Columns = {
    "number": (np.int64, lambda o: o.number),
    "created_at": (np.int64, _at("created_at")),
    "closed_at": (np.int64, _at("closed_at")),
    **{name: (object, _a(name)) for name in ("symbol", "side", "type", "role", "status")},
    **{name: (np.float64, _n(name)) for name in ("quantity", "requested_quantity", "limit_price", "stop_price")},
    **{name: (np.float64, _n(name)) for name in ("filled_quantity", "average_fill_price")},
    "parent": (np.int64, lambda o: o.parent.number if o.parent else 0),
    "reason": (object, _a("reason")),
}
_SIGNAL: Columns = {
    "at": (np.int64, _at("at")),
    "symbol": (object, _a("symbol")),
    "side": (object, lambda s: str(s.row.side)),
    "price": (np.float64, _n("price")),
    "confidence": (np.float64, lambda s: s.row.confidence),
    **{name: (object, _a(name)) for name in ("outcome", "code", "message")},
    "reason": (object, lambda s: s.row.reason),
}
_POSITION: Columns = {
    "symbol": (object, _a("symbol")),
    **{name: (np.float64, _n(name)) for name in ("quantity", "average_price", "mark")},
}
_FILL: Columns = {
    "number": (np.int64, lambda pair: int(pair[0].venue_fill_id[1:])),
    "at": (np.int64, lambda pair: _seconds(pair[0].at)),
    "order": (np.int64, lambda pair: pair[1].number),
    "symbol": (object, lambda pair: pair[0].symbol),
    "side": (object, lambda pair: str(pair[0].side)),
    "role": (object, lambda pair: str(pair[1].role)),
    "quantity": (np.float64, lambda pair: float(pair[0].quantity)),
    "price": (np.float64, lambda pair: float(pair[0].price)),
    "fee": (np.float64, lambda pair: float(pair[0].fee)),
}


def _orders_of_fills(run: RunResult) -> list[RunOrder]:
    by_number = {order.number: order for order in run.orders}
    return [by_number[number] for number in run.fill_orders]


def _fills(run: RunResult) -> Table:
    return _table(list(zip(run.fills, _orders_of_fills(run), strict=True)), _FILL)


def _trades(run: RunResult, spec: RunSpec, bars: Mapping[str, BarArrays]) -> Table:
    rows, stops = _Rows(spec, bars), _Stops(run, spec)
    roles = {(fill.symbol, fill.at): order for fill, order in zip(run.fills, _orders_of_fills(run), strict=True)}
    marks = {(p.symbol, p.strategy_id): p.mark for p in run.positions}

    def exit_price(trade: RunTrade) -> float:
        if trade.trip.exit_price is not None and trade.is_closed:
            return float(trade.trip.exit_price)
        return _number(marks.get((trade.symbol, trade.strategy_id)))

    def pnl(trade: RunTrade) -> Decimal:
        if trade.is_closed:
            return trade.trip.pnl
        held = trade.trip.entry_quantity - trade.trip.exit_quantity
        mark = marks[trade.symbol, trade.strategy_id]
        return trade.trip.pnl + (mark - trade.trip.entry_price) * held * trade.trip.side.sign

    def exit_role(trade: RunTrade) -> str:
        if not trade.is_closed or trade.trip.exit_at is None:
            return ""
        return str(roles.get((trade.symbol, trade.trip.exit_at), _NO_ORDER).role)

    def r_multiple(trade: RunTrade) -> float:
        stop = stops.of(trade)
        risk = ZERO if stop is None else abs(trade.trip.entry_price - stop) * trade.trip.entry_quantity
        return float((pnl(trade) - trade.trip.fees) / risk) if risk else _NAN

    columns: Columns = {
        "symbol": (object, _a("symbol")),
        "side": (object, lambda t: str(t.trip.side)),
        "entry_at": (np.int64, lambda t: _seconds(t.trip.entry_at)),
        "exit_at": (np.int64, lambda t: _seconds(t.trip.exit_at) if t.is_closed else 0),
        "entry_price": (np.float64, lambda t: float(t.trip.entry_price)),
        "exit_price": (np.float64, exit_price),
        "quantity": (np.float64, lambda t: float(t.trip.entry_quantity)),
        "pnl": (np.float64, lambda t: float(pnl(t))),
        "fees": (np.float64, lambda t: float(t.trip.fees)),
        "pnl_net": (np.float64, lambda t: float(pnl(t) - t.trip.fees)),
        "return_fraction": (np.float64, lambda t: float((pnl(t) - t.trip.fees) / t.trip.entry_value)),
        **{name: (np.float64, _n(name)) for name in ("lowest", "highest", "signal_price")},
        "initial_stop": (np.float64, lambda t: _number(stops.of(t))),
        "r_multiple": (np.float64, r_multiple),
        "is_closed": (np.bool_, lambda t: t.is_closed),
        "exit_role": (object, exit_role),
        "entry_row": (np.int64, lambda t: rows.at(t.symbol, t.trip.entry_at)),
        "exit_row": (np.int64, lambda t: rows.at(t.symbol, t.trip.exit_at) if t.is_closed else -1),
    }
    return _table(run.trades, columns)


class _NoOrder:
    role = OrderRole.MANUAL


_NO_ORDER = _NoOrder()


class _Stops:
    """Knows where the first protective stop of a round trip stood: what its opening fill asked for."""

    def __init__(self, run: RunResult, spec: RunSpec) -> None:
        self._fills = {
            fill.venue_fill_id: (fill, order) for fill, order in zip(run.fills, _orders_of_fills(run), strict=True)
        }
        self._ticks = {each.symbol: each.tick_size for each in spec.instruments}

    def of(self, trade: RunTrade) -> Decimal | None:
        """Return its price; None without one."""
        fill, order = self._fills[trade.trip.entry_fill]
        wanted = levels(order.plan, Decimal(fill.side.sign), fill.price, self._ticks[trade.symbol])
        return wanted.get(OrderRole.STOP_LOSS)


class _Rows:
    """Finds the row of the bar that closed at a moment."""

    def __init__(self, spec: RunSpec, bars: Mapping[str, BarArrays]) -> None:
        self._closes = {
            each.symbol: close_times(bars[each.symbol].t, spec.timeframe, each.calendar) for each in spec.instruments
        }

    def at(self, symbol: str, moment: datetime) -> int:
        return int(np.searchsorted(self._closes[symbol], int(moment.timestamp())))


def _exposure(run: RunResult, spec: RunSpec, bars: Mapping[str, BarArrays]) -> tuple[Floats, Floats]:
    """Return gross and net value held at every moment, from the fills and the closes known then."""
    t = run.curve.t
    gross, net = np.zeros(len(t)), np.zeros(len(t))
    for instrument in spec.instruments:
        series = bars[instrument.symbol]
        closes = close_times(series.t, spec.timeframe, instrument.calendar)
        row = np.searchsorted(closes, t, side="right") - 1
        mark = np.where(row >= 0, series.c[np.maximum(row, 0)], 0.0) if len(series) else np.zeros(len(t))
        for held in _held(run, instrument.symbol, t):
            gross += np.abs(held * mark)
            net += held * mark
    return gross, net


def _held(run: RunResult, symbol: str, t: Any) -> Iterable[Floats]:
    """Yield the quantity held at every moment by the strategy, then by hand."""
    for strategy_id in {fill.strategy_id for fill in run.fills if fill.symbol == symbol}:
        mine = [fill for fill in run.fills if fill.symbol == symbol and fill.strategy_id == strategy_id]
        change = np.zeros(len(t))
        np.add.at(change, np.searchsorted(t, [_seconds(f.at) for f in mine]), [float(f.signed_quantity) for f in mine])
        yield np.cumsum(change)
