"""What makes an order malformed, whoever places it: checked before it exists, every fault at once. Pure."""

from collections.abc import Callable
from decimal import Decimal

from domain.errors import FieldError
from domain.instruments import InstrumentSpec
from domain.orders import OrderSide, OrderSpec, OrderType, TimeInForce

MAX_QUANTITY = Decimal(10) ** 12
MAX_PRICE = Decimal(10) ** 12
_NEEDS_LIMIT = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_NEEDS_STOP = (OrderType.STOP, OrderType.STOP_LIMIT)
_PRICES = ("limit_price", "stop_price", "stop_loss_price", "take_profit_price")


def faults(spec: OrderSpec, instrument: InstrumentSpec, reference: Decimal | None) -> tuple[FieldError, ...]:
    """Return everything that is wrong with an order (``reference`` is the last price, for the sides of a bracket)."""
    checks: tuple[Callable[[], list[FieldError]], ...] = (
        lambda: _quantity_faults(spec, instrument),
        lambda: _price_faults(spec, instrument),
        lambda: _type_faults(spec),
        lambda: _percent_faults(spec),
        lambda: _bracket_faults(spec, reference),
    )
    return tuple(fault for check in checks for fault in check())


def _quantity_faults(spec: OrderSpec, instrument: InstrumentSpec) -> list[FieldError]:
    quantity = spec.quantity
    if not quantity.is_finite() or quantity <= 0:
        return [FieldError("quantity", "min_value", f"The quantity must be above 0; {quantity} is not")]
    if quantity > MAX_QUANTITY:
        return [FieldError("quantity", "max_value", f"The quantity {quantity} is above {MAX_QUANTITY:,}")]
    if instrument.quantity(quantity) != quantity:
        lot = format(instrument.lot_size.normalize(), "f")
        text = f"{instrument.symbol} trades in lots of {lot}; {quantity} is not a whole number of them"
        return [FieldError("quantity", "lot_size", text)]
    return []


def _price_faults(spec: OrderSpec, instrument: InstrumentSpec) -> list[FieldError]:
    found = []
    for name in _PRICES:
        price: Decimal | None = getattr(spec, name)
        if price is None:
            continue
        if not price.is_finite() or price <= 0 or price > MAX_PRICE:
            found.append(FieldError(name, "out_of_range", f"{price} must be above 0 and at most {MAX_PRICE:,}"))
        elif not instrument.is_on_tick(price):
            tick = format(instrument.tick_size.normalize(), "f")
            text = f"{instrument.symbol} is priced in steps of {tick}; {price} is not on one"
            found.append(FieldError(name, "off_tick", text))
    return found


def _type_faults(spec: OrderSpec) -> list[FieldError]:
    found = []
    for name, types in (("limit_price", _NEEDS_LIMIT), ("stop_price", _NEEDS_STOP)):
        given, needed = getattr(spec, name) is not None, spec.type in types
        if needed and not given:
            found.append(FieldError(name, "required", f"A {_words(spec.type)} order needs a {_words(name)}"))
        if given and not needed:
            found.append(FieldError(name, "not_allowed", f"A {_words(spec.type)} order has no {_words(name)}"))
    trails = spec.type is OrderType.TRAILING_STOP
    if trails and spec.trail_percent is None:
        found.append(FieldError("trail_percent", "required", "A trailing stop order needs a trail percent"))
    if not trails and spec.trail_percent is not None:
        found.append(FieldError("trail_percent", "not_allowed", f"A {_words(spec.type)} order has no trail percent"))
    at_once = (TimeInForce.IOC, TimeInForce.FOK, TimeInForce.OPG, TimeInForce.CLS)
    if spec.time_in_force in at_once and spec.type not in (OrderType.MARKET, OrderType.LIMIT):
        text = f"{spec.time_in_force} is for market and limit orders, not for a {_words(spec.type)} order"
        found.append(FieldError("time_in_force", "not_allowed", text))
    return found


def _percent_faults(spec: OrderSpec) -> list[FieldError]:
    found = []
    for name in ("trail_percent", "stop_loss_percent", "take_profit_percent"):
        percent: Decimal | None = getattr(spec, name)
        top = 1000 if name == "take_profit_percent" else 100
        if percent is not None and not (percent.is_finite() and 0 < percent < top):
            found.append(FieldError(name, "out_of_range", f"{percent} must lie between 0 and {top} per cent"))
    return found


def _bracket_faults(spec: OrderSpec, reference: Decimal | None) -> list[FieldError]:
    entry = spec.limit_price or spec.stop_price or reference
    if entry is None:
        return []
    sign = spec.side.sign
    stop, target = spec.stop_loss_price, spec.take_profit_price
    found = []
    if stop is not None and (entry - stop) * sign <= 0:
        where = "below" if spec.side is OrderSide.BUY else "above"
        text = f"The stop loss {stop} must lie {where} the entry at about {entry}"
        found.append(FieldError("stop_loss", "wrong_side", text))
    if target is not None and (target - entry) * sign <= 0:
        where = "above" if spec.side is OrderSide.BUY else "below"
        text = f"The take profit {target} must lie {where} the entry at about {entry}"
        found.append(FieldError("take_profit", "wrong_side", text))
    return found


def _words(name: str) -> str:
    return str(name).replace("_", " ")
