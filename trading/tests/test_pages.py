"""Pages of trading: who may open them, what they say, and that a refused form names every fault and keeps its input."""

import re
from decimal import Decimal

import pytest
from django.utils import timezone

from core.testing import assert_page_needs_sign_in, assert_page_owner_only, make_user, page_client
from domain.portfolio import TradingState
from portfolio.models import Position, Trade
from strategies.models import Strategy, StrategyState
from trading.models import Order, Signal
from trading.services import strategies
from trading.tests.conftest import World
from trading.tests.scene import Scene

pytestmark = pytest.mark.django_db(transaction=True)
LISTS = ("/strategies/", "/strategies/new/", "/orders/", "/orders/new/", "/fills/", "/signals/", "/positions/")
MORE_LISTS = ("/accounts/", "/accounts/new/", "/journal/")


@pytest.mark.parametrize("url", [*LISTS, *MORE_LISTS])
def test_lists_need_sign_in_and_open_empty(url: str) -> None:
    assert_page_needs_sign_in(url)

    response = page_client(make_user()).get(url, follow=True)

    assert response.status_code == 200


@pytest.mark.parametrize("url", [*LISTS, *MORE_LISTS])
def test_lists_show_what_is_there(held: World, url: str) -> None:
    response = held.client.get(url)

    assert response.status_code == 200
    assert b"Traceback" not in response.content


def test_pages_of_one_thing_are_their_owners_alone(held: World) -> None:
    stranger = make_user()
    order, signal = Order.objects.earliest("created_at"), Signal.objects.get()
    position, trade = Position.objects.get(), Trade.objects.get()
    urls = [
        f"/strategies/{held.strategy.pk}/",
        f"/strategies/{held.strategy.pk}/live/",
        f"/strategies/{held.strategy.pk}/head/",
        f"/strategies/{held.strategy.pk}/actions/",
        f"/orders/{order.pk}/",
        f"/signals/{signal.pk}/",
        f"/positions/{position.pk}/close/",
        f"/accounts/{held.scene.account.pk}/",
        f"/accounts/{held.scene.account.pk}/costs/",
        f"/journal/{trade.pk}/",
    ]
    for url in urls:
        assert_page_owner_only(url, owner=held.scene.user, stranger=stranger)


def test_strangers_can_change_nothing(held: World) -> None:
    client = page_client(make_user())
    order, account = Order.objects.earliest("created_at"), held.scene.account
    words = ("start", "pause", "stop", "delete", "check")
    urls = [f"/strategies/{held.strategy.pk}/{word}/" for word in words]
    urls += [f"/orders/{order.pk}/cancel/", f"/accounts/{account.pk}/reset/", f"/accounts/{account.pk}/reconcile/"]
    urls += [f"/signals/{Signal.objects.get().pk}/approve/", f"/journal/{Trade.objects.get().pk}/notes/"]
    urls += [f"/accounts/{account.pk}/trading-state/", f"/positions/{Position.objects.get().pk}/close/"]

    for url in urls:
        assert client.post(url, {"state": "halted", "reason": "x", "quantity": "1"}).status_code == 404, url

    held.strategy.refresh_from_db()
    assert held.strategy.state == StrategyState.RUNNING
    assert held.scene.fresh_account().trading_state == TradingState.ACTIVE


def test_no_page_shows_an_id_or_raw_json(held: World) -> None:
    order, signal = Order.objects.earliest("created_at"), Signal.objects.get()
    for url in (f"/orders/{order.pk}/", f"/signals/{signal.pk}/", f"/strategies/{held.strategy.pk}/", "/positions/"):
        text = visible_text(held.client.get(url).content.decode())

        assert str(order.pk) not in text and order.client_order_id not in text, url
        assert "{'" not in text and '{"' not in text and "None" not in text.replace("None yet", ""), url


def visible_text(html: str) -> str:
    """Drop tags and scripts."""
    body = html[html.index("<main") : html.index("</main>")]
    body = re.sub(r"<script.*?</script>", " ", body, flags=re.S)
    return re.sub(r"<[^>]+>", " ", body)


# --- strategies ---------------------------------------------------------------------------------------------------


def strategy_input(scene: Scene, **more: str) -> dict[str, str]:
    given = {
        "type": "sma_cross",
        "name": "Trend",
        "account": str(scene.account.pk),
        "symbols": scene.symbol,
        "timeframe": "1d",
        "sizing_method": "percent_equity",
        "sizing_value": "5",
        "parameters-fast": "5",
        "parameters-slow": "9",
    }
    return given | more


def test_new_strategy_is_stored_as_a_draft_and_shown(world: World) -> None:
    response = world.client.post("/strategies/new/", strategy_input(world.scene), follow=True)

    row = Strategy.objects.get(name="Trend")
    assert response.redirect_chain[-1][0] == f"/strategies/{row.pk}/"
    assert (row.state, row.parameters["fast"], row.sizing_value) == (StrategyState.DRAFT, 5, Decimal(5))
    assert "Fast average" in response.content.decode()


def test_bad_strategy_input_names_every_fault_and_keeps_what_was_typed(world: World) -> None:
    wrong = strategy_input(world.scene, name="", symbols="NOPE", sizing_value="many", **{"parameters-fast": "0"})

    response = world.client.post("/strategies/new/", wrong)

    text = response.content.decode()
    assert response.status_code == 200 and not Strategy.objects.filter(type="sma_cross").exists()
    assert text.count('class="form-error"') >= 3
    assert 'value="NOPE"' in text and 'value="many"' in text and 'name="parameters-fast" value="0"' in text


def test_rule_over_two_parameters_is_said_in_its_own_words(world: World) -> None:
    wrong = strategy_input(world.scene, **{"parameters-fast": "9", "parameters-slow": "9"})

    response = world.client.post("/strategies/new/", wrong)

    assert "Fast 9 must be smaller than slow 9" in response.content.decode()


def test_unknown_symbol_is_named_by_the_service(world: World) -> None:
    response = world.client.post("/strategies/new/", strategy_input(world.scene, symbols="NOPE"))

    assert response.status_code == 200 and "There is no instrument" in response.content.decode()


def test_parameter_fields_follow_the_type(world: World) -> None:
    response = world.client.get("/strategies/parameters/", {"type": "rsi_reversion"})

    text = response.content.decode()
    assert "RSI period" in text and 'min="2"' in text and 'max="100"' in text and "Fast average" not in text


def test_start_pause_and_stop_from_the_page(world: World) -> None:
    for word, state in (("start", "running"), ("pause", "paused"), ("start", "running"), ("stop", "stopped")):
        world.client.post(f"/strategies/{world.strategy.pk}/{word}/")
        world.strategy.refresh_from_db()

        assert world.strategy.state == state


def test_refused_start_says_why(world: World) -> None:
    row = world.scene.strategy("sma_cross", {"fast": 50, "slow": 900})

    response = world.client.post(f"/strategies/{row.pk}/start/", follow=True)

    assert "are too few" in response.content.decode()
    row.refresh_from_db()
    assert row.state == StrategyState.DRAFT


def test_running_strategy_is_not_edited(held: World) -> None:
    response = held.client.post(f"/strategies/{held.strategy.pk}/edit/", strategy_input(held.scene), follow=True)

    assert "stop it before changing" in response.content.decode()


def test_failed_strategy_says_why_and_what_to_do(held: World) -> None:
    strategies.fail_strategy(held.strategy, reason="division by zero in row 3", at=timezone.now())

    text = held.client.get(f"/strategies/{held.strategy.pk}/").content.decode()

    assert "Division by zero in row 3" in text and "What to do" in text and "keep their stops" in text


def test_strategy_that_traded_is_not_deleted_and_another_is(held: World) -> None:
    other = held.scene.strategy("buy_and_hold", {})

    held.client.post(f"/strategies/{held.strategy.pk}/stop/")
    held.client.post(f"/strategies/{held.strategy.pk}/delete/")
    held.client.post(f"/strategies/{other.pk}/delete/")

    assert list(Strategy.objects.values_list("pk", flat=True)) == [held.strategy.pk]
