"""Rules on one position and the price that moves it (pure)."""

from risk.rules.numbers import Number


def stop_loss(average_price: Number, mark: Number, direction: Number) -> Number:
    """Return the position's loss in per cent of its entry price (below 0: a gain). ``direction`` is 1 or -1."""
    return 100 * (average_price - mark) * direction / average_price


def take_profit(average_price: Number, mark: Number, direction: Number) -> Number:
    """Return the position's gain in per cent of its entry price (below 0: a loss)."""
    return 100 * (mark - average_price) * direction / average_price


def max_holding_time(held_seconds: Number) -> Number:
    """Return how long the position has been open, in seconds."""
    return held_seconds


def flat_by(seconds_after: Number) -> Number:
    """Return the seconds since the time of day by which positions are to be closed; below 0: those that are left."""
    return seconds_after


def unprotected_position(accrued: Number, position_value: Number, unprotected_seconds: Number) -> Number:
    """Return value × seconds for which the position had no protection: what was counted before, and this stretch."""
    return accrued + position_value * unprotected_seconds
