"""What an order does to an account's exposures, as if it were filled at its price (plain: values in, values out).

Rules measure more carefully (they count working orders at their worst); this is what a person wants to see.
"""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.portfolio import AccountSnapshot
from risk.decisions import OrderIntent

ZERO = Decimal(0)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """One account at one moment; values in its currency, percents of its equity (None: it has none)."""

    gross: Decimal
    net: Decimal
    gross_percent: Decimal | None
    leverage: Decimal | None
    position_percent: Decimal | None
    sector_percent: Decimal | None


def exposures(snapshot: AccountSnapshot, intent: OrderIntent, quantity: Decimal = ZERO) -> Exposures:
    """Measure an account after ``quantity`` of the order is filled (0: as it is)."""
    values: dict[UUID, Decimal] = {}
    sectors: dict[UUID, str] = {intent.instrument_id: intent.sector}
    for position in snapshot.positions:
        values[position.instrument_id] = values.get(position.instrument_id, ZERO) + position.value
        sectors[position.instrument_id] = position.sector
    own = values.get(intent.instrument_id, ZERO)
    if quantity:
        own += quantity * intent.price * intent.side.sign
    values[intent.instrument_id] = own
    gross = sum((abs(value) for value in values.values()), ZERO)
    sector = sum((abs(value) for key, value in values.items() if sectors[key] == intent.sector), ZERO)
    equity = snapshot.equity
    return Exposures(
        gross=gross,
        net=sum(values.values(), ZERO),
        gross_percent=_share(gross, equity, HUNDRED),
        leverage=_share(gross, equity, Decimal(1)),
        position_percent=_share(abs(own), equity, HUNDRED),
        sector_percent=_share(sector, equity, HUNDRED),
    )


def _share(value: Decimal, equity: Decimal, unit: Decimal) -> Decimal | None:
    return round(value / equity * unit, 8) if equity > 0 else None
