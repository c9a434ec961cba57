"""Which broker serves an account, and what an order costs there."""

from domain.costs import Costs
from domain.matching import Phase
from domain.orders import OrderSide, OrderType, TimeInForce
from marketdata.models import Instrument
from portfolio.costs import fee_model, slippage_model
from portfolio.models import Account
from trading.brokers.base import Broker, BrokerOrder
from trading.brokers.paper import PaperBroker
from trading.brokers.registry import broker_for
from trading.models import Order


def broker_of(account: Account) -> Broker:
    """The adapter of an account's broker."""
    return broker_for(account.broker, account.pk, lambda instrument: costs_of(account, instrument))


def paper_of(account: Account) -> PaperBroker | None:
    """The paper venue of an account, or None when it trades elsewhere."""
    broker = broker_of(account)
    return broker if isinstance(broker, PaperBroker) else None


def costs_of(account: Account, instrument: Instrument) -> Costs:
    """Fees, slippage, tick and lot that apply to an account's orders in an instrument."""
    return Costs(
        fees=fee_model(account.fees, account.currency),
        slippage=slippage_model(account.slippage),
        tick=instrument.tick_size,
        lot=instrument.lot_size,
    )


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
