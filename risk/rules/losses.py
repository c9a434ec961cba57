"""Rules on what was lost (pure)."""

from risk.rules.numbers import Number


def max_daily_loss(session_start_equity: Number, equity: Number) -> Number:
    """Return the loss since the session began in per cent of the equity then (zero for a gain)."""
    lost = 100 * (session_start_equity - equity) / session_start_equity
    return lost if lost > 0 else lost * 0


def max_drawdown(peak_equity: Number, equity: Number) -> Number:
    """Return the fall of equity from its peak in per cent of the peak."""
    return 100 * (peak_equity - equity) / peak_equity


def loss_streak(n_losing_trades: Number) -> Number:
    """Return how many trades in a row ended with a loss."""
    return n_losing_trades


def reject_streak(n_rejected_orders: Number) -> Number:
    """Return how many orders in a row the venue rejected."""
    return n_rejected_orders


def slippage_budget(slippage_cost: Number, equity: Number) -> Number:
    """Return what slippage cost in the window in per cent of equity."""
    return 100 * slippage_cost / equity
