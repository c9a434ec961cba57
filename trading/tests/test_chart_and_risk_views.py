"""Marks of a chart, the fragments behind them, and the parts of the risk page that trading serves."""

from decimal import Decimal as D

import pytest
from django.urls import reverse

from core.testing import assert_page_needs_sign_in, assert_page_owner_only, make_user, page_client
from domain.orders import OrderSide, OrderSpec
from marketdata import replay_services as replays
from marketdata import selectors as market
from risk.services.rules import create_rule
from trading import pipeline
from trading.models import Fill, Order, Signal
from trading.risk_report import risk_report
from trading.services import orders, strategies
from trading.tests.scene import START, make_scene

pytestmark = pytest.mark.django_db(transaction=True)
CLOSES = [100, 101, 102, 101, 100, 99, 98, 99, 101, 103, 105, 107, 109, 111, 112, 110, 108, 106, 104, 102, 100]


def held_scene(n_bars=1):
    scene = make_scene(CLOSES)
    orders.submit_order(scene.account.pk, OrderSpec(symbol=scene.symbol, side=OrderSide.BUY, quantity=D(10)))
    for _ in range(n_bars):
        replays.play(scene.replay())
        pipeline.run_account(scene.account.pk)
    return scene


def marks_of(user, scene, timeframe="1d"):
    given = {"symbol": scene.symbol, "timeframe": timeframe}
    return page_client(user).get(reverse("chart_marks"), given).json()


@pytest.mark.parametrize(
    "name", ["chart_marks", "risk_limits", "risk_portfolio", "risk_rehearsal", "risk_decisions", "risk_test_order"]
)
def test_nobody_is_sent_to_sign_in(name):
    assert_page_needs_sign_in(reverse(name))


@pytest.mark.parametrize("timeframe", ["1d", "1w"])
def test_a_fill_is_marked_at_the_bar_that_executed_it(timeframe):
    scene = held_scene()

    mark = next(each for each in marks_of(scene.user, scene, timeframe)["marks"] if each["kind"] == "fill_buy")

    opens = market.bar_series(scene.instrument, timeframe).t.tolist()
    fill = int(Fill.objects.get().at.timestamp())
    step = 86_400 * (7 if timeframe == "1w" else 1)
    assert mark["time"] in opens and mark["time"] < fill <= mark["time"] + step


def test_stops_and_entries_are_lines_and_all_is_the_owners_alone():
    scene = held_scene()

    lines = marks_of(scene.user, scene)["lines"]

    assert {"stop", "target", "entry"} == {line["kind"] for line in lines}
    stop = Order.objects.get(role="stop_loss")
    assert [D(line["price"]) for line in lines if line["kind"] == "stop"] == [stop.stop_price]
    assert marks_of(make_user(), scene) == {"marks": [], "lines": []}


def test_an_unknown_symbol_has_no_marks():
    assert page_client(make_user()).get(reverse("chart_marks"), {"symbol": "NOSUCH"}).status_code == 404


def test_a_signal_opens_its_trace_and_a_fill_its_story_to_their_owner():
    scene = make_scene(CLOSES * 2)
    strategies.start_strategy(scene.strategy("buy_and_hold", {}), by="test")
    for _ in range(6):
        replays.play(scene.replay())
        pipeline.run_account(scene.account.pk)
    signal, fill = Signal.objects.first(), Fill.objects.first()

    trace = assert_page_owner_only(
        reverse("chart_signal", args=[signal.pk]), owner=scene.user, stranger=make_user()
    ).content.decode()
    assert "Risk gate" in trace and scene.symbol in trace
    assert_page_owner_only(reverse("chart_fill", args=[fill.id]), owner=scene.user, stranger=make_user())


def test_the_report_adds_up_what_is_held():
    scene = held_scene()

    report = risk_report(scene.fresh_account())

    mark = report.snapshot.positions[0].mark
    assert report.gross == report.net == 10 * mark
    assert [each.name for each in report.instruments] == [scene.symbol]
    nearest = {each.name: each for each in report.headroom}["Largest position"]
    # the working target would sell what is held, so nothing beyond the position counts
    assert nearest.value == 10 * mark / report.snapshot.equity * 100


def test_an_order_is_tested_against_the_rules_and_nothing_is_kept():
    scene = make_scene(CLOSES)
    values = {"name": "small", "type": "max_order_value", "limit": D(500), "action": "reject"}
    create_rule(scene.user, values, at=START)
    given = {"account": str(scene.account.pk), "symbol": scene.symbol, "side": "buy", "quantity": "10"}

    text = page_client(scene.user).post(reverse("risk_test_order"), given).content.decode()

    assert "It would not be sent" in text and "above the limit of 500" in text
    assert not Order.objects.exists()


@pytest.mark.parametrize("changes", [{"symbol": "NOSUCH"}, {"quantity": "-1"}, {"quantity": "NaN"}, {"side": "up"}])
def test_a_wrong_test_order_is_told(changes):
    scene = make_scene(CLOSES)
    given = {"account": str(scene.account.pk), "symbol": scene.symbol, "side": "buy", "quantity": "10", **changes}

    answer = page_client(scene.user).post(reverse("risk_test_order"), given)

    assert answer.status_code == 200 and answer.context["form"].errors


def test_an_order_on_a_foreign_account_can_not_be_tested():
    scene = make_scene(CLOSES)
    given = {"account": str(scene.account.pk), "symbol": scene.symbol, "side": "buy", "quantity": "10"}

    assert "account" in page_client(make_user()).post(reverse("risk_test_order"), given).context["form"].errors


def test_decisions_are_shown_with_every_rule_to_their_owner_alone():
    scene = held_scene()

    assert scene.symbol in page_client(scene.user).get(reverse("risk_decisions")).content.decode()
    assert scene.symbol not in page_client(make_user()).get(reverse("risk_decisions")).content.decode()
