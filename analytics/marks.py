"""Equity curves put together from marks: of several accounts, or of one strategy's closed trades. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from domain.bars import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """One account's marks: equity and cash at moments (unix seconds, ascending), and its equity before the first."""

    t: Ints
    equity: Floats
    cash: Floats
    start: float


def joined(parts: Sequence[Marks]) -> Marks:
    """Add several accounts up: at every moment of any of them, each counts with its last mark (or its start)."""
    if len(parts) == 1:
        return parts[0]
    start = sum(part.start for part in parts)
    t = np.unique(np.concatenate([part.t for part in parts])) if parts else np.empty(0, dtype=np.int64)
    equity = sum((_at(t, part.t, part.equity, part.start) for part in parts), np.zeros(len(t)))
    cash = sum((_at(t, part.t, part.cash, part.start) for part in parts), np.zeros(len(t)))
    return Marks(t, equity, cash, start)


def last_known(t: Ints, known_t: Ints, values: Floats) -> Floats:
    """Return at each moment of ``t`` the last value known by then; NaN before the first."""
    return _at(t, known_t, values, np.nan)


def of_trades(t: Ints, closed_t: Ints, pnl: Floats, start: float) -> Floats:
    """Return the equity that the trades closed by each moment make of ``start``, float64[len(t)]."""
    total = np.concatenate(([0.0], np.cumsum(pnl)))
    return start + total[np.searchsorted(closed_t, t, side="right")]


def _at(t: Ints, known_t: Ints, values: Floats, before: float) -> Floats:
    padded = np.concatenate(([before], values))
    return padded[np.searchsorted(known_t, t, side="right")]
