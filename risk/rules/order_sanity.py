"""Rules on one order and the pace of orders (pure)."""

from risk.rules.numbers import Number


def max_order_value(order_value: Number) -> Number:
    """Return the order's value at its worst price (currency)."""
    return order_value


def max_order_quantity(order_quantity: Number) -> Number:
    """Return the order's quantity."""
    return order_quantity


def price_collar(price: Number, reference: Number) -> Number:
    """Return how far the order's price lies from the reference, in per cent of the reference."""
    return 100 * abs(price - reference) / reference


def duplicate_order(identical_seconds: Number) -> Number:
    """Return the age in seconds of the newest identical order."""
    return identical_seconds


def order_rate(n_messages: Number) -> Number:
    """Return how many orders the window holds, this one included."""
    return n_messages


def repeated_execution(n_identical_entries: Number) -> Number:
    """Return how many identical entries there are in a row, this one included."""
    return n_identical_entries


def max_open_orders(n_open_orders: Number) -> Number:
    """Return how many orders that may add risk work, this one included."""
    return n_open_orders


def max_session_trades(n_session_trades: Number) -> Number:
    """Return how many entries the session has, this one included."""
    return n_session_trades


def max_turnover(session_turnover: Number, order_value: Number, equity: Number) -> Number:
    """Return the session's traded value with this order in per cent of equity."""
    return 100 * (session_turnover + order_value) / equity


def restricted_list(is_restricted: Number) -> Number:
    """Return 1 for an instrument that may not be traded, else 0."""
    return is_restricted


def trading_hours(is_outside_hours: Number) -> Number:
    """Return 1 outside the hours in which entries are allowed, else 0."""
    return is_outside_hours


def self_cross(price: Number, opposite_price: Number, side_sign: Number) -> Number:
    """Return by how much (price) the order reaches an own resting order of the other side; below 0 it does not."""
    return (price - opposite_price) * side_sign
