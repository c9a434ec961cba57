"""The analytics page and its exports: whose they are, what they show, what they say when there is nothing."""

import json
import re

import pytest

from analytics.metrics.catalogue import METRICS
from analytics.tests.test_api import traded
from analytics.wording import all_shown
from core.testing import assert_page_needs_sign_in, make_user, page_client
from portfolio.tests.factories import make_account

pytestmark = pytest.mark.django_db
URL = "/analytics/"


def test_the_page_shows_figures_pictures_and_groups() -> None:
    account = traded()

    page = page_client(account.user).get(f"{URL}?whose=account:{account.pk}").content.decode()

    for words in (
        "+15.35\u00a0%",
        "Equity and drawdown",
        "Returns by month",
        "By hand",
        "Deepest drawdowns",
        "252 a year",
    ):
        assert words in page
    figure = re.search(r'<script id="figure-equity" type="application/json">(.*?)</script>', page)
    assert figure is not None
    assert json.loads(figure.group(1))["data"][0]["y"][-1] == 1153.5
    assert "There are no prices of SPY" in page


def test_pages_need_sign_in_and_strangers_see_nothing_of_others() -> None:
    account = traded()
    stranger = page_client(make_user())

    assert_page_needs_sign_in(URL)
    assert_page_needs_sign_in(f"{URL}days.csv")
    assert_page_needs_sign_in(f"{URL}report.html")
    page = stranger.get(f"{URL}?whose=account:{account.pk}").content.decode()
    assert account.name not in page and "is not one of the available choices" in page
    assert stranger.get(f"{URL}report.html?whose=account:{account.pk}").status_code == 404


def test_nothing_to_measure_says_what_to_do_next() -> None:
    page = page_client(make_user()).get(URL).content.decode()

    assert "Nothing to measure yet" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("start=2024-02-01&end=2024-01-01", "2024-01-01 is before 2024-02-01"),
        ("benchmark=NOWHERE", "There is no instrument NOWHERE"),
        ("start=soon", "Enter a valid date"),
    ],
)
def test_faults_stand_at_their_field(query: str, words: str) -> None:
    account = traded()

    response = page_client(account.user).get(f"{URL}?{query}")

    assert response.status_code == 200 and words in response.content.decode()


def test_accounts_of_different_currencies_ask_for_one() -> None:
    user = make_user()
    make_account(user), make_account(user, currency="EUR")

    assert "choose one of them" in page_client(user).get(URL).content.decode()


def test_the_days_are_exported() -> None:
    account = traded()

    response = page_client(account.user).get(f"{URL}days.csv")

    assert response.headers["Content-Disposition"] == 'attachment; filename="performance-2024-01-06.csv"'
    assert response.content.decode().splitlines() == [
        "date,equity,pnl,drawdown,benchmark",
        "2024-01-02,999.50,-0.50,-0.000500,",
        "2024-01-03,1049.00,49.00,0.000000,",
        "2024-01-04,1048.50,48.50,-0.000477,",
        "2024-01-05,1078.50,78.50,0.000000,",
        "2024-01-06,1153.50,153.50,0.000000,",
    ]


def test_the_report_needs_nothing_else() -> None:
    account = traded(name="<b>Mine</b>")

    text = page_client(account.user).get(f"{URL}report.html?whose=account:{account.pk}").content.decode()

    assert "&lt;b&gt;Mine" in text and "<b>Mine" not in text
    plain = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert not re.search(r"(?:src|href)=", plain) and "Plotly.newPlot" in text
    assert "var(--" not in plain
    assert "All figures" in text and "By symbol" in text


def test_figures_are_written_by_their_unit() -> None:
    values = {each.name: -0.12345 for each in METRICS} | {"trades": 1234, "sharpe": None, "fees_paid": 12.5}

    shown = {each.name: each for each in all_shown(values, "USD")}

    assert (shown["total_return"].text, shown["total_return"].tone) == ("−12.35\u00a0%", "loss")
    assert (shown["trades"].text, shown["sharpe"].text, shown["fees_paid"].text) == ("1,234", "–", "$12.50")
    assert shown["beta"].text == "−0.12"
