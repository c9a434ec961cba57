"""The analytics page in a browser: pictures are drawn, nothing runs over a phone's edge, the report opens alone."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS, Platform, set_pace
from tests.browser.test_pages_trading import make_strategy

pytestmark = [pytest.mark.browser, pytest.mark.runtime]
TRIES = 40


def with_marks(page: Page, url: str, *, name: str) -> None:
    """Let a strategy trade until its account was marked a few times, then open the page."""
    make_strategy(page, url, name=name, kind="buy_and_hold", symbol="MSFT")
    page.get_by_role("button", name=f"Start {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Start").click()
    expect(page.locator("#strategy-head")).to_contain_text("Running")
    set_pace(page, url, 4)
    for _ in range(TRIES):
        page.goto(f"{url}/analytics/")
        if page.locator(".stat-strip").count():
            return
        page.wait_for_timeout(500)
    raise AssertionError("no marks arrived")


def test_performance_is_drawn_and_fits_a_phone(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    with_marks(page, url, name="Held for figures")

    for name in ("equity", "months", "distribution"):
        expect(page.locator(f"#{name} .main-svg").first).to_be_visible()
    expect(page.locator(".stat-strip")).to_contain_text("Sharpe ratio")
    page.screenshot(path=SHOTS / "analytics.png", full_page=True)
    for theme in ("dark", "light"):
        page.emulate_media(color_scheme=theme)
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto(f"{url}/analytics/")
        expect(page.locator("#equity .main-svg").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        page.screenshot(path=SHOTS / f"analytics-phone-{theme}.png", full_page=True)


def test_the_report_is_one_file_that_draws_alone(signed_in: Page, live_platform: Platform, tmp_path: Path) -> None:
    page, url = signed_in, live_platform.url
    with_marks(page, url, name="Held for a report")
    answer = page.request.get(f"{url}/analytics/report.html")
    report = tmp_path / "report.html"
    report.write_bytes(answer.body())

    page.goto(report.as_uri())

    expect(page.locator("#plot-equity .main-svg").first).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Performance of")
