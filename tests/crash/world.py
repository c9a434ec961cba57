"""The world of the crash drill, as a program of its own: set it up, pause it, and tell what is wrong in it.

``python -m tests.crash.world setup|pause|check|fills|reference`` works on the platform whose VAR_DIR is in the
environment; the answer is one JSON line.
"""

import json
import os
import sys
from collections import Counter
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")
django.setup()

from django.core.management import call_command  # noqa: E402  after django.setup()
from django.utils import timezone  # noqa: E402

from core.fields import plain  # noqa: E402
from core.models import FailedDelivery, OutboxEvent  # noqa: E402
from domain.bars import Timeframe  # noqa: E402
from domain.sizing import SizingMethod  # noqa: E402
from marketdata import replay_services as replays  # noqa: E402
from marketdata import selectors as market  # noqa: E402
from marketdata.models import Replay  # noqa: E402
from notifications.models import Notification, RoutingDecision  # noqa: E402
from portfolio import selectors as portfolio  # noqa: E402
from portfolio.models import Account  # noqa: E402
from portfolio.services.accounts import open_account  # noqa: E402
from strategies import services as strategies  # noqa: E402
from tradeplatform.wiring import HANDLERS, TELL  # noqa: E402
from trading import pipeline, selectors  # noqa: E402
from trading.models import AccountCursor, Fill, Order, PaperFill, PaperOrder, Signal  # noqa: E402
from trading.services.strategies import start_strategy  # noqa: E402
from users.models import User  # noqa: E402

SPEED = 30.0
STRATEGIES = (
    ("sma_cross", {"fast": 3, "slow": 8}, "AAPL"),
    ("rsi_reversion", {}, "MSFT"),
    ("breakout", {}, "AAPL"),
)


def set_up(*, username: str = "drill") -> dict[str, Any]:
    """Load the samples; make a user, an account and running strategies."""
    call_command("migrate", verbosity=0, interactive=False)
    call_command("load_sample_data", verbosity=0, stdout=sys.stderr)
    user = User.objects.create_user(username, password="crash drill phrase")
    account = open_account(user, name="Drill", starting_cash=Decimal(100_000), at=timezone.now())
    for kind, parameters, symbol in STRATEGIES:
        settings = strategies.Settings(
            name=f"{kind} {symbol}",
            type=kind,
            parameters=parameters,
            symbols=[symbol],
            timeframe=Timeframe.D1,
            account_id=account.pk,
            sizing_method=SizingMethod.PERCENT_EQUITY,
            sizing_value=Decimal(3),
        )
        start_strategy(strategies.create_strategy(user, settings, at=timezone.now()), by="drill")
    Replay.objects.update(speed=SPEED)
    return {"clocks": Replay.objects.count()}


def pause() -> dict[str, Any]:
    """Stop the clocks, so that what is under way can come to rest."""
    for replay in Replay.objects.all():
        replays.change_replay(replay, state="paused")
    return {"market_times": [replay.market_time.isoformat() for replay in Replay.objects.all()]}


def check() -> dict[str, Any]:
    """Everything that must hold once the platform is at rest; an empty list means that it does."""
    faults = [*_order_faults(), *_fill_faults(), *_book_faults(), *_notice_faults(), *_lagging()]
    return {
        "faults": faults[:20],
        "n_faults": len(faults),
        "signals": Signal.objects.count(),
        "orders": Order.objects.count(),
        "fills": Fill.objects.count(),
        "notifications": Notification.objects.count(),
    }


def _lagging() -> list[str]:
    """Bars that had closed by the clocks' time and that an account has not seen yet."""
    faults = []
    for cursor in AccountCursor.objects.select_related("instrument__replay", "account"):
        clock = cursor.instrument.replay
        if clock is None:
            continue
        left = market.closed_bars(cursor.instrument, cursor.timeframe, after=cursor.close_at, until=clock.market_time)
        if len(left):
            faults.append(f"{cursor.account} has not seen {len(left)} bars of {cursor.instrument}")
    return faults


def _order_faults() -> list[str]:
    faults = [f"signal {s.pk} is still pending" for s in Signal.objects.filter(outcome="pending")]
    entries = Order.objects.filter(role__in=("entry", "exit"), signal__isnull=False)
    doubled = [k for k, n in Counter(entries.values_list("signal_id", flat=True)).items() if n > 1]
    faults += [f"signal {key} has more than one order" for key in doubled]
    ours = set(Order.objects.exclude(status__in=("denied", "held")).values_list("client_order_id", flat=True))
    theirs = set(PaperOrder.objects.values_list("client_order_id", flat=True))
    faults += [f"the venue has an order that we do not know: {each}" for each in theirs - ours]
    for order in Order.objects.filter(status__in=("submitted", "pending_cancel", "pending_update")):
        faults.append(f"order {order.client_order_id} is still {order.status}")
    return faults


def _fill_faults() -> list[str]:
    booked = Counter(Fill.objects.values_list("venue_fill_id", flat=True))
    executed = Counter(PaperFill.objects.values_list("venue_fill_id", flat=True))
    return [
        f"fill {key}: venue {executed[key]}, booked {booked[key]}"
        for key in booked | executed
        if booked[key] != executed[key]
    ]


def _book_faults() -> list[str]:
    accounts = Account.objects.all()
    return [str(d) for account in accounts for d in portfolio.differences(account, selectors.fills_of_account(account))]


def _notice_faults() -> list[str]:
    """Every fact that people hear about was decided on once, and no notification is there twice."""
    told = {event.name for event, paths in HANDLERS.items() if TELL in paths}
    facts = OutboxEvent.objects.filter(name__in=told, user_id__isnull=False)
    decided = set(RoutingDecision.objects.values_list("event_id", flat=True))
    faults = [
        f"nobody was told of {name} {seq}"
        for seq, name, key in facts.values_list("seq", "name", "event_id")
        if key not in decided
    ]
    doubled = [k for k, n in Counter(Notification.objects.values_list("user_id", "event_id")).items() if n > 1]
    faults += [f"notification {key} is there twice" for key in doubled]
    faults += [f"{f.handler} failed: {f.last_error}" for f in FailedDelivery.objects.filter(resolved_at=None)]
    return faults


def fills() -> dict[str, Any]:
    """All executions in words that do not depend on ids."""
    rows = Fill.objects.select_related("instrument", "strategy").order_by("seq")
    told = [
        (
            f.strategy.name if f.strategy else "",
            f.instrument.symbol,
            f.side,
            plain(f.quantity),
            plain(f.price),
            f.at.isoformat(),
        )
        for f in rows
    ]
    return {"fills": sorted(told)}


def reference(until: list[str]) -> dict[str, Any]:
    """The same world without a crash: played in this process to the same market times."""
    set_up()
    account_id = Account.objects.values_list("pk", flat=True).get()
    targets = sorted(until)
    for replay, target in zip(sorted(Replay.objects.all(), key=lambda r: r.pk), targets, strict=True):
        while replay.market_time.isoformat() < target:
            replays.play(replay, steps=1)
            pipeline.run_account(account_id)
            replay.refresh_from_db()
    return fills()


COMMANDS = {"setup": set_up, "pause": pause, "check": check, "fills": fills, "reference": reference}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*[json.loads(each) for each in sys.argv[2:]])))
