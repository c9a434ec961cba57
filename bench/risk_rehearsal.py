"""Rehearsal of the rules in force over 10,000 recorded orders, read from the database: differences and wall time.

Run with `python -m bench.risk_rehearsal [orders]`; it makes a database of its own (SQLite, or where DATABASE_URL
points) and drops it. Goal: 0 differences, under 5 s.
"""

import os
import random
import sys
import tempfile
import time
from dataclasses import replace
from decimal import Decimal

os.environ.setdefault("VAR_DIR", tempfile.mkdtemp(prefix="bench-"))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")

import django

django.setup()

from django.db import connection, transaction  # noqa: E402
from django.test.utils import setup_databases, teardown_databases  # noqa: E402

from bench.risk_gate import AT, MARKET, intent_in, make_account, working_orders  # noqa: E402
from domain.orders import OrderSide  # noqa: E402
from domain.portfolio import AccountSnapshot  # noqa: E402
from marketdata.models import Instrument  # noqa: E402
from portfolio import selectors as portfolio  # noqa: E402
from portfolio.models import Account, Position  # noqa: E402
from risk.decisions import RuleSpec  # noqa: E402
from risk.models import RiskDecision, RiskRule  # noqa: E402
from risk.rehearsal import rehearse, reproduce  # noqa: E402
from risk.services.gate import check_order  # noqa: E402
from trading.rehearsals import records_of  # noqa: E402

D = Decimal
N_RULES = 10
"""Rules of the user besides the ten of the preferences; each account holds five positions and five working orders."""


def make(n: int) -> Account:
    """Record the decisions on n random orders in an account that changes all the time."""
    account, instruments = make_account()
    RiskRule.objects.exclude(pk__in=RiskRule.objects.values_list("pk", flat=True)[:N_RULES]).delete()
    few = instruments[:5]
    Position.objects.exclude(instrument__in=few).delete()
    rng = random.Random(1)
    working = working_orders(few)[:5]
    for begin in range(0, n, 500):
        with transaction.atomic():
            locked = portfolio.locked_account(account.pk)
            snapshot = portfolio.snapshot(locked, marks={}, working=working, n_session_trades=0, at=AT)
            for _ in range(min(500, n - begin)):
                _record(locked, few, snapshot, rng)
    return account


def _record(account: Account, instruments: list[Instrument], snapshot: AccountSnapshot, rng: random.Random) -> None:
    order = intent_in(rng.choice(instruments), rng.choice([1, 5, 60, 400, 9_000, 40_000, 250_000]))
    order = replace(order, side=rng.choice([OrderSide.BUY, OrderSide.BUY, OrderSide.SELL]))
    equity = snapshot.equity * D(str(round(rng.uniform(0.94, 1.02), 4)))
    check_order(account, order, replace(snapshot, equity=equity), market=MARKET, at=AT)


def main() -> None:
    """Record, rehearse, print."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        account = make(n)
        kinds = dict.fromkeys(RiskDecision.objects.values_list("verdict", flat=True).distinct())
        began, busy = time.perf_counter(), time.process_time()
        again = reproduce(records_of(account))
        took, busy = time.perf_counter() - began, time.process_time() - busy
        began = time.perf_counter()
        tried = rehearse(records_of(account), RuleSpec(key="x", name="x", type="max_exposure", limit=D(20)))
        took_tried = time.perf_counter() - began
        print(f"{connection.vendor}: {again.n_decisions} recorded orders ({', '.join(sorted(kinds))})")
        print(f"the rules in force again: {len(again.differing)} differences, {took:.2f} s (processor {busy:.2f} s)")
        print(f"one new rule: {len(tried.stopped)} stopped, {took_tried:.2f} s")
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    main()
