"""The risk gate: pure evaluation of 20 rules, and the whole gate with its database reads and its stored decision.

Run with `python -m bench.risk_gate`; it makes a database of its own (SQLite, or where DATABASE_URL points) and drops
it. Goals on PostgreSQL with 100 rules, 50 positions and 200 working orders: p99 of the gate at most 10 ms.
"""

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")

import django

django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from domain.orders import OrderRole, OrderSide  # noqa: E402
from domain.portfolio import AccountSnapshot, WorkingOrder  # noqa: E402
from marketdata.models import Instrument  # noqa: E402
from portfolio import selectors as portfolio  # noqa: E402
from portfolio.models import Account, Position  # noqa: E402
from portfolio.services.accounts import open_account  # noqa: E402
from risk.decisions import Action, Activity, MarketView, OrderIntent, RuleSpec, Scope  # noqa: E402
from risk.gate import evaluate  # noqa: E402
from risk.models import RiskRule  # noqa: E402
from risk.services.gate import check_order  # noqa: E402

AT = datetime(2026, 3, 2, 21, tzinfo=UTC)
D = Decimal
N_RULES, N_POSITIONS, N_WORKING, N_ORDERS = 100, 50, 200, 1_000
STRATEGY = UUID(int=5)
TYPES = (
    *("max_position_size", "max_leverage", "max_exposure", "sector_limit", "max_order_value", "max_order_quantity"),
    *("max_daily_loss", "max_drawdown", "position_limit", "price_collar", "stale_data", "unreconciled"),
    *("duplicate_order", "order_rate", "repeated_execution", "max_open_orders", "max_session_trades", "max_turnover"),
    *("self_cross", "stop_loss"),
)
MARKET = MarketView(reference=D(50), age_seconds=D(0), activity=Activity(), correlation=D("0.1"))


def limit_of(type_name: str) -> Decimal:
    """A limit that the bench's orders keep."""
    return {"duplicate_order": D(1), "self_cross": D(1), "stop_loss": D(2)}.get(type_name, D(10_000_000))


def working_orders(instruments: list[Instrument]) -> tuple[WorkingOrder, ...]:
    """Working entries, four in each instrument."""
    return tuple(
        WorkingOrder(
            client_order_id=f"w{i}",
            instrument_id=instruments[i % len(instruments)].pk,
            symbol=instruments[i % len(instruments)].symbol,
            sector="Technology",
            asset_class="equity",
            strategy_id=STRATEGY if i % 2 else None,
            side=OrderSide.BUY,
            remaining=D(5),
            price=D(49),
            role=OrderRole.ENTRY,
            reduce_only=False,
        )
        for i in range(N_WORKING)
    )


def intent_in(instrument: Instrument, quantity: int) -> OrderIntent:
    """An entry."""
    return OrderIntent(
        symbol=instrument.symbol,
        instrument_id=instrument.pk,
        sector="Technology",
        asset_class="equity",
        strategy_id=STRATEGY,
        side=OrderSide.BUY,
        quantity=D(quantity),
        price=D(50),
        role=OrderRole.ENTRY,
    )


def make_account() -> tuple[Account, list[Instrument]]:
    """An account with its positions and rules: most for the account, the rest for other strategies and sectors."""
    user = get_user_model().objects.create_user(f"bench-{uuid4().hex[:6]}")
    account = open_account(user, name="Bench", starting_cash=D(10_000_000), at=AT)
    facts = {"venue": "XNYS", "asset_class": "equity", "currency": "USD", "sector": "Technology", "calendar": "XNYS"}
    instruments = Instrument.objects.bulk_create(
        Instrument(symbol=f"B{i:03d}", tick_size=D("0.01"), lot_size=D(1), **facts) for i in range(N_POSITIONS)
    )
    Position.objects.bulk_create(
        Position(
            user=user, account=account, instrument=each, strategy_id=STRATEGY, quantity=D(100), average_price=D(48),
            cost=D(4800), last_mark=D(50), is_open=True,
        )
        for each in instruments
    )  # fmt: skip
    RiskRule.objects.bulk_create(
        RiskRule(
            user=user,
            name=f"rule {i}",
            type=TYPES[i % len(TYPES)],
            limit=limit_of(TYPES[i % len(TYPES)]),
            scope=Scope.ACCOUNT if i % 5 else Scope.SECTOR,
            sector="" if i % 5 else "Technology",
        )
        for i in range(N_RULES)
    )
    return account, list(instruments)


def percentiles(work: Callable[[int], Any], n: int) -> tuple[float, float]:
    """Return median and 99th percentile of the call in milliseconds."""
    taken = []
    for i in range(n):
        start = time.perf_counter()
        work(i)
        taken.append((time.perf_counter() - start) * 1_000)
    taken.sort()
    return taken[n // 2], taken[int(n * 0.99)]


def pure(account: Account, snapshot: AccountSnapshot, instruments: list[Instrument]) -> None:
    """Print the time of 20 rules without any database."""
    rules = [RuleSpec(key=name, name=name, type=name, limit=limit_of(name), action=Action.REJECT) for name in TYPES]
    flat = replace(snapshot, positions=(), working=())
    for words, given in (("50 positions, 200 working", snapshot), ("flat", flat)):
        order = intent_in(instruments[0], 10)
        assert evaluate(order, given, rules, market=MARKET, at=AT).quantity == 10
        half, most = percentiles(lambda i, g=given, o=order: evaluate(o, g, rules, market=MARKET, at=AT), 2_000)
        print(f"pure, {len(rules)} rules, {words}: median {half * 1000:.0f} us, p99 {most * 1000:.0f} us")


def whole(account: Account, instruments: list[Instrument]) -> None:
    """Print the time of the gate inside an order's transaction: snapshot, rules, verdict, stored decision."""
    working = working_orders(instruments)
    parts: dict[str, list[float]] = {"snapshot": [], "gate": []}

    def one(i: int) -> None:
        with transaction.atomic():
            locked = portfolio.locked_account(account.pk)
            start = time.perf_counter()
            snapshot = portfolio.snapshot(locked, marks={}, working=working, n_session_trades=0, at=AT)
            middle = time.perf_counter()
            order = intent_in(instruments[i % len(instruments)], 1 + i % 7)
            decision, _ = check_order(locked, order, snapshot, market=MARKET, at=AT)
            parts["snapshot"].append((middle - start) * 1_000)
            parts["gate"].append((time.perf_counter() - middle) * 1_000)
            assert not decision.is_denied, decision.message

    for i in range(20):
        one(i)
    half, most = percentiles(one, N_ORDERS)
    print(f"whole transaction: median {half:.2f} ms, p99 {most:.2f} ms ({N_ORDERS} orders)")
    for name, taken in parts.items():
        taken.sort()
        print(f"  {name}: median {taken[len(taken) // 2]:.2f} ms, p99 {taken[int(len(taken) * 0.99)]:.2f} ms")


def main() -> None:
    """Measure and print."""
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        account, instruments = make_account()
        print(f"{connection.vendor}: {N_RULES} rules, {N_POSITIONS} positions, {N_WORKING} working orders")
        working = working_orders(instruments)
        snapshot = portfolio.snapshot(account, marks={}, working=working, n_session_trades=0, at=AT)
        pure(account, snapshot, instruments)
        whole(account, instruments)
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    main()
