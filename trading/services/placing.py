"""Orders as people and programs ask for them: by quantity or by notional, placed for good or only previewed.

A preview runs the very steps of an order, feed and locks included, and takes them all back: so it can not differ.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction

from core.fields import plain
from domain.errors import IllegalState, NotFound, ValidationFailed
from domain.orders import OrderSpec
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from risk.decisions import Decision
from risk.services.gate import preview
from trading.models import Order
from trading.services import orders, sending
from trading.services.feeds import follow
from trading.services.intents import Origin


@dataclass(frozen=True, slots=True)
class Preview:
    """What an order would meet now: the question that the gate was asked, its answer, and the market time."""

    question: orders.Question
    decision: Decision
    at: datetime


def place(account_id: UUID, spec: OrderSpec, *, notional: Decimal | None = None, origin: Origin) -> Order:
    """Place one order and return it in its state then; see :func:`trading.services.orders.submit_order`.

    Inside a caller's transaction (an answer that is kept with its order) the venue is called after its commit.
    ``notional`` is turned into a quantity at the mark, rounded down to the lot.
    """
    with transaction.atomic():
        if notional is not None:
            spec = _sized(account_id, spec, notional, origin)
        order, is_new = orders.commit_order(account_id, spec, origin=origin)
        if is_new:
            transaction.on_commit(partial(sending.dispatch, [order.pk]))
    return Order.objects.select_related("account", "instrument", "strategy", "decision").get(pk=order.pk)


def preview_order(account_id: UUID, spec: OrderSpec, *, notional: Decimal | None = None, origin: Origin) -> Preview:
    """Return what placing the order would come to; keeps and sends nothing. Raises as ``place`` does."""
    instrument = market.instrument(spec.symbol)
    with transaction.atomic():
        account = portfolio.locked_account(account_id)
        follow(account, instrument)
        if notional is not None:
            spec = _sized(account_id, spec, notional, origin)
        at = market.market_time(instrument)
        question = orders.question_of(account, instrument, spec, origin, at)
        decision = preview(account, question.intent, question.snapshot, market=question.view, at=at)
        transaction.set_rollback(True)
    return Preview(question, decision, at)


def _sized(account_id: UUID, spec: OrderSpec, notional: Decimal, origin: Origin) -> OrderSpec:
    """Return the order with the quantity that the notional buys at the mark (at its first mark, when it is there)."""
    instrument = market.instrument(spec.symbol)
    account = portfolio.locked_account(account_id)
    price = _first_price(account, instrument, origin)
    if price is None:
        follow(account, instrument)
        price = price_now(instrument).price
    quantity = market.spec(instrument).quantity(notional / price)
    if quantity <= 0:
        text = f"{plain(notional)} buys less than one lot of {instrument.symbol} at {plain(price)}"
        raise ValidationFailed(text, field="notional", code="too_small")
    return replace(spec, quantity=quantity)


def price_now(instrument: Instrument) -> market.Mark:
    """Return the mark. Raises IllegalState before the first bar of a market that has just begun."""
    try:
        return market.mark(instrument)
    except NotFound as error:
        raise IllegalState(error.message, field="symbol", code="no_price") from error


def _first_price(account: Account, instrument: Instrument, origin: Origin) -> Decimal | None:
    """The mark at which the order with this client order id was sized: the same request again asks for the same."""
    if not origin.client_order_id:
        return None
    rows = Order.objects.filter(account=account, client_order_id=origin.client_order_id, instrument=instrument)
    return rows.values_list("reference_price", flat=True).first()
