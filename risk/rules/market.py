"""Rules on the market and on what is known of it (pure)."""

from risk.rules.numbers import Number


def stale_data(age_seconds: Number) -> Number:
    """Return the age of the newest price in seconds of market time."""
    return age_seconds


def unreconciled(n_unresolved: Number) -> Number:
    """Return how many orders of the instrument are unresolved, plus one while the books differ from the venue's."""
    return n_unresolved


def liquidity(illiquidity: Number) -> Number:
    """Return the order's share of average volume in per cent, or the spread in basis points where the rule says so."""
    return illiquidity


def max_correlation(correlation: Number) -> Number:
    """Return the weighted correlation of the instrument with what is held (-1 to 1)."""
    return correlation


def value_at_risk(value_at_risk: Number, equity: Number) -> Number:
    """Return the one-day value at risk after the order in per cent of equity."""
    return 100 * value_at_risk / equity
