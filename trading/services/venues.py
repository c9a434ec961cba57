"""Which broker serves an account, and what an order costs there."""

from decimal import Decimal
from typing import Any

from domain.matching import Costs, FeeModel, Phase, SlippageModel
from domain.orders import OrderSide, OrderType, TimeInForce
from marketdata.models import Instrument
from portfolio.models import Account
from trading.brokers.base import Broker, BrokerOrder
from trading.brokers.paper import PaperBroker
from trading.brokers.registry import broker_for
from trading.models import Order

CRYPTO_DIGITS = 8
FIAT_DIGITS = 2
FIAT = frozenset({"USD", "EUR", "GBP", "CHF", "JPY", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "INR", "HKD", "SGD"})


def broker_of(account: Account) -> Broker:
    """The adapter of an account's broker."""
    return broker_for(account.broker, account.pk, lambda instrument: costs_of(account, instrument))


def paper_of(account: Account) -> PaperBroker | None:
    """The paper venue of an account, or None when it trades elsewhere."""
    broker = broker_of(account)
    return broker if isinstance(broker, PaperBroker) else None


def costs_of(account: Account, instrument: Instrument) -> Costs:
    """Fees, slippage and tick that apply to an account's orders in an instrument."""
    digits = FIAT_DIGITS if account.currency in FIAT else CRYPTO_DIGITS
    return Costs(
        fees=FeeModel(digits=digits, **_decimals(account.fees)),
        slippage=SlippageModel(**_decimals(account.slippage)),
        tick=instrument.tick_size,
    )


def _decimals(values: dict[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(str(value)) for name, value in values.items() if value is not None}


def broker_order(order: Order) -> BrokerOrder:
    """An order as its broker takes it."""
    return BrokerOrder(
        client_order_id=order.client_order_id,
        instrument_id=order.instrument_id,
        symbol=order.instrument.symbol,
        side=OrderSide(order.side),
        type=OrderType(order.type),
        quantity=order.quantity,
        time_in_force=TimeInForce(order.time_in_force),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        trail_percent=order.trail_percent,
        at=order.market_at,
        arrival=Phase(order.arrival),
    )
