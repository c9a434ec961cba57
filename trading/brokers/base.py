"""The port to a broker. Only ``trading.services`` may use it; adapters turn vendor errors into BrokerError.

Every call is done within 10 seconds; one submit is one message. No answer is ``BrokerError(unresolved=True)``:
the order may be at the venue, and nobody sends it again without evidence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from domain.costs import Costs
from domain.matching import Phase
from domain.orders import ExecutionReport, OrderSide, OrderType, TimeInForce, VenueFill
from marketdata.models import Instrument

CostsOf = Callable[[Instrument], Costs]
"""Gives what an order in an instrument costs an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerOrder:
    """An order as it goes to a venue. ``at`` is market time; ``arrival`` matters to the paper venue alone."""

    client_order_id: str
    instrument_id: UUID
    symbol: str
    side: OrderSide
    type: OrderType
    quantity: Decimal
    time_in_force: TimeInForce
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_percent: Decimal | None = None
    at: datetime
    arrival: Phase = Phase.BEFORE


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """New values of a working order (the remaining quantity is what is left after fills of ``quantity``)."""

    quantity: Decimal
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


class Broker(Protocol):
    """What every broker can do. ``dedupes_client_id``: a repeated client order id is refused, never a second order."""

    name: str
    dedupes_client_id: bool

    def submit(self, order: BrokerOrder) -> ExecutionReport:
        """Send one order; return what the venue says of it. Raises BrokerError."""

    def cancel(self, client_order_id: str) -> ExecutionReport:
        """Ask to cancel; return the order's state after that. Raises BrokerError."""

    def replace(self, client_order_id: str, new: Replacement) -> ExecutionReport:
        """Ask to change a working order; return its state after that. Raises BrokerError."""

    def order(self, client_order_id: str) -> ExecutionReport | None:
        """What the venue knows of an order, with its fills; None only if it surely has none. Raises BrokerError."""

    def open_orders(self) -> Sequence[ExecutionReport]:
        """All orders that work at the venue. Raises BrokerError."""

    def fills(self, *, since: datetime | None = None) -> Sequence[VenueFill]:
        """All fills since a moment. Raises BrokerError (a failed read is unknown, never empty)."""
