"""The command line: orders, strategies, the pipeline, and whether the books are right."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from marketdata import replay_services as replays
from portfolio.models import Account, Position
from strategies.models import Strategy
from trading.models import Order
from trading.tests.scene import Scene, make_scene

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene() -> Scene:
    return make_scene([100 + i * 0.5 for i in range(60)])


def said(command: str, *args: str, **options: object) -> str:
    out = StringIO()
    call_command(command, *args, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def place(scene: Scene, **changes: str) -> str:
    wanted = {"account": scene.account.name, "symbol": scene.symbol, "side": "buy", "quantity": "10", **changes}
    options = [part for name, value in wanted.items() for part in (f"--{name.replace('_', '-')}", value)]
    return said("place_order", scene.user.username, *options)


def test_an_order_is_placed_run_and_booked_from_the_command_line(scene: Scene) -> None:
    assert "accepted" in place(scene)
    replays.play(scene.replay())

    assert "1 moments done" in said("run_account", str(scene.account.pk))

    assert Position.objects.get().quantity == 10
    assert "equal the sum of the fills" in said("books_check")
    assert "0 fills booked" in said("reconcile", scene.account.name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": "many"}, "not a number"),
        ({"quantity": "NaN"}, "above 0"),
        ({"quantity": "1.5"}, "lots of 1"),
        ({"account": "nowhere"}, "there are: Paper"),
        ({"symbol": "NOSUCH"}, "no instrument"),
        ({"quantity": "100000"}, "denied"),
    ],
)
def test_a_bad_order_says_what_is_wrong_and_is_not_sent(scene: Scene, changes: dict[str, str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        place(scene, **changes)

    assert not Order.objects.exclude(status="denied").exists()


def test_a_strategy_is_started_by_name(scene: Scene) -> None:
    strategy = scene.strategy("buy_and_hold", {})

    assert "is running" in said("start_strategy", scene.user.username, strategy.name)

    assert Strategy.objects.get().state == "running"
    with pytest.raises(CommandError, match="runs already"):
        said("start_strategy", scene.user.username, strategy.name)
    with pytest.raises(CommandError, match="has no strategy"):
        said("start_strategy", scene.user.username, "another")


def test_the_books_check_fails_and_names_a_difference(scene: Scene) -> None:
    place(scene)
    replays.play(scene.replay())
    said("run_account", scene.account.name)
    account = Account.objects.get(pk=scene.account.pk)
    account.cash += Decimal("0.01")
    account.save()

    with pytest.raises(CommandError, match="1 differences in 1 accounts"):
        said("books_check")

    with pytest.raises(CommandError, match="Cash is"):
        said("reconcile", scene.account.name)
    assert Account.objects.get().trading_state == "reducing"


def test_an_unknown_or_ambiguous_account_is_refused(scene: Scene) -> None:
    with pytest.raises(CommandError, match="no account"):
        said("run_account", "nowhere")
    Account.objects.filter(pk=make_scene([100, 101]).account.pk).update(name=scene.account.name)
    with pytest.raises(CommandError, match="Several users"):
        said("run_account", scene.account.name)
