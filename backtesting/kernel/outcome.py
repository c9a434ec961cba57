"""What the kernel wrote, as a `Result`: tables are built from the arrays when they are asked for. Pure."""

from decimal import Decimal
from functools import cached_property, partial

import numpy as np

from backtesting.kernel import layout as at
from backtesting.kernel import words
from backtesting.kernel.gate import IS_HALTED, IS_REDUCING, NO_EQUITY
from backtesting.kernel.layout import Numbers, State, Written
from backtesting.kernel.prepare import Prepared
from backtesting.kernel.trips import Trips, held_values
from backtesting.panel import Panel
from backtesting.spec import RUN_STRATEGY, RunSpec
from backtesting.tables import Column, Result, Table
from domain.bars import Floats
from domain.orders import OrderSide
from risk.decisions import OrderIntent
from risk.rules.table import RULE_TYPES
from risk.words import broken_words
from strategies.evaluate import Answer, answer

_PLATFORM = {
    NO_EQUITY: ("platform:equity", "The account's equity is {value}: there is nothing to risk"),
    IS_REDUCING: ("platform:trading_state", "The account is reducing: it may only reduce"),
    IS_HALTED: ("platform:trading_state", "The account is halted: it may only reduce"),
}


def result_of(spec: RunSpec, panel: Panel, given: Prepared, s: State, w: Written) -> Result:
    """Return a played run."""
    told = _Told(spec, panel, given, s, w)
    return Result(
        path="kernel",
        t=panel.closes[given.first_row :],
        equity=w.equity[given.first_row :],
        starting_cash=float(spec.starting_cash),
        fees_paid=float(s.all[0]["fees"]),
        makers={
            "orders": told.orders,
            "fills": told.fills,
            "trades": told.trades,
            "signals": told.signals,
            "positions": told.positions,
            "cash": lambda: told.cash,
            "exposure": lambda: told.exposures[0],
            "net_exposure": lambda: told.exposures[1],
        },
    )


class _Told:
    """Reads the kernel's tables for people."""

    def __init__(self, spec: RunSpec, panel: Panel, given: Prepared, s: State, w: Written) -> None:
        self.spec, self.panel, self.given = spec, panel, given
        sums = s.all[0]
        self.o, self.f = w.orders[: sums["n_orders"]], w.fills[: sums["n_fills"]]
        self.s, self.t = w.signals[: sums["n_signals"]], w.trades[: sums["n_trades"]]
        self.d, self.state = w.denials[: sums["n_denials"]], s
        self.first = given.first_row

    def times(self, rows: Numbers) -> Numbers:
        """Return when the bars of rows closed; 0 for row -1."""
        return np.where(rows >= 0, self.panel.closes[np.maximum(rows, 0)], 0)

    def orders(self) -> Table:
        """Every order."""
        o = self.o
        return Table(
            {
                "number": np.arange(1, len(o) + 1),
                "created_at": lambda: self.times(o["created"]),
                "closed_at": lambda: self.times(o["closed"]),
                "symbol": o["col"],
                "side": lambda: (o["side"] + 1) // 2,
                "type": o["type"],
                "role": o["role"],
                "status": o["status"],
                "quantity": o["quantity"],
                "requested_quantity": o["requested"],
                "limit_price": o["limit"],
                "stop_price": o["stop"],
                "filled_quantity": o["filled"],
                "average_fill_price": o["average"],
                "parent": lambda: o["parent"] + 1,
                "reason": self._order_reasons,
            },
            {
                "symbol": self.panel.symbols,
                "side": words.text(words.SIDES),
                "type": words.text(words.TYPES),
                "role": words.text(words.ROLES),
                "status": words.text(words.STATUSES),
            },
        )

    def _order_reasons(self) -> Column:
        """Return why orders ended without a fill."""
        reasons = np.full(len(self.o), "", dtype=object)
        for order, reason in self._refusals().items():
            reasons[order] = reason
        is_canceled = self.o["status"] == at.CANCELED
        reasons[is_canceled] = "its position no longer needs it"
        is_entry = is_canceled & (self.o["role"] == at.ENTRY)
        patience = self.spec.trading.order_timeout_seconds
        is_overdue = self.o["type"] == at.LIMIT
        reasons[is_entry & is_overdue] = f"not filled within {patience} seconds"
        reasons[is_entry & ~is_overdue] = "the cash at its fill did not pay for a lot"
        children = is_canceled & np.isin(self.o["parent"], np.flatnonzero(is_entry))
        reasons[children] = "its entry ended without a fill"
        return reasons

    def _refusals(self) -> dict[int, str]:
        """Return why orders were denied, in the words of the live gate."""
        told: dict[int, list[tuple[str, str]]] = {}
        for order, rule, value in self.d[["order", "rule", "value"]].tolist():
            if order < len(self.o) and self.o[order]["status"] == at.DENIED:
                told.setdefault(order, []).append(self._refusal(order, rule, value))
        return {order: "; ".join(text for _, text in sorted(each)) for order, each in told.items()}

    def _refusal(self, order: int, rule: int, value: float) -> tuple[str, str]:
        if rule < 0:
            key, text = _PLATFORM[rule]
            return key, text.format(value=value)
        spec = self.given.rule_specs[rule]
        instrument = self.given.ordered[int(self.o[order]["col"])]
        intent = OrderIntent(
            symbol=instrument.symbol,
            instrument_id=instrument.id,
            sector=instrument.sector,
            asset_class=instrument.asset_class,
            strategy_id=RUN_STRATEGY,
            side=OrderSide.BUY,
            quantity=Decimal(1),
            price=Decimal(1),
        )
        return spec.key, broken_words(spec, RULE_TYPES[spec.type], intent, Decimal(repr(value)))

    def fills(self) -> Table:
        """Every execution."""
        order = self.f[:]["order"]
        return Table(
            {
                "number": np.arange(1, len(order) + 1),
                "at": self.times(self.f[:]["row"]),
                "order": order + 1,
                "symbol": self.o[order]["col"],
                "side": (self.o[order]["side"] + 1) // 2,
                "role": self.o[order]["role"],
                "quantity": np.abs(self.f[:]["quantity"]),
                "price": self.f[:]["price"],
                "fee": self.f[:]["fee"],
            },
            {
                "symbol": self.panel.symbols,
                "side": words.text(words.SIDES),
                "role": words.text(words.ROLES),
            },
        )

    @cached_property
    def _still_open(self) -> Numbers:
        """The entry fills of what is held at the end, by instrument."""
        held = np.flatnonzero(self.state.quantity)
        fills: Numbers = self.state.parts["entry_fill"][held]
        return fills

    def trades(self) -> Table:
        """Round trips, closed ones first."""
        trips = Trips(self.panel, self.o, self.f, self.t, self._still_open)
        columns = (
            *("symbol", "side", "entry_at", "exit_at", "entry_price", "exit_price", "quantity", "pnl", "fees"),
            *("pnl_net", "return_fraction", "lowest", "highest", "signal_price", "initial_stop", "r_multiple"),
            *("is_closed", "exit_role", "entry_row", "exit_row"),
        )
        return Table(
            {name: partial(getattr, trips, name) for name in columns},
            {
                "symbol": self.panel.symbols,
                "side": words.text(words.SIDES),
                "exit_role": (*words.text(words.ROLES), ""),
            },
            n=trips.n,
        )

    def signals(self) -> Table:
        """Every statement that called for something."""
        i = self.s
        reasons, confidence = self._reasons()
        codes = np.arange(len(words.CODES))
        return Table(
            {
                "at": self.times(i["row"]),
                "symbol": i["col"],
                "side": i["side"] + 1,
                "price": i["price"],
                "confidence": confidence,
                "outcome": codes[i["code"]],
                "code": i["code"],
                "message": i["code"],
                "reason": reasons,
            },
            {
                "symbol": self.panel.symbols,
                "side": words.text(words.SIGNAL_SIDES),
                "outcome": words.text(words.OUTCOMES),
                "code": words.text(words.CODES),
                "message": words.MESSAGES,
            },
        )

    def _reasons(self) -> tuple[np.ndarray, Floats]:
        """Return what the strategy gives as its reasons, and its confidence, at every signal."""
        reasons, confidence = np.full(len(self.s), "", dtype=object), np.ones(len(self.s))
        for j, symbol in enumerate(self.panel.symbols):
            mine = np.flatnonzero(self.s["col"] == j)
            if not len(mine):
                continue
            said = self._answer(j, symbol)
            confidence[mine] = said.confidence[self.s["row"][mine]]
            for k in mine.tolist():
                row = said.row(int(self.s["row"][k]))
                if row is not None:
                    leaves = self.s["side"][k] == 0 and (row.exits_long or row.exits_short)
                    reasons[k] = row.exit_reason if leaves else row.entry_reason
        return reasons, confidence

    def _answer(self, j: int, symbol: str) -> Answer:
        if self.given.answers is not None:
            return self.given.answers[j]
        return answer(self.spec.strategy, self.spec.params, self.panel.bars(symbol))

    def positions(self) -> Table:
        """What is held at the end."""
        held = np.flatnonzero(self.state.quantity)
        return Table(
            {
                "symbol": held,
                "quantity": self.state.quantity[held],
                "average_price": self.f[self._still_open]["price"],
                "mark": self.panel.c[-1, held] if self.panel.n_bars else np.empty(0),
            },
            {"symbol": self.panel.symbols},
        )

    @cached_property
    def cash(self) -> Floats:
        """Cash at every bar, from the fills."""
        change = np.zeros(self.panel.n_bars)
        paid = -self.f[:]["quantity"] * self.f[:]["price"] - self.f[:]["fee"]
        np.add.at(change, self.f[:]["row"], paid)
        cash: Floats = float(self.spec.starting_cash) + np.cumsum(change)
        return cash[self.first :]

    @cached_property
    def exposures(self) -> tuple[Floats, Floats]:
        """Gross and net value held at every bar, from the round trips."""
        gross, net = np.zeros(self.panel.n_bars), np.zeros(self.panel.n_bars)
        trips = Trips(self.panel, self.o, self.f, self.t, self._still_open)
        held_values(self.panel.c, trips.symbol, trips.entry_row, trips.until, trips.signed, gross, net)
        return gross[self.first :], net[self.first :]
