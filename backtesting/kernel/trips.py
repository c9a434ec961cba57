"""Round trips as the kernel wrote them: the columns of the trades, each made when it is asked for. Pure."""

from functools import cached_property

import numpy as np

from backtesting.kernel import words
from backtesting.kernel.compiling import kernel
from backtesting.kernel.layout import STOP_LOSS, Grid, Numbers, Records
from backtesting.panel import Panel
from backtesting.tables import Column, r_multiples
from domain.bars import Floats


class Trips:
    """The columns of the trades, each made when it is asked for."""

    def __init__(self, panel: Panel, orders: Records, fills: Records, trades: Records, open_fills: Numbers) -> None:
        self._panel, self._orders, self._fills = panel, orders, fills
        self._n_closed, self.n = len(trades), len(trades) + len(open_fills)
        self._entry = np.concatenate((trades["entry"], open_fills))
        self._leave = np.concatenate((trades["leave"], np.full(len(open_fills), -1, dtype=np.int64)))
        self.is_closed = np.arange(self.n) < self._n_closed

    def _of_exit(self, name: str, otherwise: Column | float) -> Column:
        """Return a column of the exit fills; `otherwise` for what is still held."""
        column = np.empty(self.n, dtype=self._fills.dtype[name])
        column[: self._n_closed] = self._fills[name][self._leave[: self._n_closed]]
        column[self._n_closed :] = otherwise
        return column

    def _times(self, rows: Numbers) -> Numbers:
        return np.where(rows >= 0, self._panel.closes[np.maximum(rows, 0)], 0)

    @cached_property
    def _order(self) -> Numbers:
        found: Numbers = self._fills["order"][self._entry]
        return found

    @cached_property
    def symbol(self) -> Numbers:
        found: Numbers = self._orders["col"][self._order]
        return found

    @property
    def side(self) -> Numbers:
        return (self.signed > 0).astype(np.int64)

    @cached_property
    def entry_row(self) -> Numbers:
        found: Numbers = self._fills["row"][self._entry]
        return found

    @cached_property
    def exit_row(self) -> Numbers:
        return self._of_exit("row", -1)

    @property
    def entry_at(self) -> Numbers:
        return self._times(self.entry_row)

    @property
    def exit_at(self) -> Numbers:
        return self._times(self.exit_row)

    @cached_property
    def signed(self) -> Floats:
        found: Floats = self._fills["quantity"][self._entry]
        return found

    @property
    def quantity(self) -> Floats:
        return np.abs(self.signed)

    @cached_property
    def entry_price(self) -> Floats:
        found: Floats = self._fills["price"][self._entry]
        return found

    @cached_property
    def exit_price(self) -> Floats:
        return self._of_exit("price", self._panel.c[-1:, self.symbol[self._n_closed :]].ravel())

    @cached_property
    def fees(self) -> Floats:
        paid: Floats = self._fills["fee"][self._entry] + self._of_exit("fee", 0.0)
        return paid

    @cached_property
    def pnl(self) -> Floats:
        return (self.exit_price - self.entry_price) * self.signed

    @property
    def pnl_net(self) -> Floats:
        return self.pnl - self.fees

    @property
    def return_fraction(self) -> Floats:
        return self.pnl_net / np.abs(self.signed * self.entry_price)

    @cached_property
    def until(self) -> Numbers:
        return np.where(self.is_closed, self.exit_row, self._panel.n_bars)

    @cached_property
    def _extremes(self) -> tuple[Floats, Floats]:
        lowest, highest = np.empty(self.n), np.empty(self.n)
        panel = self._panel
        prices = (self.entry_price, self.exit_price)
        extremes(panel.l, panel.h, self.symbol, self.entry_row, self.until, *prices, lowest, highest)
        return lowest, highest

    @property
    def lowest(self) -> Floats:
        return self._extremes[0]

    @property
    def highest(self) -> Floats:
        return self._extremes[1]

    @property
    def signal_price(self) -> Floats:
        decided = self._orders["created"][self._order]
        found: Floats = self._panel.c[decided, self.symbol]
        return found

    @cached_property
    def initial_stop(self) -> Floats:
        """Where the first protective stop of each entry stood; NaN without one."""
        stops = np.flatnonzero((self._orders["role"] == STOP_LOSS) & (self._orders["parent"] >= 0))[::-1]
        of_entry = np.full(len(self._orders), np.nan)
        of_entry[self._orders["parent"][stops]] = self._orders["stop"][stops]  # the first one is written last
        found: Floats = of_entry[self._order]
        return found

    @property
    def r_multiple(self) -> Floats:
        return r_multiples(self.pnl_net, self.entry_price, self.initial_stop, self.quantity)

    @property
    def exit_role(self) -> Numbers:
        role = np.full(self.n, len(words.ROLES))
        role[: self._n_closed] = self._orders["role"][self._fills["order"][self._leave[: self._n_closed]]]
        return role


@kernel
def extremes(
    low: Grid, high: Grid, col: Numbers, entry: Numbers, leave: Numbers, price: Floats, exit_price: Floats,
    lowest: Floats, highest: Floats,
) -> None:  # fmt: skip
    """Find the extreme prices that each round trip saw: its fills, and the bars it was held to the close of."""
    for k in range(len(col)):
        least, most = min(price[k], exit_price[k]), max(price[k], exit_price[k])
        for t in range(entry[k], leave[k]):
            least, most = min(least, low[t, col[k]]), max(most, high[t, col[k]])
        lowest[k], highest[k] = least, most


@kernel
def held_values(
    close: Grid, col: Numbers, entry: Numbers, leave: Numbers, quantity: Floats, gross: Floats, net: Floats
) -> None:
    """Add the value of each round trip to the bars at whose close it was held."""
    for k in range(len(col)):
        for t in range(entry[k], leave[k]):
            value = quantity[k] * close[t, col[k]]
            gross[t] += abs(value)
            net[t] += value
