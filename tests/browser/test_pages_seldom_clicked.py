"""Buttons that nobody presses every day: a suggestion put away, a temporary preference that runs out, all closed."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS, Platform

pytestmark = [pytest.mark.browser, pytest.mark.runtime]
ARRIVES_MS = 30_000
HOLDS_SECONDS = 6
SUGGEST = """
from preferences.suggesting import Finding, propose
from users.models import User
evidence = {"trades": 41, "interval_percent": [-1.2, -0.3]}
propose(
    User.objects.get(username="ada").pk,
    Finding(key="browser", category="trading", field="max_daily_trades", present=50, value=12,
            title="Trade at most 12 times a session", evidence=evidence),
)
"""


def told(page: Page, url: str, method: str, path: str, data: dict[str, Any]) -> Any:
    """Ask the API as a signed-in page does."""
    token = next(each["value"] for each in page.context.cookies() if each["name"] == "csrftoken")
    answer = page.request.fetch(
        f"{url}/api/v1/{path}", method=method, data=data, headers={"X-CSRFToken": token, "Referer": url}
    )
    assert answer.ok, answer.text()
    return answer.json()


def test_a_suggestion_is_put_away_and_changes_nothing(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    live_platform.run(SUGGEST)
    page.goto(f"{url}/preferences/?tab=trading")
    before = page.locator("[name=max_daily_trades]").input_value()
    card = page.locator("[data-suggestion]", has_text="Trade at most 12 times a session")
    expect(card).to_contain_text("It is 50 now. Found from 41 trades")

    card.get_by_role("button", name="Put it away").click()

    expect(page.locator("main")).to_contain_text("The suggestion is put away.")
    expect(card).to_have_count(0)
    expect(page.locator("[name=max_daily_trades]")).to_have_value(before)
    live_platform.run(SUGGEST)
    page.reload()
    expect(card).to_have_count(0)


def test_a_suggestion_that_is_used_is_in_force(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    other = SUGGEST.replace('key="browser"', 'key="used"').replace("12", "13")
    live_platform.run(other)
    page.goto(f"{url}/preferences/?tab=trading")

    page.locator("[data-suggestion]", has_text="Trade at most 13").get_by_role("button", name="Use it").click()

    expect(page.locator("main")).to_contain_text("The suggested value is in force.")
    expect(page.locator("[name=max_daily_trades]")).to_have_value("13")


def test_a_temporary_value_goes_by_the_clock_from_the_open_page_too(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    told(page, url, "PATCH", "preferences/trading/", {"max_concurrent_positions": 9})
    ends = datetime.now(UTC) + timedelta(seconds=HOLDS_SECONDS)
    held = {"max_concurrent_positions": 4, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
    told(page, url, "PATCH", "preferences/trading/", held)
    page.goto(f"{url}/preferences/?tab=trading")
    notice = page.locator("[data-override]")
    expect(notice).to_contain_text("then the lasting value holds again")
    page.screenshot(path=SHOTS / "preference-temporary.png")

    expect(notice).to_have_count(0, timeout=(HOLDS_SECONDS + 10) * 1000)

    expect(page.locator("[name=max_concurrent_positions]")).to_have_value("9")
    page.locator("[name=max_concurrent_positions]").fill("8")
    page.get_by_role("button", name="See what this changes").click()
    page.get_by_role("button", name=re.compile("^Save")).click()
    expect(page.locator("[name=max_concurrent_positions]")).to_have_value("8")


def test_what_is_being_typed_outlives_the_end_of_a_temporary_value(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    ends = datetime.now(UTC) + timedelta(seconds=HOLDS_SECONDS)
    held = {"max_daily_trades": 5, "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}
    told(page, url, "PATCH", "preferences/trading/", held)
    page.goto(f"{url}/preferences/?tab=trading")
    page.locator("[name=min_confidence_threshold]").fill("0.81")

    expect(page.locator("[data-override]")).to_contain_text("Load the page again", timeout=(HOLDS_SECONDS + 10) * 1000)

    expect(page.locator("[name=min_confidence_threshold]")).to_have_value("0.81")


def held_of(page: Page, url: str) -> list[dict[str, Any]]:
    """Return the open positions of all accounts."""
    found = page.request.get(f"{url}/api/v1/positions/?limit=500").json()["results"]
    return [each for each in found if float(each["quantity"]) != 0]


def test_all_positions_are_closed_from_the_page_that_was_open_before_the_first(
    signed_in: Page, live_platform: Platform
) -> None:
    page, url = signed_in, live_platform.url
    page.goto(f"{url}/positions/")
    accounts = page.request.get(f"{url}/api/v1/accounts/").json()["results"]
    order = {"account": accounts[0]["id"], "side": "buy", "type": "market", "time_in_force": "gtc", "quantity": "3"}
    order |= {"stop_loss": {"percent": "60"}}  # so far away that it stays open until it is closed here
    for symbol in ("AAPL", "MSFT"):
        made = told(page, url, "POST", "orders/", {**order, "symbol": symbol})
        assert made["status"] != "denied", made["decision"]
    expect(page.locator("#position-list")).to_contain_text("AAPL", timeout=ARRIVES_MS)
    expect(page.locator("#position-list")).to_contain_text("MSFT", timeout=ARRIVES_MS)
    page.screenshot(path=SHOTS / "positions-held.png")

    n_held = len(held_of(page, url))  # strategies of other tests may hold something too
    page.get_by_role("button", name="Close all").first.click()
    dialog = page.get_by_role("dialog", name="Close all positions?")
    expect(dialog).to_contain_text("Stop your strategies: they may open new positions")
    page.screenshot(path=SHOTS / "close-all.png")
    dialog.get_by_role("button", name="Close all positions").click()

    expect(page.locator("main")).to_contain_text(f"The broker was asked: {n_held} closing orders")
    expect(page.locator("#position-list")).not_to_contain_text("AAPL", timeout=ARRIVES_MS)
    expect(page.locator("#position-list")).not_to_contain_text("MSFT", timeout=ARRIVES_MS)
    end = time.monotonic() + ARRIVES_MS / 1000  # the list is empty for a moment while it is read again
    while held := {"AAPL", "MSFT"} & {each["symbol"] for each in held_of(page, url)}:
        assert time.monotonic() < end, held
        page.wait_for_timeout(250)
