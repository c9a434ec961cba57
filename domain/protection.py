"""Which protective orders a position needs: the one function that both drivers ask after every fill.

A position's stop and target are one-cancels-other orders over its whole quantity: placed when it opens, resized when
it changes, canceled when it is flat.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from domain.orders import OrderRole, OrderSide

ZERO = Decimal(0)
_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionPlan:
    """What an entry asked for: fixed prices, or percents from the position's average entry price."""

    stop_price: Decimal | None = None
    stop_percent: Decimal | None = None
    target_price: Decimal | None = None
    target_percent: Decimal | None = None

    @property
    def is_empty(self) -> bool:
        """True when the entry asked for nothing."""
        return all(v is None for v in (self.stop_price, self.stop_percent, self.target_price, self.target_percent))


@dataclass(frozen=True, slots=True, kw_only=True)
class Protective:
    """A protective order that is working (its remaining quantity and its level)."""

    order_id: str
    role: OrderRole
    side: OrderSide
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Place:
    """Put a protective order on the book."""

    role: OrderRole
    side: OrderSide
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Resize:
    """Change a protective order's remaining quantity (and level, where the average entry moved)."""

    order_id: str
    quantity: Decimal
    price: Decimal


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take a protective order off the book."""

    order_id: str


Action = Place | Resize | Cancel


def _level(
    price: Decimal | None, percent: Decimal | None, average: Decimal, direction: int, tick: Decimal
) -> Decimal | None:
    if price is not None:
        return price
    if percent is None:
        return None
    raw = average * (1 + direction * percent / _PERCENT)
    return max(tick, (raw / tick).to_integral_value(ROUND_HALF_EVEN) * tick)


def levels(plan: ProtectionPlan, quantity: Decimal, average: Decimal, tick: Decimal) -> dict[OrderRole, Decimal]:
    """Prices of stop and target for a position of ``quantity`` (signed) entered at ``average``."""
    direction = 1 if quantity > 0 else -1
    stop = _level(plan.stop_price, plan.stop_percent, average, -direction, tick)
    target = _level(plan.target_price, plan.target_percent, average, direction, tick)
    wanted = {OrderRole.STOP_LOSS: stop, OrderRole.TAKE_PROFIT: target}
    return {role: level for role, level in wanted.items() if level is not None}


def actions(
    *,
    plan: ProtectionPlan,
    quantity: Decimal,
    average: Decimal,
    tick: Decimal,
    working: Sequence[Protective],
) -> tuple[Action, ...]:
    """What must be done so that the working protective orders fit the position: cancels first, then the rest."""
    wanted = levels(plan, quantity, average, tick) if quantity else {}
    side = OrderSide.SELL if quantity > 0 else OrderSide.BUY
    seen: set[OrderRole] = set()
    cancels: list[Action] = []
    changes: list[Action] = []
    for order in working:
        if order.role not in wanted or order.role in seen or order.side is not side:
            cancels.append(Cancel(order.order_id))
            continue
        seen.add(order.role)
        if order.quantity != abs(quantity) or order.price != wanted[order.role]:
            changes.append(Resize(order.order_id, abs(quantity), wanted[order.role]))
    places = [Place(role, side, abs(quantity), level) for role, level in wanted.items() if role not in seen]
    return (*cancels, *changes, *places)
