"""Pages of orders, signals, positions, accounts and the journal: what their forms do, and refuse."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from domain.orders import OrderSide, OrderSpec, OrderStatus, OrderType
from domain.signals import SignalOutcome, SignalSide
from portfolio.models import Account, Position, Trade
from preferences.definitions import Category
from preferences.services import change as change_preferences
from trading.models import Fill, Order, Signal
from trading.services import orders, outside
from trading.tests.conftest import World
from trading.tests.scene import Scene
from trading.views import row_pages

pytestmark = pytest.mark.django_db(transaction=True)


# --- orders -------------------------------------------------------------------------------------------------------


def ticket(scene: Scene, **more: str) -> dict[str, str]:
    given = {
        "account": str(scene.account.pk),
        "symbol": scene.symbol.lower(),
        "side": "buy",
        "type": "market",
        "time_in_force": "gtc",
        "amount": "10",
        "unit": "quantity",
        "ticket": uuid4().hex,
    }
    return given | more


def test_ticket_places_one_order_however_often_it_is_sent(world: World) -> None:
    given = ticket(world.scene, stop_loss="80")

    first = world.client.post("/orders/new/", given)
    second = world.client.post("/orders/new/", given)

    order = Order.objects.get(role="manual")
    assert first.headers["Location"] == second.headers["Location"] == f"/orders/{order.pk}/"
    assert order.quantity == 10 and order.plan["stop_price"] == "80"


def test_ticket_by_money_finds_the_quantity(world: World) -> None:
    world.client.post("/orders/new/", ticket(world.scene, amount="1,000", unit="notional"))

    assert Order.objects.get(role="manual").quantity == Decimal(9)


def test_bad_ticket_names_every_fault_and_keeps_what_was_typed(world: World) -> None:
    wrong = ticket(world.scene, symbol="NOPE", type="stop_limit", amount="1e3", limit_price="abc")

    response = world.client.post("/orders/new/", wrong)

    text = response.content.decode()
    assert response.status_code == 200 and not Order.objects.exists()
    for words in ("There is no instrument", "stop limit order needs it", "Write a number"):
        assert words in text
    assert 'value="1e3"' in text and 'value="NOPE"' in text and 'value="abc"' in text


def test_price_that_the_type_does_not_use_is_left_out(world: World) -> None:
    world.client.post("/orders/new/", ticket(world.scene, type="market", limit_price="not a number"))

    assert Order.objects.get(role="manual").limit_price is None


def test_denied_order_is_shown_with_its_reason(world: World) -> None:
    response = world.client.post("/orders/new/", ticket(world.scene, amount="900"), follow=True)

    order = Order.objects.get()
    assert order.status == OrderStatus.DENIED
    assert "was denied" in response.content.decode() and "Nothing was sent" in response.content.decode()


def test_preview_shows_the_decision_and_leaves_nothing(world: World) -> None:
    fine = world.client.post("/orders/preview/", ticket(world.scene)).content.decode()
    large = world.client.post("/orders/preview/", ticket(world.scene, amount="900")).content.decode()
    unfinished = world.client.post("/orders/preview/", ticket(world.scene, amount="")).content.decode()

    assert "Leverage" in fine and "Headroom" in fine and "Allowed" in fine
    assert "would not be sent" in large
    assert "What it would do" in unfinished
    assert not Order.objects.exists()


def resting(world: World) -> Order:
    spec = OrderSpec(
        symbol=world.scene.symbol,
        side=OrderSide.BUY,
        quantity=Decimal(10),
        type=OrderType.LIMIT,
        limit_price=Decimal(50),
    )
    return orders.submit_order(world.scene.account.pk, spec)


def test_order_is_cancelled_from_the_blotter(world: World) -> None:
    order = resting(world)

    response = world.client.post(f"/orders/{order.pk}/cancel/", {"back": "list"})

    order.refresh_from_db()
    assert response.headers["Location"] == "/orders/"
    assert order.status in (OrderStatus.CANCELED, OrderStatus.PENDING_CANCEL)


def test_order_is_changed_and_a_change_of_nothing_is_refused(world: World) -> None:
    order = resting(world)

    same = world.client.post(f"/orders/{order.pk}/change/", {"quantity": "10", "limit_price": "50"})
    world.client.post(f"/orders/{order.pk}/change/", {"quantity": "8", "limit_price": "51.5"})

    order.refresh_from_db()
    assert same.status_code == 200 and "Nothing is different" in same.content.decode()
    assert (order.quantity, order.limit_price) == (Decimal(8), Decimal("51.5"))


def test_cancel_all_leaves_stops_working(held: World) -> None:
    entry = resting(held)
    stop = Order.objects.get(role="stop_loss", status=OrderStatus.ACCEPTED)

    held.client.post("/orders/cancel-all/")

    entry.refresh_from_db()
    stop.refresh_from_db()
    assert entry.status == OrderStatus.CANCELED and stop.status == OrderStatus.ACCEPTED


def test_blotter_pages_back_and_forth(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(row_pages.row_page.__kwdefaults__, "size", 4)
    for _ in range(3):
        resting(world)
    made = list(Order.objects.order_by("-created_at", "-pk").values_list("pk", flat=True))

    first = world.client.get("/orders/?show=all").context["page"]
    second = world.client.get(first.older_url).context["page"]
    third = world.client.get(second.older_url).context["page"]
    back = world.client.get(third.newer_url).context["page"]

    assert len(made) == 9
    assert [row.pk for page in (first, second, third) for row in page.rows] == made
    assert third.older_url == "" and first.newer_url == ""
    assert [row.pk for row in back.rows] == made[4:8]


@pytest.mark.parametrize("query", ["older=x", "newer=99999999999999999999_1", "older=1_zz", "account=1", "symbol=%00"])
def test_broken_addresses_show_the_first_page(held: World, query: str) -> None:
    for url in ("/orders/", "/fills/", "/signals/", "/journal/"):
        assert held.client.get(f"{url}?{query}").status_code == 200


# --- signals ------------------------------------------------------------------------------------------------------


def waiting_signal(world: World) -> Signal:
    change_preferences(world.scene.user, Category.TRADING, {"auto_execute_signals": False})
    wanted = outside.OutsideSignal(symbol=world.scene.symbol, side=SignalSide.BUY, confidence=1.0, reason="an alert")
    signal = outside.take_outside_signal(world.scene.account, None, wanted)
    assert signal.outcome == SignalOutcome.AWAITING_APPROVAL
    return signal


def test_waiting_signal_is_approved_from_its_page(world: World) -> None:
    signal = waiting_signal(world)

    text = world.client.get("/signals/").content.decode()
    world.client.post(f"/signals/{signal.pk}/approve/")

    signal.refresh_from_db()
    assert "Waiting for you" in text and signal.outcome == SignalOutcome.APPROVED


def test_waiting_signal_is_dismissed_once(world: World) -> None:
    signal = waiting_signal(world)

    world.client.post(f"/signals/{signal.pk}/dismiss/")
    again = world.client.post(f"/signals/{signal.pk}/dismiss/", follow=True)

    signal.refresh_from_db()
    assert signal.outcome == SignalOutcome.DISMISSED and "does not wait" in again.content.decode()


def test_signal_page_tells_every_step(held: World) -> None:
    text = held.client.get(f"/signals/{Signal.objects.get().pk}/").content.decode()

    for words in ("Bar", "Preference gate", "Size", "Risk gate", "Entry order: filled", "Fill"):
        assert f"<strong>{words}" in text, words


# --- positions, accounts, journal ---------------------------------------------------------------------------------


def test_part_of_a_position_is_closed(held: World) -> None:
    position = Position.objects.get()

    page = held.client.get(f"/positions/{position.pk}/close/").content.decode()
    too_much = held.client.post(f"/positions/{position.pk}/close/", {"quantity": "999999"})
    response = held.client.post(f"/positions/{position.pk}/close/", {"quantity": "1"})

    order = Order.objects.latest("created_at")
    assert "Promise a price" in page
    assert too_much.status_code == 200 and "is more than the" in too_much.content.decode()
    assert response.headers["Location"] == f"/orders/{order.pk}/"
    assert order.reduce_only and order.quantity == 1


def test_close_all_sends_an_order_for_each_position(held: World) -> None:
    held.client.post("/positions/close-all/")
    held.step()

    assert not Position.objects.filter(is_open=True).exists()


def test_account_is_opened_with_costs(world: World) -> None:
    given = {"name": "Swing", "starting_cash": "25,000", "currency": "EUR", "fee_percent": "0.1", "slippage_bps": "5"}

    world.client.post("/accounts/new/", given)

    account = Account.objects.get(name="Swing")
    assert (account.cash, account.currency) == (Decimal(25000), "EUR")
    assert account.fees == {"percent": "0.1"} and account.slippage == {"bps": "5"}


def test_changing_costs_on_the_page_keeps_those_that_it_does_not_show(world: World) -> None:
    account = world.scene.account
    tiers = [{"above": "1000", "percent": "0.05"}]
    account.fees, account.slippage = {"percent": "0.1", "maker_percent": "0.02", "tiers": tiers}, {"spread": "0.01"}
    account.save()

    world.client.post(
        f"/accounts/{account.pk}/costs/", {"name": "Main", "fee_percent": "0.2", "slippage_max_volume_percent": "5"}
    )

    account.refresh_from_db()
    assert account.fees == {"percent": "0.2", "maker_percent": "0.02", "tiers": tiers}
    assert account.slippage == {"spread": "0.01", "max_volume_percent": "5"}
    page = world.client.get(f"/accounts/{account.pk}/").content.decode()
    assert "from 1,000 traded in 30 days" in page and "Most of a bar" in page


def test_bad_account_input_names_every_fault(world: World) -> None:
    given = {"name": "", "starting_cash": "-5", "currency": "USD", "fee_percent": "99"}

    response = world.client.post("/accounts/new/", given)

    assert response.status_code == 200
    assert response.content.decode().count('class="form-error"') == 3
    assert 'value="-5"' in response.content.decode()


def test_taken_account_name_is_said_at_the_name(world: World) -> None:
    given = {"name": world.scene.account.name, "starting_cash": "5", "currency": "USD"}

    response = world.client.post("/accounts/new/", given)

    assert response.status_code == 200 and "already" in response.content.decode()


def test_trading_state_needs_a_reason(held: World) -> None:
    url = f"/accounts/{held.scene.account.pk}/trading-state/"

    refused = held.client.post(url, {"state": "reducing", "reason": ""})
    held.client.post(url, {"state": "reducing", "reason": "going on holiday"})

    account = held.scene.fresh_account()
    assert refused.status_code == 200
    assert (account.trading_state, account.trading_state_reason) == ("reducing", "going on holiday")


def test_reset_and_reconcile(held: World) -> None:
    url = f"/accounts/{held.scene.account.pk}"

    agreed = held.client.post(f"{url}/reconcile/", follow=True).content.decode()
    held.client.post(f"{url}/reset/")

    assert "everything agrees" in agreed
    assert held.scene.fresh_account().cash == Decimal(100000)
    assert held.client.get("/positions/").context["held"] == []


def test_notes_and_tags_are_kept_in_place(held: World) -> None:
    trade = Trade.objects.get()
    given = {"notes": "Too early", "tags": "trend, early, trend"}

    part = held.client.post(f"/journal/{trade.pk}/notes/", given, headers={"HX-Request": "true"}).content.decode()

    trade.refresh_from_db()
    assert (trade.notes, trade.tags) == ("Too early", ["trend", "early"])
    assert "Saved" in part and "<html" not in part
    assert len(held.client.get("/journal/?tag=EARLY").context["rows"]) == 1


def closed(trade: Trade) -> Trade:
    """Close a round trip a day after its entry."""
    end = trade.entry_at + timedelta(days=1)
    Trade.objects.filter(pk=trade.pk).update(closed_at=end, exit_at=end)
    return Trade.objects.get(pk=trade.pk)


@pytest.mark.parametrize("by", ["strategy", "symbol", "tag", "weekday", "hour", "nonsense"])
def test_the_journal_has_statistics_by_group(held: World, by: str) -> None:
    assert held.client.get(f"/journal/?by={by}").context["groups"] == []

    trade = closed(Trade.objects.get())
    answer = held.client.get(f"/journal/?by={by}")

    ((name, figures),) = answer.context["groups"]
    assert figures.trades == 1 and figures.win_rate_interval is not None
    assert not name.startswith("(") and name != str(trade.strategy_id)
    assert "What works, and what does not" in answer.content.decode()


def test_a_trade_is_shown_on_its_chart_at_its_time(held: World) -> None:
    trade = closed(Trade.objects.get())

    text = held.client.get(f"/journal/{trade.pk}/").content.decode()

    assert f'data-focus-from="{int(trade.entry_at.timestamp())}"' in text
    assert f'data-focus-to="{int(trade.closed_at.timestamp())}"' in text and "data-marks-url" in text
    assert len(held.client.get("/journal/?tag=other").context["rows"]) == 0


def test_fills_say_what_they_cost(held: World) -> None:
    fill = Fill.objects.get()

    text = held.client.get("/fills/").content.decode()

    assert f"{fill.value:,.2f}" in text


def test_equity_curve_is_drawn_from_what_was_marked(held: World) -> None:
    url = f"/accounts/{held.scene.account.pk}/"

    page = held.client.get(url)
    part = held.client.get(url, headers={"HX-Request": "true", "HX-Target": "div#account-curve"}).content.decode()

    assert page.context["curve"]["data"][0]["y"][-1] == float(held.scene.fresh_account().equity)
    assert "equity-figure" in part and "<html" not in part
