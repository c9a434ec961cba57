"""Loss sessions and peaks of equity, looked up only when something asks for them. Pure."""

import numpy as np

from backtesting.kernel.compiling import inlined, kernel
from backtesting.kernel.layout import Market, Record
from domain.bars import Floats

_DAY = 86_400


@kernel
def session_of(at: int, m: Market, p: Record) -> int:
    """Return the number of the loss session that a moment lies in (days since 1970 of the date it began on)."""
    offset = 0
    if m.zone.shape[1]:
        offset = m.zone[1, np.searchsorted(m.zone[0], at, side="right") - 1]
    return (at + offset - p.session_shift) // _DAY


@inlined
def enter_session(t: int, m: Market, p: Record, s: Record) -> None:
    """Begin to count anew where the bar `t` closes in another loss session than the last that mattered."""
    if not p.counts_sessions:
        return
    session = session_of(m.closes[t], m, p)
    if session > s.session:
        s.session = session
        s.session_entries = 0
        s.turnover = 0.0


@kernel
def session_start_equity(t: int, m: Market, p: Record, s: Record, equity: Floats) -> float:
    """Return the equity that the last loss session ended with."""
    session = session_of(m.closes[t], m, p)
    if s.start_session != session:
        back = 1  # look back in longer and longer steps: it usually began not long ago
        while t - back > p.first_row and session_of(m.closes[t - back], m, p) == session:
            back *= 2
        low, high = max(p.first_row, t - back), t  # the first row of the session lies in low..high
        while low < high:
            middle = (low + high) // 2
            if session_of(m.closes[middle], m, p) < session:
                low = middle + 1
            else:
                high = middle
        s.start_equity = equity[low - 1] if low > p.first_row else p.cash
        s.start_session = session
    return s.start_equity


@kernel
def peak_equity(t: int, now: float, s: Record, equity: Floats) -> float:
    """Return the highest equity at any bar close so far."""
    one = two = three = four = s.peak  # four at once: each has to wait for the one before otherwise
    k = s.peak_row
    while k + 3 <= t:
        one, two = max(one, equity[k]), max(two, equity[k + 1])
        three, four = max(three, equity[k + 2]), max(four, equity[k + 3])
        k += 4
    while k <= t:
        one = max(one, equity[k])
        k += 1
    s.peak = max(max(one, two), max(three, four))
    s.peak_row = t + 1
    return max(s.peak, now)
