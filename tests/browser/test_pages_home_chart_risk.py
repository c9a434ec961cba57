"""Home, chart, risk, preferences, tokens and market data in a real browser, on the real platform."""

import json
import re
import time

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from tests.browser.conftest import SHOTS, Platform, watch

pytestmark = [pytest.mark.browser, pytest.mark.runtime]
ARRIVES_MS = 30_000
MOVED = "before => document.querySelector('[data-chart-legend]').innerText !== before"
STANDS = """() => {
  const shown = document.querySelector('[data-chart-legend]').innerText, now = performance.now();
  if (window.lastShown !== shown) [window.lastShown, window.shownSince] = [shown, now];
  return now - window.shownSince > 1500;
}"""

PAGES = {
    "home": "/",
    "chart": "/chart/?symbol=MSFT&indicators=sma:20,rsi:14,macd",
    "data": "/data/",
    "risk": "/risk/",
    "rule": "/risk/rules/new/?type=max_order_value",
    "preferences": "/preferences/?tab=risk_management",
    "preferences-notifications": "/preferences/?tab=notifications",
    "preferences-history": "/preferences/history/",
    "keys": "/keys/",
}


def open_account(page: Page, platform: Platform) -> None:
    """Open the paper account as the home page offers it, unless there is one."""
    page.goto(platform.url)
    button = page.get_by_role("button", name="Open a paper account")
    if button.count():
        button.click()
        expect(page.locator(".account-card").first).to_be_visible()


def last_bar(page: Page) -> str:
    """Return what the chart says of its newest bar."""
    return page.locator("[data-chart-legend]").inner_text()


def set_speed(page: Page, speed: str) -> None:
    button = page.locator(f"#replay button[name=speed][value='{speed}']")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true", timeout=ARRIVES_MS)


def market_time(page: Page, url: str, symbol: str) -> str:
    """Return where the clock of an instrument stands."""
    replays = page.request.get(f"{url}/api/v1/replays/").json()["results"]
    (clock,) = (each for each in replays if symbol in [feed["symbol"] for feed in each["feeds"]])
    return str(clock["market_time"])


def traffic(page: Page) -> set[Request]:
    """Return the requests that wait for their answer, kept up to date."""
    under_way: set[Request] = set()
    page.on("request", lambda request: under_way.add(request))
    page.on("requestfinished", lambda request: under_way.discard(request))
    page.on("requestfailed", lambda request: under_way.discard(request))
    return under_way


def settle(page: Page, under_way: set[Request]) -> None:
    """Wait until every request is answered; a live page asks again and again, so that "networkidle" may never come."""
    end = time.monotonic() + ARRIVES_MS / 1000
    page.wait_for_timeout(200)
    while under_way:
        assert time.monotonic() < end, [request.url for request in under_way]
        page.wait_for_timeout(50)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")])
def test_every_page_opens_clean_and_without_sideways_scrolling(
    signed_in: Page, live_platform: Platform, context: BrowserContext, width: int, scheme: str
) -> None:
    open_account(signed_in, live_platform)
    page = context.new_page()
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
    page.set_viewport_size({"width": width, "height": 900})
    faults, under_way = watch(page), traffic(page)

    for name, address in PAGES.items():
        page.goto(f"{live_platform.url}{address}")
        settle(page, under_way)
        wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, f"{name} is {wider} px too wide at {width}"
        page.screenshot(path=SHOTS / f"{name}-{width}-{scheme}.png", full_page=True)

    assert faults == []


def come_true(page: Page, expression: str) -> None:
    """Wait for something in the page (the policy allows no polling inside it)."""
    end = time.monotonic() + ARRIVES_MS / 1000
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


SLOW_MARKS = """
    window.marks = {now: 0, most: 0, all: 0};
    const real = window.fetch;
    window.fetch = async (address, options) => {
        if (!String(address).includes("/chart/marks/")) return real(address, options);
        marks.all += 1;
        marks.most = Math.max(marks.most, ++marks.now);
        await new Promise((resolve) => setTimeout(resolve, 1200));
        try { return await real(address, options); } finally { marks.now -= 1; }
    };
"""
AN_ORDER_CHANGES = "document.dispatchEvent(new CustomEvent('live:message', {detail: {type: 'order.filled'}}))"


def test_marks_are_never_fetched_twice_at_once_and_again_when_they_changed(
    signed_in: Page, live_platform: Platform
) -> None:
    page = signed_in
    page.add_init_script(SLOW_MARKS)
    page.goto(f"{live_platform.url}/chart/?symbol=IBM")
    come_true(page, "marks.all > 0")
    for _ in range(4):
        page.evaluate(AN_ORDER_CHANGES)
        page.wait_for_timeout(500)
    come_true(page, "marks.all > 1 && marks.now === 0")

    assert page.evaluate("marks.most") == 1


@pytest.mark.parametrize("speed", ["1", "20"])
def test_the_chart_moves_with_the_replay_and_stays_where_one_looks(
    signed_in: Page, live_platform: Platform, speed: str
) -> None:
    page = signed_in
    page.goto(f"{live_platform.url}/chart/?symbol=FB")
    expect(page.locator("[data-chart-message]")).to_be_hidden()
    start = page.locator("[data-replay-open]")
    if start.count():
        start.click()
    expect(page.locator("#replay .chip")).to_contain_text(re.compile("running|paused"))
    go_on = page.get_by_role("button", name="Go on")
    if go_on.count():  # where a test before left it
        go_on.click()
    set_speed(page, speed)
    before = last_bar(page)

    page.wait_for_function(MOVED, arg=before, timeout=ARRIVES_MS)
    moved = last_bar(page)
    page.wait_for_function(MOVED, arg=moved, timeout=ARRIVES_MS)

    assert len({before, moved, last_bar(page)}) == 3
    page.screenshot(path=SHOTS / f"chart-live-{speed}.png")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#replay .chip")).to_contain_text("paused", timeout=ARRIVES_MS)
    page.wait_for_function(STANDS, timeout=ARRIVES_MS)  # bars that were under way have arrived by then
    stopped_at, still = market_time(page, live_platform.url, "FB"), last_bar(page)
    page.wait_for_timeout(1_500)
    assert last_bar(page) == still
    assert market_time(page, live_platform.url, "FB") == stopped_at
    page.get_by_role("button", name="Go on").click()


def test_indicators_are_picked_with_their_settings_and_kept_in_the_address(
    signed_in: Page, live_platform: Platform
) -> None:
    page = signed_in
    page.goto(f"{live_platform.url}/chart/?symbol=IBM&indicators=sma:20")
    expect(page.locator("[data-chart-message]")).to_be_hidden()

    page.locator(".indicator-menu > summary").click()
    page.get_by_label("Indicator", exact=True).select_option("rsi")
    page.get_by_label("Period").fill("9")
    page.get_by_role("button", name="Add to the chart").click()

    expect(page.locator("[data-indicator-list]")).to_contain_text("RSI 9")
    expect(page.locator("[data-chart-legend]")).to_contain_text("RSI 9")
    assert "rsi%3A9" in page.url or "rsi:9" in page.url
    page.reload()
    expect(page.locator("[data-chart-legend]")).to_contain_text("RSI 9")
    page.get_by_label("Remove SMA 20").click()
    expect(page.locator("[data-chart-legend]")).not_to_contain_text("SMA 20")


def test_a_rule_denies_the_next_order_and_the_kill_switch_is_engaged_and_released(
    signed_in: Page, live_platform: Platform
) -> None:
    page = signed_in
    open_account(page, live_platform)
    page.goto(f"{live_platform.url}/risk/rules/new/?type=max_order_value")
    page.get_by_label("Name").fill("Tiny orders")
    page.get_by_label("Limit", exact=True).fill("10")
    page.get_by_role("button", name="Put it in force").click()
    expect(page.locator("#rules-table")).to_contain_text("Tiny orders")

    page.locator("#test-order").get_by_label("Symbol").fill("AAPL")
    page.locator("#test-order").get_by_label("Quantity").fill("5")
    page.get_by_role("button", name="Ask every rule").click()
    expect(page.locator("#test-order")).to_contain_text("It would not be sent")
    expect(page.locator("#test-order")).to_contain_text("Tiny orders")
    page.screenshot(path=SHOTS / "risk-tested.png", full_page=True)

    page.get_by_role("button", name="Kill switch", exact=True).click()
    page.locator("#kill-dialog").get_by_label("Reason").fill("Trying it out")
    page.get_by_role("button", name="Stop all new orders").click()
    expect(page.locator(".banner-halted")).to_contain_text("Trying it out")
    page.screenshot(path=SHOTS / "risk-killed.png", full_page=True)

    page.locator("[data-kill-switch]").get_by_label("Reason").fill("It works")
    page.locator("[data-kill-switch]").get_by_label("Your password").fill(live_platform.password)
    page.get_by_role("button", name="Release").click()
    expect(page.locator(".banner-halted")).to_have_count(0)

    page.get_by_role("button", name="Switch off: Tiny orders").click()
    expect(page.get_by_role("button", name="Switch on: Tiny orders")).to_be_visible()


def test_preferences_show_what_changes_before_it_is_saved(signed_in: Page, live_platform: Platform) -> None:
    page = signed_in
    page.goto(f"{live_platform.url}/preferences/?tab=trading")
    page.get_by_label("Most entries per session").fill("33")
    page.get_by_role("button", name="See what this changes").click()
    expect(page.locator("#preview")).to_contain_text("33")
    page.screenshot(path=SHOTS / "preferences-preview.png", full_page=True)
    page.get_by_role("button", name=re.compile("Save 1 change")).click()
    expect(page.get_by_label("Most entries per session")).to_have_value("33")

    page.goto(f"{live_platform.url}/preferences/history/")
    expect(page.locator("#versions")).to_contain_text("33")


def test_panels_are_hidden_and_come_back(signed_in: Page, live_platform: Platform) -> None:
    page = signed_in
    open_account(page, live_platform)
    page.get_by_role("button", name="Hide Market clocks").click()
    expect(page.locator("#panel-feeds")).to_have_count(0)

    page.reload()
    expect(page.locator("#panel-feeds")).to_have_count(0)
    page.get_by_role("button", name="Market clocks").click()
    expect(page.locator("#panel-feeds")).to_be_visible()


def test_a_broken_file_is_answered_line_by_line(signed_in: Page, live_platform: Platform) -> None:
    page = signed_in
    page.goto(f"{live_platform.url}/data/")
    rows = b"date,open,high,low,close,volume\n2024-01-02,10,11,9,10.5,100\n2024-01-03,10,9,8,10,100\n"
    page.locator("#id_file").set_input_files({"name": "bars.csv", "mimeType": "text/csv", "buffer": rows})
    page.get_by_label("Symbol (optional)").fill("BROWSED")
    page.get_by_role("button", name="Import").click()

    expect(page.locator("#rejected")).to_contain_text("3")
    page.screenshot(path=SHOTS / "data-imported.png", full_page=True)


def test_a_token_is_shown_once_and_works(signed_in: Page, live_platform: Platform) -> None:
    page = signed_in
    page.goto(f"{live_platform.url}/keys/")
    page.get_by_label("Name").fill("browser test")
    page.get_by_label("Your password").fill(live_platform.password)
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("[data-secret]").inner_text()

    answer = page.request.get(
        f"{live_platform.url}/api/v1/auth/tokens/", headers={"Authorization": f"Bearer {secret}", "Cookie": ""}
    )
    assert answer.ok and "browser test" in json.dumps(answer.json())
    page.goto(f"{live_platform.url}/keys/")
    expect(page.locator("body")).not_to_contain_text(secret)


def test_search_finds_an_instrument(signed_in: Page, live_platform: Platform) -> None:
    page = signed_in
    page.goto(f"{live_platform.url}/risk/")
    page.keyboard.press("/")
    page.get_by_role("combobox", name="Search or jump to").fill("goog")
    expect(page.locator("#search-found")).to_contain_text("GOOG")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("symbol=GOOG"))
