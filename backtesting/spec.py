"""What a run is told: strategy, instruments, money, costs, rules. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from domain.bars import Timeframe
from domain.costs import FeeModel, FinancingModel, SlippageModel
from domain.instruments import InstrumentSpec
from domain.orders import OrderSpec
from domain.sizing import SizingMethod
from preferences.categories import TradingPreferences
from risk.decisions import RuleSpec
from strategies.base import Params, Strategy

# Fixed ids stand in for the rows that a run does not have, so that a run repeated gives the same bytes.
RUN_ACCOUNT = UUID(int=1)
RUN_USER = UUID(int=2)
RUN_STRATEGY = UUID(int=3)


class SizedAt(StrEnum):
    """When an entry's quantity is worked out."""

    DECISION = "decision"  # at the signal's close, as live does
    FILL = "fill"  # at the fill with its price, fee and cash, never more than the cash pays (research only)


class Capital(StrEnum):
    """Whose cash an entry spends."""

    SHARED = "shared"
    SPLIT = "split"  # every instrument begins with an equal part and keeps what it makes of it (research only)


@dataclass(frozen=True, slots=True)
class Sizing:
    """How large an entry is.

    ``fee_for_each`` (sized at the fill alone) sets the fixed fee of an order aside for every unit of it, and not once,
    as backtesting.py does: what it buys is less, what it pays is the same.
    """

    method: SizingMethod
    value: Decimal
    at: SizedAt = SizedAt.DECISION
    fee_for_each: bool = False


@dataclass(frozen=True, slots=True)
class ScriptedOrder:
    """An order that somebody places by hand at the bar close `at`, whatever the strategy says.

    What still works of it at the bar close `cancel_at` is canceled then, before other orders are placed.
    """

    at: datetime
    order: OrderSpec
    cancel_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dividend:
    """Cash for each share held when the first bar at or after `t` (unix seconds) opens; shorts pay it."""

    symbol: str
    t: int
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One run. `rules` are the risk rules in force (those of the preferences among them); none: nothing is refused.

    `first_decision` names, by symbol, the row of the bars at whose close the strategy first decides (its warm-up where
    none is named); earlier bars only warm up and are not traded in. `session_zone` and `session_start` say when the
    loss session begins. `turns_at_once` sends the exit and the entry of the other way at the same close (live waits for
    the position to be flat), as some other engines do; for research only.
    """

    strategy: Strategy
    params: Params
    instruments: tuple[InstrumentSpec, ...]
    timeframe: Timeframe
    sizing: Sizing
    starting_cash: Decimal = Decimal(100_000)
    currency: str = "USD"
    fees: FeeModel = field(default_factory=FeeModel)
    slippage: SlippageModel = field(default_factory=SlippageModel)
    financing: FinancingModel = field(default_factory=FinancingModel)
    dividends: tuple[Dividend, ...] = ()
    trading: TradingPreferences = field(default_factory=TradingPreferences)
    rules: tuple[RuleSpec, ...] = ()
    allow_short: bool = False
    first_decision: Mapping[str, int] | None = None
    scripted: tuple[ScriptedOrder, ...] = ()
    session_zone: str = "UTC"
    session_start: time = time(0, 0)
    capital: Capital = Capital.SHARED
    turns_at_once: bool = False

    def __post_init__(self) -> None:
        symbols = [instrument.symbol for instrument in self.instruments]
        if len(set(symbols)) != len(symbols) or not symbols:
            raise ValueError(f"a run needs different instruments, not {symbols}")
        if not (self.starting_cash.is_finite() and self.starting_cash > 0):
            raise ValueError(f"starting cash must be above 0, not {self.starting_cash}")
