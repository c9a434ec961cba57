"""Which adapter serves an account. A broker that is not in this table cannot be chosen for an account."""

from collections.abc import Callable
from uuid import UUID

from domain.errors import ValidationFailed
from trading.brokers.base import Broker, CostsOf
from trading.brokers.paper import PaperBroker

ADAPTERS: dict[str, Callable[[UUID, CostsOf], Broker]] = {"paper": PaperBroker}


def broker_for(name: str, account_id: UUID, costs_of: CostsOf) -> Broker:
    """Return the adapter of an account's broker. Raises ValidationFailed for a broker that has none."""
    adapter = ADAPTERS.get(name)
    if adapter is None:
        known = ", ".join(sorted(ADAPTERS))
        raise ValidationFailed(f"There is no broker {name[:32]!r}; known are: {known}", field="broker")
    return adapter(account_id, costs_of)
