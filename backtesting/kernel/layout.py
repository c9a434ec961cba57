"""The records that the kernel reads and writes. Pure.

Few arrays of records instead of many arrays: inside compiled code a record is a bare pointer, while every array that a
function is handed costs atomic reference counts.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from domain.bars import Ints

Grid = npt.NDArray[np.float64]
Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
Records = npt.NDArray[np.void]
Record = Any  # one element of Records: numpy.void outside, a pointer inside compiled code

# What a strategy says at a bar, as bits.
ENTER_LONG, ENTER_SHORT, EXIT_LONG, EXIT_SHORT = 1, 2, 4, 8

# Roles, types, statuses and outcomes as numbers; their words are in backtesting.kernel.words.
ENTRY, EXIT, STOP_LOSS, TAKE_PROFIT = 0, 1, 2, 3
MARKET, STOP, LIMIT = 0, 1, 2
ACCEPTED, HELD, FILLED, CANCELED, DENIED = 0, 1, 2, 3, 4
EXECUTED, SKIPPED_PAUSED, SKIPPED_CONFIDENCE, SKIPPED_CLOSED, SKIPPED_DAILY, SKIPPED_POSITIONS = 0, 1, 2, 3, 4, 5
SKIPPED_NO_SIZE, DENIED_STOP, DENIED_TARGET, DENIED_BY_RULES, DENIED_QUANTITY, DENIED_LIMIT = 6, 7, 8, 9, 10, 11

# Sizing methods, in the order of domain.sizing.SizingMethod.
FIXED_QUANTITY, FIXED_VALUE, PERCENT_EQUITY, RISK_PER_TRADE, ATR_VOLATILITY, KELLY, EQUAL_WEIGHT = range(7)


def _record(floats: str = "", ints: str = "") -> np.dtype[np.void]:
    names = [(name, np.float64) for name in floats.split()] + [(name, np.int64) for name in ints.split()]
    return np.dtype(names)


EVENT = _record(ints="row col kind")
MORE = _record("confidence stop target strength")  # of events, where a strategy says more than yes and no
INSTRUMENT = _record("tick_up tick_down lot_up lot_down stop_percent target_percent", "sector")
TERMS = _record(
    "cash size fee_taker fee_maker fee_order fee_share fee_least fee_unit slip_bps slip_entry slip_spread confidence",
    "method at_fill fee_for_each is_split allows_shorts most_entries most_positions session_shift first_row "
    "n_instruments counts_sessions turns_at_once is_limit patience",
)
RULE = _record("limit", "type action scope choice")
STATE = _record(
    "cash equity peak turnover fees start_equity won lost",
    "n_orders n_fills n_signals n_trades n_denials n_pending n_protected n_held n_won n_lost "
    "session session_entries start_session peak_row is_paused is_reducing",
)
# Per instrument: what is held and pending. A side of 0 is no pending order, an order of -1 none.
PART = _record(
    "cash held pending price most stop target cost stop_asked target_asked stop_percent target_percent",
    "is_active side order next_side next_order stop_order target_order entry_fill",
)
ORDER = _record("quantity requested limit stop filled average", "created closed col side type role status parent")
FILL = _record("quantity price fee", "row order")
SIGNAL = _record("price", "row col side code")
TRADE = _record(ints="entry leave")
DENIAL = _record("value", "order rule")


class Market(NamedTuple):
    """Bars: float64[n_bars, n_instruments] each; closes : int64[n_bars]; is_open : bool[n_bars] (empty: always).

    zone : int64[2, n], when the account's zone changes its offset from UTC, and to what (empty: UTC)
    """

    o: Grid
    h: Grid
    l: Grid  # noqa: E741  the trade's own letter for the low
    c: Grid
    closes: Ints
    is_open: npt.NDArray[np.bool_]
    zone: npt.NDArray[np.int64]


class Said(NamedTuple):
    """What is said, by row and then by column; `more` is empty where all is at its default."""

    events: Records
    more: Records


class Rules(NamedTuple):
    """Pre-trade rules; flags : uint8[n_rules, n_instruments], bit 1: looks at it, bit 2: it is restricted."""

    all: Records
    flags: Bytes


class Written(NamedTuple):
    """The tables a run writes, one record an entry, and equity at every bar."""

    equity: npt.NDArray[np.float64]
    orders: Records
    fills: Records
    signals: Records
    trades: Records
    denials: Records


class State(NamedTuple):
    """What changes while a run plays: one record of sums and counts, one record an instrument, quantities held."""

    all: Records
    parts: Records
    quantity: npt.NDArray[np.float64]
