"""The values of a twin: a strategy's real life, its shadow (a backtest of the same settings), how they differ. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Cause(StrEnum):
    """Why the two differ."""

    MANUAL_ORDER = "manual_order"
    CHANGED_BY_HAND = "changed_by_hand"
    APPROVAL = "approval"
    PREFERENCES_CHANGED = "preferences_changed"
    RULE_CHANGED = "rule_changed"
    ORDER_UNRESOLVED = "order_unresolved"
    ORDER_LATE = "order_late"
    LIMIT_TIMED_OUT = "limit_timed_out"
    VENUE_REFUSED = "venue_refused"
    STRATEGY_PAUSED = "strategy_paused"
    STRATEGY_STOPPED = "strategy_stopped"
    STRATEGY_FAILED = "strategy_failed"
    KILL_SWITCH = "kill_switch"
    TRADING_STATE = "trading_state"
    ACCOUNT_RESET = "account_reset"
    CARRIED_POSITION = "carried_position"
    OTHER_STRATEGY = "other_strategy"
    SIGNAL_SKIPPED = "signal_skipped"
    PRICE = "price"
    FEES = "fees"
    FOLLOWS = "follows"
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One order, or a signal that became none (``status`` is then its outcome), as one side lived it.

    ``level`` is the price that it asked for. ``hint`` and ``hint_words`` are what its own records say of why it may
    differ (live only).
    """

    at: datetime
    symbol: str
    role: str
    side: str
    status: str
    quantity: Decimal = ZERO
    filled: Decimal = ZERO
    level: Decimal | None = None
    price: Decimal | None = None
    fee: Decimal = ZERO
    filled_at: datetime | None = None
    reason: str = ""
    hint: Cause | None = None
    hint_words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwinTrade:
    """One round trip; ``exit_at`` and ``exit_price`` are None while it is open (its P&L is then at the last price)."""

    symbol: str
    side: str
    quantity: Decimal
    entry_at: datetime
    entry_price: Decimal
    exit_at: datetime | None
    exit_price: Decimal | None
    pnl_net: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What one of the two did; P&L is net and counts what is still open."""

    steps: tuple[Step, ...]
    trades: tuple[TwinTrade, ...]
    n_signals: int
    n_fills: int

    @property
    def n_orders(self) -> int:
        """Orders, refused ones among them."""
        return sum(step.quantity > 0 for step in self.steps)

    @property
    def n_trades(self) -> int:
        """Closed round trips."""
        return sum(trade.exit_at is not None for trade in self.trades)

    @property
    def pnl(self) -> Decimal:
        """Net P&L, which is what the equity changed by."""
        return sum((trade.pnl_net for trade in self.trades), ZERO)

    @property
    def fees(self) -> Decimal:
        """Fees paid."""
        return sum((trade.fees for trade in self.trades), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that the shadow knows nothing of: from when (market time), until when if it ended, told in words.

    ``is_spell``: it explains what lies within it; else it explains what comes after it, the nearest one first.
    """

    cause: Cause
    at: datetime
    words: str
    until: datetime | None = None
    is_spell: bool = False

    def covers(self, at: datetime) -> bool:
        """Tell whether a moment lies within the spell."""
        return self.is_spell and self.at <= at and (self.until is None or at <= self.until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One step that differs: what each side did in words (``fields``: in what), the cause and what speaks for it."""

    at: datetime
    symbol: str
    role: str
    side: str
    live: Step | None
    shadow: Step | None
    fields: tuple[str, ...]
    cause: Cause
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TradePair:
    """A round trip of both, or of one alone; ``cause`` is that of the first difference within it."""

    live: TwinTrade | None
    shadow: TwinTrade | None
    cause: Cause | None

    @property
    def pnl_difference(self) -> Decimal:
        """How much more live made."""
        live, shadow = (ZERO if each is None else each.pnl_net for each in (self.live, self.shadow))
        return live - shadow

    @property
    def any(self) -> TwinTrade:
        """Live's trade, else the shadow's."""
        found = self.live or self.shadow
        if found is None:
            raise ValueError("a pair has at least one trade")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Both sides, and what became of their steps and trades."""

    live: Side
    shadow: Side
    n_matched: int
    trades: tuple[TradePair, ...]
    differences: tuple[Difference, ...]
