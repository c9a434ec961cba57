"""The page of the API: every group of endpoints is there at a glance, and a click opens it."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Platform

pytestmark = [pytest.mark.browser, pytest.mark.runtime]


def test_the_api_page_lists_every_group_and_opens_one(signed_in: Page, live_platform: Platform) -> None:
    page, url = signed_in, live_platform.url
    described = page.request.get(f"{url}/api/schema/", headers={"Accept": "application/json"}).json()
    groups = {tag for path in described["paths"].values() for each in path.values() for tag in each.get("tags", [])}

    page.goto(f"{url}/api/docs/")

    expect(page.locator(".opblock-tag")).to_have_count(len(groups), timeout=30_000)
    page.locator(".opblock-tag", has_text="orders").first.click()
    expect(page.locator(".opblock", has_text="/api/v1/orders/preview/").first).to_be_visible()
