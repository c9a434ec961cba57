"""The preference gate (pure): may this signal become an entry at all? Exits never ask."""

from dataclasses import dataclass

from domain.orders import OrderType
from domain.signals import SkipCode
from preferences.categories import TradingPreferences


@dataclass(frozen=True, slots=True)
class EntryAnswer:
    """Why an entry is skipped (None: it is not), in words, and whether it waits for a person's approval."""

    code: SkipCode | None
    message: str
    needs_approval: bool = False


def order_type_of(trading: TradingPreferences) -> OrderType:
    """Return the type of the orders that entries become: the first that the user prefers."""
    return OrderType(trading.preferred_order_types[0]) if trading.preferred_order_types else OrderType.MARKET


def check_entry(
    trading: TradingPreferences,
    *,
    confidence: float,
    n_session_trades: int,
    n_open_positions: int,
    is_new_position: bool,
    order_type: OrderType = OrderType.MARKET,
    session_open: bool = True,
    is_pre_market: bool = False,
    is_after_hours: bool = False,
    is_paused: bool = False,
    is_stale: bool = False,
) -> EntryAnswer:
    """Ask the user's trading preferences about an entry; a confidence that is no number is below every threshold.

    ``session_open`` is the instrument's session; a closed one is open enough where the preferences allow the hours
    before or after it and the caller says that it is one of these.
    """
    threshold = float(trading.min_confidence_threshold)
    checks = (
        (is_paused, SkipCode.STRATEGY_PAUSED, "The strategy is paused"),
        (is_stale, SkipCode.STALE_DATA, "The signal's bar is not the newest any more"),
        (
            not threshold <= confidence <= 1,
            SkipCode.BELOW_CONFIDENCE,
            f"A confidence of {confidence:.3g} is below the least of {threshold:.3g}",
        ),
        (
            not (session_open or _is_extended(trading, is_pre_market, is_after_hours)),
            SkipCode.MARKET_CLOSED,
            "The market is closed, and the preferences allow no entry at this hour",
        ),
        (
            n_session_trades >= trading.max_daily_trades,
            SkipCode.DAILY_TRADE_LIMIT,
            f"This session has {n_session_trades} entries already; the most are {trading.max_daily_trades}",
        ),
        (
            is_new_position and n_open_positions >= trading.max_concurrent_positions,
            SkipCode.MAX_POSITIONS,
            f"{n_open_positions} positions are open already; the most are {trading.max_concurrent_positions}",
        ),
        (
            order_type.value not in trading.preferred_order_types,
            SkipCode.ORDER_TYPE_NOT_ALLOWED,
            f"Entries may not be {order_type} orders (allowed: {', '.join(trading.preferred_order_types)})",
        ),
    )
    for is_skipped, code, message in checks:
        if is_skipped:
            return EntryAnswer(code, message)
    passed = f"Confidence {confidence:.3g} of at least {threshold:.3g}, entry {n_session_trades + 1} of the session"
    return EntryAnswer(None, passed, needs_approval=not trading.auto_execute_signals)


def _is_extended(trading: TradingPreferences, is_pre_market: bool, is_after_hours: bool) -> bool:
    return (is_pre_market and trading.allow_pre_market) or (is_after_hours and trading.allow_after_hours)
