"""A run in a browser: from the form over its progress to its result, each section of it on a telephone."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS, Platform

pytestmark = [pytest.mark.browser, pytest.mark.runtime]
DONE_MS = 90_000  # the first run of a machine compiles
MOST_PIXELS = 3_000
CELL_TEXT_SIZE = """() => Math.min(...[...document.querySelectorAll("#months .bartext")].map(
    (text) => parseFloat(getComputedStyle(text).fontSize) * text.getCTM().a))"""
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => {
    for (const each of list.getEntries()) if (!each.hadRecentInput) window.shifted += each.value;
}).observe({type: "layout-shift", buffered: true});"""
PAINTED = """() => document.fonts.ready.then(
    () => new Promise((done) => setTimeout(() => requestAnimationFrame(done), 300)))"""
MOST_SHIFT = 0.1
OVERLAPPING = """() => { const places = [...document.querySelectorAll("[data-figure]")];
    return places.filter((place) => place.querySelector(".main-svg").getBoundingClientRect().bottom
        > place.parentElement.getBoundingClientRect().bottom).length; }"""


def test_a_run_is_asked_for_and_its_sections_are_read(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    page.goto(f"{url}/backtests/new/")
    page.get_by_label("Symbols").fill("AAPL, MSFT")
    page.locator("[name=parameters-fast]").fill("2")
    page.locator("[name=parameters-slow]").fill("4")
    page.get_by_label("Risk rules").select_option("none")
    page.get_by_role("button", name="Run", exact=True).click()
    sections = page.locator("#sections a")
    expect(sections.first).to_be_visible(timeout=DONE_MS)
    result = page.url
    expect(page.locator("#equity .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollHeight") < MOST_PIXELS
    page.screenshot(path=SHOTS / "backtest-result.png", full_page=True)

    names = [text.split("\n")[0] for text in sections.all_inner_texts()]
    page.set_viewport_size({"width": 390, "height": 844})
    for number in range(len(names)):
        sections.nth(number).click()
        expect(sections.nth(number)).to_have_attribute("aria-current", "page")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), page.url
        if number == 0:
            expect(page.locator("#months .bartext").first).to_be_visible()
            assert page.evaluate(CELL_TEXT_SIZE) >= 8.9, "figures of the months can be read on a telephone"

    page.add_init_script(SHIFTS)
    for address in (
        f"{result}?section=trades",
        f"{result}?section=orders",
        f"{result}?section=figures",
        f"{url}/backtests/",
    ):
        page.goto(address)
        page.evaluate(PAINTED)
        assert page.evaluate("window.shifted") < MOST_SHIFT, address

    page.goto(f"{result}?section=trades")
    page.locator(".rows-choice [name=symbol]").select_option("MSFT")
    page.locator(".rows-choice [name=order]").select_option("worst")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#trades tbody tr").first).to_contain_text("MSFT")
    expect(page.locator("#trades tbody tr").first).to_contain_text("−")
    expect(page.locator("#trade-chart")).to_have_attribute("data-symbol", "MSFT")
    page.get_by_role("link", name="Next").click()
    expect(page.locator(".rows-choice [name=order]")).to_have_value("worst")
    expect(page.locator("#trades .table-foot")).to_contain_text("Page 2 of")

    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(f"{url}/backtests/")
    scroller = page.locator("#jobs .table-scroll")
    expect(scroller.get_by_text("Verdict")).to_be_visible()
    assert scroller.evaluate("(it) => it.scrollWidth <= it.clientWidth"), "every column is in view"

    page.goto(f"{result}report/")
    expect(page.locator(".main-svg").first).to_be_visible()
    assert page.evaluate(OVERLAPPING) == 0, "no picture of the report lies over what follows it"
