"""A sweep's answer: the key figures of every parameter combination, as columns. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from backtesting.tables import Result
from domain.bars import Floats, Ints

_SAME = 1e-14  # of the mean square: returns that vary less are all the same but for rounding


class KeyFigures(NamedTuple):
    """One run's key figures, in the units of `SweepTable`."""

    final_equity: float
    max_drawdown: float
    sharpe: float
    n_trades: int
    fees_paid: float


@dataclass(frozen=True, slots=True, eq=False)
class SweepTable:
    """Key figures of many runs; row i belongs to the i-th combination that was handed in.

    final_equity : float64[n], account currency
    max_drawdown : float64[n], largest fall of equity from its peak at bar closes, as a fraction (0.25 = 25 %)
    sharpe : float64[n], mean / standard deviation (ddof 1) of the returns from bar close to bar close, NOT annualised
        (times the square root of bars a year); 0 where equity never moves
    n_trades : int64[n], closed round trips
    fees_paid : float64[n], account currency
    """

    final_equity: Floats
    max_drawdown: Floats
    sharpe: Floats
    n_trades: Ints
    fees_paid: Floats

    def __len__(self) -> int:
        return len(self.final_equity)

    @classmethod
    def of(cls, rows: Sequence[KeyFigures]) -> Self:
        """Return rows as columns."""
        columns = list(zip(*rows, strict=True)) or [()] * 5
        floats = [np.array(column, dtype=np.float64) for column in columns]
        return cls(floats[0], floats[1], floats[2], floats[3].astype(np.int64), floats[4])

    @classmethod
    def from_block(cls, block: npt.NDArray[np.float64]) -> Self:
        """Return the columns of one array, in the order of the fields."""
        final, deepest, sharpe, trades, fees = (block[:, k].copy() for k in range(5))
        return cls(final, deepest, sharpe, trades.astype(np.int64), fees)


def figures_of(result: Result, n_moments: int) -> KeyFigures:
    """Return a run's key figures over `n_moments` closes: before its first decision equity is the starting cash."""
    equity = result.equity
    peak = np.maximum(np.maximum.accumulate(equity), result.starting_cash)
    drawdown = float((1 - equity / peak).max()) if len(equity) else 0.0
    return KeyFigures(
        final_equity=result.final_equity,
        max_drawdown=drawdown,
        sharpe=_sharpe(np.concatenate(([result.starting_cash], equity)), n_moments),
        n_trades=int(result.trades["is_closed"].sum()),
        fees_paid=result.fees_paid,
    )


def _sharpe(equity: Floats, n_moments: int) -> float:
    """Return mean / deviation of the returns; moments before the first are returns of nothing."""
    before = equity[:-1]
    returns = np.divide(np.diff(equity), before, out=np.zeros(len(before)), where=before != 0)
    n = n_moments - 1
    if n < 2:
        return 0.0
    total, squares = float(returns.sum()), float((returns**2).sum())
    variance = (squares - total * total / n) / (n - 1)
    return total / n / float(np.sqrt(variance)) if variance > _SAME * squares / n else 0.0
