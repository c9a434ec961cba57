"""What `engine.run` gives back, as arrays: equity, cash and exposure, and tables of orders, fills, trades. Pure."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.bars import Floats, Ints

Column = npt.NDArray[Any]


class Table:
    """Columns of equal length. Words (symbols, sides, …) are kept as small numbers and given out as text.

    Columns named `..._at` are int64 unix seconds, 0 where something has not happened; missing prices are NaN.
    """

    __slots__ = ("_columns", "_n", "_words")

    def __init__(
        self,
        columns: Mapping[str, Column | Callable[[], Column]],
        words: Mapping[str, tuple[str, ...]] | None = None,
        *,
        n: int | None = None,
    ) -> None:
        """Keep columns, or functions that make them when they are first asked for (`n`: the length then)."""
        self._columns, self._words = dict(columns), dict(words or {})
        self._n = len(self.codes(next(iter(self._columns)))) if n is None else n

    def __len__(self) -> int:
        return self._n

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def __getitem__(self, name: str) -> Column:
        """Return a column; words as an array of text."""
        column = self.codes(name)
        words = self._words.get(name)
        return column if words is None else np.array(words, dtype=object)[column]

    def codes(self, name: str) -> Column:
        """Return a column as it is kept: words as numbers."""
        found = self._columns[name]
        if callable(found):
            found = self._columns[name] = found()
        return found

    def words(self, name: str) -> tuple[str, ...]:
        """Return the words that a column's numbers stand for (none: it holds numbers or text itself)."""
        return self._words.get(name, ())

    def rows(self, start: int = 0, stop: int | None = None) -> list[dict[str, Any]]:
        """Return the rows `start <= i < stop` as dictionaries: times aware or None, NaN as None."""
        lists = {name: _told(name, self._cut(name, start, stop)) for name in self._columns}
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]

    def _cut(self, name: str, start: int, stop: int | None) -> Column:
        column = self.codes(name)[start:stop]
        words = self._words.get(name)
        return column if words is None else np.array(words, dtype=object)[column]


def _told(name: str, column: Column) -> list[Any]:
    values = column.tolist()
    if name.endswith("_at") or name == "at":
        return [datetime.fromtimestamp(value, tz=UTC) if value else None for value in values]
    if column.dtype.kind == "f":
        return [None if value != value else value for value in values]
    return list(values)


class Result:
    """Everything that a run did. What costs time and not everybody wants is made when first asked for.

    path : "kernel" (compiled, float64) or "exact" (plain Python, decimals)
    t : int64[n], unix seconds of every moment at which bars closed from the first decision on
    equity : float64[n], account value at those closes (account currency)
    cash, exposure, net_exposure : float64[n]; exposure is the gross value held, net counts shorts negative
    orders : number created_at closed_at symbol side type role status quantity requested_quantity limit_price
        stop_price filled_quantity average_fill_price parent (number or 0) reason
    fills : number at order (number) symbol side role quantity price fee
    trades : symbol side entry_at exit_at entry_price exit_price quantity pnl fees pnl_net return_fraction
        (pnl_net / entry value) lowest highest signal_price initial_stop (of the first protective stop; NaN
        without one) r_multiple (pnl_net by what was at risk then) is_closed exit_role entry_row exit_row
        (rows of the bars; exit_row -1 while open)
    signals : at symbol side price confidence outcome code message reason
    positions : symbol quantity average_price mark (what is held at the end)
    financing, dividends : interest and borrow cost, and dividends over the run (account currency; below 0: paid), in no
        fill and no trade
    """

    def __init__(
        self,
        *,
        path: str,
        t: Ints,
        equity: Floats,
        starting_cash: float,
        fees_paid: float,
        financing: float = 0.0,
        dividends: float = 0.0,
        makers: Mapping[str, Callable[[], Any]],
    ) -> None:
        self.path, self.t, self.equity = path, t, equity
        self.starting_cash, self.fees_paid = starting_cash, fees_paid
        self.financing, self.dividends = financing, dividends
        self._makers = makers

    @property
    def final_equity(self) -> float:
        """Equity after the last bar (the starting cash where there is none)."""
        return float(self.equity[-1]) if len(self.equity) else self.starting_cash

    @cached_property
    def orders(self) -> Table:
        """Every order, denied ones with their reasons."""
        return self._table("orders")

    @cached_property
    def fills(self) -> Table:
        """Every execution."""
        return self._table("fills")

    @cached_property
    def trades(self) -> Table:
        """Round trips: closed ones in the order of closing, then those still open, marked at the last close."""
        return self._table("trades")

    @cached_property
    def signals(self) -> Table:
        """Every statement of the strategy that called for something, with its outcome."""
        return self._table("signals")

    @cached_property
    def positions(self) -> Table:
        """What is held at the end."""
        return self._table("positions")

    @cached_property
    def cash(self) -> Floats:
        """Cash at every moment."""
        return self._series("cash")

    @cached_property
    def exposure(self) -> Floats:
        """Gross value held at every moment."""
        return self._series("exposure")

    @cached_property
    def net_exposure(self) -> Floats:
        """Signed value held at every moment."""
        return self._series("net_exposure")

    def _table(self, name: str) -> Table:
        made: Table = self._makers[name]()
        return made

    def _series(self, name: str) -> Floats:
        made: Floats = self._makers[name]()
        return made


def r_multiples(pnl_net: Floats, entry_price: Floats, stop: Floats, quantity: Floats) -> Floats:
    """Return net P&L in units of what was at risk at the entry, |entry - first stop| x quantity; NaN without a stop.

    Van K. Tharp (1998), "Trade Your Way to Financial Freedom": R is the initial risk.
    """
    risk = np.abs(entry_price - stop) * quantity
    found = np.full(len(risk), np.nan)
    np.divide(pnl_net, risk, out=found, where=risk > 0)
    return found
