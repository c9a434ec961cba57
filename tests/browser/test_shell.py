"""The frame of the real platform in a real browser: signing in, moving about, wrong addresses."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS, Platform, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.runtime]


def test_wrong_password_keeps_the_name_and_says_so(page: Page, live_platform: Platform) -> None:
    page.goto(f"{live_platform.url}/sign-in/")
    page.get_by_label("Username").fill("nobody")
    page.get_by_label("Password").fill("wrong")

    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_role("alert")).to_contain_text("not right")
    expect(page.get_by_label("Username")).to_have_value("nobody")
    page.screenshot(path=SHOTS / "sign-in-refused.png")


def test_socket_is_open_and_shown_after_signing_in(signed_in: Page, live_platform: Platform) -> None:
    signed_in.goto(f"{live_platform.url}/notifications/")

    expect(signed_in.locator("#connection")).to_have_attribute("data-connection", "open")
    expect(signed_in.locator("nav.side [aria-current='page']")).to_have_text("Notifications")
    signed_in.screenshot(path=SHOTS / "notifications.png")


def test_every_page_of_the_navigation_opens_without_an_error(signed_in: Page, live_platform: Platform) -> None:
    signed_in.goto(f"{live_platform.url}/notifications/")
    addresses = [link.get_attribute("href") for link in signed_in.locator("nav.side .nav-item").all()]

    for address in addresses:
        answer = signed_in.goto(f"{live_platform.url}{address}")
        assert answer is not None and answer.ok, address
        if not str(address).startswith("/admin/"):
            expect(signed_in.locator("h1")).to_be_visible()


def test_signing_out_closes_the_session(page: Page, live_platform: Platform) -> None:
    sign_in(page, live_platform)
    page.locator("summary[aria-label='Account menu']").click()

    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
