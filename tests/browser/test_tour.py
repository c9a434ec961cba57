"""The README's tour, steps 6 to 8: a rule denies the strategy's own next order, and nothing passes the kill switch."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS, Platform, set_pace

pytestmark = [pytest.mark.browser, pytest.mark.runtime]
ARRIVES_MS = 40_000
QUIET_MS = 4_000


def open_account(page: Page, url: str) -> str:
    """Open an account that nothing else trades on, and so on a clock of its own; return how the form names it."""
    cookie = next(each["value"] for each in page.context.cookies() if each["name"] == "csrftoken")
    answer = page.request.post(
        f"{url}/api/v1/accounts/",
        data={"name": "Tour account", "broker": "paper", "currency": "USD", "starting_cash": "100000"},
        headers={"X-CSRFToken": cookie, "Referer": url},
    )
    assert answer.ok, answer.text()
    page.reload()
    return str(page.locator("select[name=account] option", has_text="Tour account").first.inner_text()).strip()


def start_crossing(page: Page, url: str) -> None:
    """Make and start a moving-average cross that speaks every few bars."""
    page.goto(f"{url}/strategies/new/")
    account = open_account(page, url)
    page.get_by_label("Strategy type").select_option("sma_cross")
    expect(page.locator("#parameter-fields")).to_contain_text("Buys when a fast")
    page.get_by_label("Name", exact=True).fill("Tour")
    page.get_by_label("Symbols").fill("GOOG")
    page.get_by_label("Account", exact=True).select_option(label=account)
    fields = page.locator("#parameter-fields input[type=number]")
    fields.nth(0).fill("1")
    fields.nth(1).fill("2")
    page.get_by_role("button", name="Create draft").click()
    expect(page.get_by_role("heading", name="Tour", level=1)).to_be_visible()
    page.get_by_role("button", name="Start Tour").click()
    page.get_by_role("dialog", name="Start Tour?").get_by_role("button", name="Start").click()
    expect(page.locator("#strategy-head")).to_contain_text("Running")


def sent_orders(page: Page, url: str) -> set[str]:
    """Return the ids of the orders that were not denied."""
    rows = page.request.get(f"{url}/api/v1/orders/?limit=500").json()["results"]
    return {row["id"] for row in rows if row["status"] != "denied"}


def test_a_rule_denies_the_next_order_of_a_strategy_and_nothing_passes_the_kill_switch(
    signed_in: Page, live_platform: Platform
) -> None:
    page, url = signed_in, live_platform.url
    start_crossing(page, url)
    strategy = page.url
    set_pace(page, url, 4)
    expect(page.locator("#signals tbody")).to_contain_text("Executed", timeout=ARRIVES_MS)

    page.goto(f"{url}/risk/rules/new/?type=max_order_value")
    page.get_by_label("Name").fill("Tour limit")
    page.get_by_label("Limit", exact=True).fill("10")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.locator("#rules-table")).to_contain_text("Tour limit")
    page.goto(strategy)
    denied = page.locator("#signals tbody tr", has_text="Denied").first
    expect(denied).to_be_visible(timeout=ARRIVES_MS)
    denied.get_by_role("link").first.click()
    expect(page.locator("main")).to_contain_text("Tour limit")
    page.screenshot(path=SHOTS / "tour-denied.png", full_page=True)

    page.get_by_role("button", name="Kill switch", exact=True).click()
    page.locator("#kill-dialog").get_by_label("Reason").fill("End of the tour")
    page.get_by_role("button", name="Stop all new orders").click()
    expect(page.locator(".banner-halted")).to_contain_text("End of the tour")
    before = sent_orders(page, url)
    page.wait_for_timeout(QUIET_MS)
    assert sent_orders(page, url) <= before  # denied ones may have pushed old ones off the list

    page.goto(f"{url}/risk/")
    page.locator("[data-kill-switch]").get_by_label("Reason").fill("The tour has ended")
    page.locator("[data-kill-switch]").get_by_label("Your password").fill(live_platform.password)
    page.get_by_role("button", name="Release").click()
    expect(page.locator(".banner-halted")).to_have_count(0)
    page.get_by_role("button", name="Switch off: Tour limit").click()
    page.goto(strategy)
    page.get_by_role("button", name="Stop Tour").click()
