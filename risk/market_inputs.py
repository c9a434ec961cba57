"""Numbers of the gate that need past prices (pure): correlation with what is held, value at risk, usual volume.

The live road and the backtest hand in closes by instrument, as they were known at the market time of the order.
None means unknown, and a rule that needs the number then denies.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from uuid import UUID

import numpy as np

from domain.bars import BarArrays
from domain.orders import OrderSide
from domain.portfolio import AccountSnapshot
from risk.comovement import Closes, aligned_returns, correlation
from risk.decisions import OrderIntent
from risk.rules.table import RULE_TYPES
from risk.tail_risk import historical

CORRELATION_DAYS = 60
MIN_CORRELATION_DAYS = 20
TAIL_DAYS = 250
MIN_TAIL_DAYS = 60
VOLUME_SESSIONS = 20
DAYS_NEEDED = TAIL_DAYS + 1
_TAIL_LEVEL = 0.99
_PLACES = Decimal("1E-10")

ClosesOf = Callable[[UUID], Closes]


def types_asking(*names: str) -> tuple[str, ...]:
    """Return the rule types whose functions take one of these numbers."""
    return tuple(name for name, rule_type in RULE_TYPES.items() if set(names) & set(rule_type.inputs))


def closes_of(bars: BarArrays) -> Closes:
    """Return what the measures need of daily bars."""
    return Closes(bars.t, bars.c)


def average_volume(bars: BarArrays) -> Decimal | None:
    """Return the mean volume of the last 20 sessions (fewer where there are fewer); None without bars."""
    volumes = [Decimal(repr(value)) for value in bars.tail(VOLUME_SESSIONS).v.tolist()]
    return sum(volumes, Decimal(0)) / len(volumes) if volumes else None


def held_correlation(intent: OrderIntent, snapshot: AccountSnapshot, closes: ClosesOf) -> Decimal | None:
    """Return the correlation of an order with the other instruments that are held or being entered.

    Pearson's correlation of the last 60 common daily returns with each, weighted by absolute value. Directions count: a
    short against a correlated long hedges it, and its part is negative. None where fewer than 20 common returns are
    known, or something does not move.
    """
    values = {key: value for key, value in _futures(snapshot)[0].items() if value and key != intent.instrument_id}
    for key, value in _entered(snapshot, tuple(OrderSide)).items():
        if key != intent.instrument_id and key not in values and value:
            values[key] = value
    gross = sum((abs(value) for value in values.values()), Decimal(0))
    if not gross:
        return None
    own, total = closes(intent.instrument_id), 0.0
    for key, value in values.items():
        pair = aligned_returns([own, closes(key)], CORRELATION_DAYS)
        found = correlation(pair[:, 0], pair[:, 1]) if len(pair) >= MIN_CORRELATION_DAYS else None
        if found is None:
            return None
        total += found * float(value / gross)
    return Decimal(repr(total * intent.side.sign)).quantize(_PLACES)


def value_at_risk_after(intent: OrderIntent, snapshot: AccountSnapshot, closes: ClosesOf) -> Decimal | None:
    """Return the one-day historical 99 % value at risk of the account once the order is filled (currency, at least 0).

    The worst of three futures counts: nothing else fills, all buys fill, all sells fill. The last 250 common daily
    returns; None below 60.
    """
    order = intent.quantity * intent.price * intent.side.sign
    worst = Decimal(0)
    for values in _futures(snapshot):
        values[intent.instrument_id] = values.get(intent.instrument_id, Decimal(0)) + order
        found = value_at_risk(values, closes)
        if found is None:
            return None
        worst = max(worst, found)
    return worst


def value_at_risk(values: dict[UUID, Decimal], closes: ClosesOf) -> Decimal | None:
    """Return the one-day historical 99 % value at risk of signed position values (at least 0); None when unknown."""
    held = {key: value for key, value in values.items() if value}
    if not held:
        return Decimal(0)
    returns = aligned_returns([closes(key) for key in held], TAIL_DAYS)
    if len(returns) < MIN_TAIL_DAYS or not np.isfinite(returns).all():
        return None
    pnl = returns @ np.array([float(value) for value in held.values()])
    return Decimal(repr(max(0.0, historical(pnl, _TAIL_LEVEL).value_at_risk))).quantize(_PLACES)


def _futures(snapshot: AccountSnapshot) -> Sequence[dict[UUID, Decimal]]:
    """Position values per instrument if nothing else fills, if all working buys do, if all working sells do."""
    held: dict[UUID, Decimal] = {}
    for position in snapshot.positions:
        held[position.instrument_id] = held.get(position.instrument_id, Decimal(0)) + position.value
    return [held, *(_added(held, _entered(snapshot, (side,))) for side in OrderSide)]


def _added(held: dict[UUID, Decimal], more: dict[UUID, Decimal]) -> dict[UUID, Decimal]:
    return {key: held.get(key, Decimal(0)) + more.get(key, Decimal(0)) for key in {**held, **more}}


def _entered(snapshot: AccountSnapshot, sides: Iterable[OrderSide]) -> dict[UUID, Decimal]:
    values: dict[UUID, Decimal] = {}
    for order in snapshot.working:
        if not order.reduce_only and order.side in sides:
            values[order.instrument_id] = values.get(order.instrument_id, Decimal(0)) + order.signed_value
    return values
