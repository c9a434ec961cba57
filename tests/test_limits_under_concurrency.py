"""Promise 6: fifty threads in each of four processes submit at once: no limit overshot, books equal the fills."""

import contextlib
import multiprocessing
import threading
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection, connections

from domain.orders import OrderSide, OrderSpec
from marketdata import replay_services as replays
from portfolio import selectors as portfolio
from risk.models import RiskDecision, RiskRule
from trading import pipeline, selectors
from trading.models import Order
from trading.services import orders
from trading.tests.scene import make_scene

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(300), pytest.mark.serial]

PROCESSES, THREADS = 4, 50
PRICE = 100
ROOM = 10  # units that the limit of 1 % of 100,000 leaves room for


CONNECTIONS = threading.BoundedSemaphore(12)  # a server allows 100 in all, for every process and test run on it


def _submit(account_id: UUID, symbol: str, errors: list[str]) -> None:
    with CONNECTIONS if connection.vendor == "postgresql" else contextlib.nullcontext():
        _submit_one(account_id, symbol, errors)


def _submit_one(account_id: UUID, symbol: str, errors: list[str]) -> None:
    try:
        orders.submit_order(account_id, OrderSpec(symbol=symbol, side=OrderSide.BUY, quantity=Decimal(1)))
    except Exception as error:
        errors.append(f"{type(error).__name__}: {error}")
    finally:
        connection.close()


def _process(account_id: UUID, symbol: str, answers: "multiprocessing.Queue[list[str]]") -> None:
    connections.close_all()
    errors: list[str] = []
    threads = [threading.Thread(target=_submit, args=(account_id, symbol, errors)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put(errors)


def submit_at_once(account_id: UUID, symbol: str) -> list[str]:
    """Submit from all processes and threads; return what went wrong."""
    connections.close_all()
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    workers = [context.Process(target=_process, args=(account_id, symbol, answers)) for _ in range(PROCESSES)]
    for worker in workers:
        worker.start()
    errors = [error for _ in workers for error in answers.get(timeout=240)]
    for worker in workers:
        worker.join(timeout=30)
    return errors


def test_two_hundred_orders_at_once_never_pass_a_limit_together():
    scene = make_scene([PRICE] * 40)
    RiskRule.objects.create(
        user=scene.user, account=scene.account, name="One per cent", type="max_position_size", limit=Decimal(1)
    )

    errors = submit_at_once(scene.account.pk, scene.symbol)

    assert errors == []
    sent = Order.objects.filter(account=scene.account, role="manual").exclude(status="denied")
    assert sum(order.quantity for order in sent) == ROOM
    assert Order.objects.filter(role="manual").count() == PROCESSES * THREADS
    assert RiskDecision.objects.count() >= PROCESSES * THREADS

    replays.play(scene.replay())
    pipeline.run_account(scene.account.pk)

    account = scene.fresh_account()
    fills = selectors.fills_of_account(account)
    assert sum(fill.quantity for fill in fills) == ROOM
    assert not portfolio.differences(account, fills)
