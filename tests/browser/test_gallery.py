"""The building blocks in a browser: they look right in four views, and behave."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SHOTS

pytestmark = pytest.mark.browser
SIZES = {"wide": {"width": 1440, "height": 900}, "narrow": {"width": 390, "height": 844}}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_gallery_fits_the_screen_in_both_themes(page: Page, gallery: str, scheme: str, size: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its words
    page.set_viewport_size(SIZES[size])  # type: ignore[arg-type]  # width and height

    page.goto(gallery)

    expect(page.locator("html")).to_have_attribute("data-bs-theme", scheme)
    expect(page.locator("[data-chart-message]")).to_be_hidden()
    expect(page.locator("[data-chart-legend]")).to_contain_text("SMA 20")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    page.evaluate("() => { document.activeElement.blur(); window.scrollTo(0, 0); }")
    page.screenshot(path=SHOTS / f"gallery-{size}-{scheme}-top.png")
    page.screenshot(path=SHOTS / f"gallery-{size}-{scheme}.png", full_page=True)
    overflow = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0


def test_chosen_theme_is_remembered(page: Page, gallery: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(gallery)

    page.locator("summary[aria-label='Account menu']").click()
    page.locator(".menu-panel [data-theme-next]").click()
    page.locator(".menu-panel [data-theme-next]").click()
    page.reload()

    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_table_sorts_by_exact_value_and_filters(page: Page, gallery: str) -> None:
    page.goto(gallery)
    table = page.locator("#orders-table")

    table.get_by_role("button", name="P&L").click()
    expect(table.locator("tbody tr").first).to_contain_text("+$180.80")
    table.get_by_role("button", name="P&L").click()
    expect(table.locator("tbody tr").first).to_contain_text("−$135.60")
    table.get_by_role("searchbox").fill("unresolved")

    expect(table.locator("tbody tr:visible")).to_have_count(1)
    expect(table.locator("[data-table-count]")).to_have_text("1 of 8 rows")


def test_csv_export_neutralises_formulas_and_keeps_negative_numbers(page: Page, gallery: str) -> None:
    page.goto(gallery)
    page.evaluate("() => { document.querySelector('#orders-table tbody td').textContent = '=HYPERLINK(1)'; }")

    with page.expect_download() as waiting:
        page.locator("[data-table-csv]").click()

    lines = waiting.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == "Symbol,Side,Quantity,Filled,Price,P&L,State,Strategy,Age"
    assert lines[1].startswith("'=HYPERLINK(1),Sell,10,0,101.42,-135.6,")


def test_dialog_says_what_will_not_happen_and_escape_closes_it(page: Page, gallery: str) -> None:
    page.goto(gallery)

    page.get_by_role("button", name="Kill switch").click()

    dialog = page.locator("#kill-dialog")
    expect(dialog).to_be_visible()
    expect(dialog.locator(".will-not")).to_have_count(3)
    expect(page.locator("#kill-reason")).to_be_focused()
    page.screenshot(path=SHOTS / "dialog.png")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_keys_open_search_and_the_list_of_keys(page: Page, gallery: str) -> None:
    page.goto(gallery)
    page.locator("h1").click()  # the page had put the focus on the first wrong field

    page.keyboard.press("?")
    expect(page.locator("#keys-dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("strat")

    expect(page.locator("#search-results a:visible")).to_have_count(1)
    page.screenshot(path=SHOTS / "search.png")


def test_chart_loads_older_bars_when_scrolled(page: Page, gallery: str) -> None:
    page.goto(gallery)
    expect(page.locator("[data-chart-message]")).to_be_hidden()
    canvas = page.locator(".chart-canvas")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None

    with page.expect_request(lambda request: "end=" in request.url):
        page.mouse.move(box["x"] + 300, box["y"] + 150)
        for _ in range(12):
            page.mouse.wheel(-2000, 0)

    expect(page.locator("[data-chart-summary]")).to_contain_text("3,000 loaded")


def test_chart_is_told_in_words_and_recoloured_with_the_theme(page: Page, gallery: str) -> None:
    page.emulate_media(color_scheme="light")
    page.goto(gallery)

    expect(page.locator("[data-chart-summary]")).to_contain_text("Lines: Buy 58 at")
    page.get_by_role("button", name="Line", exact=True).click()
    page.emulate_media(color_scheme="dark")

    expect(page.locator("[data-chart-style='line']")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")


def test_a_late_answer_keeps_sort_and_filter(page: Page, gallery: str) -> None:
    page.goto(gallery)
    table = page.locator("#orders-table")
    table.get_by_role("button", name="P&L").click()

    page.evaluate(
        """() => {
            const body = document.querySelector('#orders-table tbody');
            body.prepend(body.rows[body.rows.length - 1]);
            document.dispatchEvent(new CustomEvent('htmx:after:swap'));
        }"""
    )

    expect(table.locator("tbody tr").first).to_contain_text("+$180.80")


def test_live_fragments_are_fetched_again_once_for_a_burst(page: Page, gallery: str) -> None:
    page.goto(gallery)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/bell/") else None)

    page.evaluate(
        """async () => {
            const src = document.querySelector('script[src$="main.js"]').src;
            const { refresh } = await import(new URL('live.js', src).href);
            for (let n = 0; n < 20; n += 1) refresh('notification.delivered');
            refresh('order.filled');
        }"""
    )

    page.wait_for_timeout(900)
    assert len(asked) == 1


def test_pure_functions_of_the_modules(page: Page, gallery: str) -> None:
    page.goto(gallery)

    results = page.evaluate(
        """async () => {
            const near = (name) => new URL(name, document.querySelector('script[src$="main.js"]').src).href;
            const { csvCell, compareCells } = await import(near('table.js'));
            const { backoff } = await import(near('socket.js'));
            const { matches } = await import(near('live.js'));
            const { ageText } = await import(near('time.js'));
            return {
                cells: ['=1+1', '+1', '-1.5', '−1.5', '-1+cmd', '@x', 'a,b', 'say "x"', '-'].map(csvCell),
                order: ['2', '', '10', '−3'].toSorted((a, b) => compareCells(a, b, 'number', 'descending')),
                waits: [backoff(0, () => 0), backoff(0, () => 1), backoff(3, () => 1), backoff(40, () => 1)],
                matches: [matches('order.* fill.x', 'order.filled'), matches('order.*', 'orders.x'), matches('*', 'x')],
                ages: [ageText(-3), ageText(59), ageText(61), ageText(90000)],
            };
        }"""
    )

    assert results["cells"] == ["'=1+1", "'+1", "-1.5", "-1.5", "'-1+cmd", "'@x", '"a,b"', '"say ""x"""', "'-"]
    assert results["order"] == ["10", "2", "−3", ""]
    assert results["waits"] == [250, 500, 4000, 30000]
    assert results["matches"] == [True, False, True]
    assert results["ages"] == ["now", "59 s", "1 min", "1 d"]


def test_bell_lists_what_is_unread(page: Page, gallery: str) -> None:
    page.goto(gallery)

    page.locator("#bell summary").click()

    expect(page.locator(".bell-list .is-unread")).to_have_count(2)
    page.screenshot(path=SHOTS / "bell.png")


def test_narrow_screen_has_a_bottom_bar_and_a_drawer(page: Page, gallery: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(gallery)

    page.locator(".bottom-bar button").click()

    expect(page.locator("#nav-drawer")).to_be_visible()
    page.screenshot(path=SHOTS / "drawer.png")


def test_live_account_is_told_apart_from_paper(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}/live/")

    expect(page.locator(".banner-live")).to_contain_text("real money")
    page.screenshot(path=SHOTS / "live.png")


def test_sign_in_page_stands_alone(page: Page, gallery: str) -> None:
    page.goto(f"{gallery}/sign-in/")
    page.screenshot(path=SHOTS / "sign-in.png")

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
