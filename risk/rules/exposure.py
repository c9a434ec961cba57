"""Rules on how much is held (pure). Plain numbers in and out: Decimal in the live gate, float64 in the kernel."""

from risk.rules.numbers import Number


def max_position_size(position_value: Number, equity: Number) -> Number:
    """Return the position's value after the order in per cent of equity."""
    return 100 * position_value / equity


def max_leverage(gross_exposure: Number, equity: Number) -> Number:
    """Return gross exposure after the order as a multiple of equity."""
    return gross_exposure / equity


def max_exposure(exposure: Number, equity: Number) -> Number:
    """Return exposure after the order (gross, or net where the rule says so) in per cent of equity."""
    return 100 * exposure / equity


def sector_limit(sector_exposure: Number, equity: Number) -> Number:
    """Return the sector's exposure after the order in per cent of equity."""
    return 100 * sector_exposure / equity


def position_limit(n_positions: Number) -> Number:
    """Return the number of positions after the order."""
    return n_positions
