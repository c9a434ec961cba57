"""The main job in a browser: make a strategy, start it, see signal, order, fill and position arrive by themselves."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS, Platform, set_pace

pytestmark = [pytest.mark.browser, pytest.mark.runtime]
ARRIVES_MS = 30_000
ADDRESSES = ("/strategies/", "/orders/?show=all", "/signals/", "/positions/", "/accounts/", "/journal/")


def make_strategy(page: Page, url: str, *, name: str, kind: str, symbol: str) -> None:
    """Fill in the form of a new strategy and send it."""
    page.goto(f"{url}/strategies/new/")
    page.get_by_label("Strategy type").select_option(kind)
    expect(page.locator("#parameter-fields")).to_contain_text({"breakout": "Entry channel"}.get(kind, "Buys"))
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Symbols").fill(symbol)
    page.get_by_role("button", name="Create draft").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_strategy_is_made_started_and_seen_trading(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    make_strategy(page, url, name="Apple for good", kind="buy_and_hold", symbol="AAPL")

    page.get_by_role("button", name="Start Apple for good").click()
    dialog = page.get_by_role("dialog", name="Start Apple for good?")
    expect(dialog).to_contain_text("Trade with more than your risk rules allow")
    dialog.get_by_role("button", name="Start").click()
    expect(page.locator("#strategy-head")).to_contain_text("Running")
    page.evaluate("window.isTheSamePage = true")
    set_pace(page, url, 4)

    expect(page.locator("#signals tbody tr").first).to_contain_text("Executed", timeout=ARRIVES_MS)
    expect(page.locator("#orders tbody tr", has_text="Entry").first).to_contain_text("Filled", timeout=ARRIVES_MS)
    expect(page.locator("#last-decision")).to_contain_text("Risk gate")
    assert page.evaluate("window.isTheSamePage") is True
    page.screenshot(path=SHOTS / "strategy-live.png", full_page=True)


def test_positions_and_fills_show_what_is_held(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    make_strategy(page, url, name="Big blue", kind="buy_and_hold", symbol="IBM")
    page.get_by_role("button", name="Start Big blue").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    page.goto(f"{url}/fills/")

    expect(page.locator("#fill-list")).to_contain_text("IBM", timeout=ARRIVES_MS)
    page.goto(f"{url}/journal/")
    expect(page.locator("#journal-table")).to_contain_text("Big blue")


def test_ticket_previews_as_one_types_and_places_the_order(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    page.goto(f"{url}/orders/new/")
    page.get_by_label("Symbol").fill("MSFT")
    page.get_by_label("Order type").select_option("limit")
    expect(page.get_by_label("Stop price")).to_be_hidden()
    page.get_by_label("How much").fill("5")
    page.get_by_label("Limit price").fill("1")

    expect(page.locator("#preview")).to_contain_text("Leverage", timeout=ARRIVES_MS)
    page.get_by_label("How much").fill("500000000")
    expect(page.locator("#preview")).to_contain_text("would not be sent", timeout=ARRIVES_MS)
    page.get_by_label("How much").fill("5")
    page.get_by_role("button", name="Send order").click()

    expect(page.get_by_role("heading", name="Buy 5 MSFT")).to_be_visible()
    expect(page.locator("#order-live")).to_contain_text("Accepted", timeout=ARRIVES_MS)
    page.get_by_role("button", name="Cancel order").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel it").click()
    expect(page.locator("#order-live")).to_contain_text("Canceled", timeout=ARRIVES_MS)


def test_refused_form_keeps_its_input_and_focuses_the_first_fault(page: Page, live_platform: Platform) -> None:
    url = live_platform.url
    page.goto(f"{url}/sign-in/?next=/accounts/new/")
    page.get_by_label("Username").fill(live_platform.username)
    page.get_by_label("Password").fill(live_platform.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Starting cash").fill("-1")
    with page.expect_response(re.compile("/accounts/new/")) as answer:
        page.evaluate("document.querySelector('main form').noValidate = true")
        page.get_by_role("button", name="Open account").click()

    assert answer.value.status == 200
    expect(page.get_by_label("Starting cash")).to_have_value("-1")
    expect(page.get_by_label("Starting cash")).to_be_focused()


@pytest.mark.parametrize(
    "address", ["/strategies/", "/orders/?show=all", "/signals/", "/positions/", "/accounts/", "/journal/"]
)
def test_pages_fit_a_telephone(signed_in: Page, live_platform: Platform, address: str) -> None:
    signed_in.set_viewport_size({"width": 390, "height": 844})

    signed_in.goto(f"{live_platform.url}{address}")

    assert signed_in.evaluate("document.documentElement.scrollWidth <= innerWidth")
