"""The chart page, the market data page and the fragments that steer clocks."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.testing import assert_page_needs_sign_in, make_user, page_client
from marketdata import selectors
from marketdata.models import Replay
from marketdata.replay_services import open_feed
from marketdata.tests.factories import make_stored

pytestmark = pytest.mark.django_db

GOOD = b"date,open,high,low,close,volume\n2024-01-02,10,11,9,10.5,100\n2024-01-03,10.5,12,10,11,100\n"
BAD = b"2024-01-04,10.5,9,10,11,100\nnot a date,1,2,3,4,5\n"


@pytest.fixture
def client():
    return page_client(make_user())


@pytest.mark.parametrize("name", ["chart", "data", "clocks", "import", "replay"])
def test_nobody_is_sent_to_sign_in(name):
    assert_page_needs_sign_in(reverse(f"marketdata:{name}"))


def test_a_chart_offers_what_is_stored_and_what_can_be_made_of_it(client):
    row = make_stored(30)

    context = client.get(reverse("marketdata:chart"), {"symbol": row.symbol.lower()}).context

    assert (context["row"], context["timeframe"], context["timeframes"]) == (row, "1d", ["1d", "1w"])


def test_an_unknown_symbol_is_told_and_another_chart_is_shown(client):
    make_stored(5)

    answer = client.get(reverse("marketdata:chart"), {"symbol": "NOSUCH"})

    assert answer.status_code == 200 and "There is no instrument" in answer.content.decode()


@pytest.mark.parametrize("wrong", ["sma:0", "nosuch", "sma:20:30", "sma:1e9"])
def test_bad_indicators_are_told_and_the_usual_ones_shown(client, wrong):
    row = make_stored(5)

    answer = client.get(reverse("marketdata:chart"), {"symbol": row.symbol, "indicators": wrong})

    assert answer.context["indicators"] == "sma:20,sma:50"
    assert wrong.partition(":")[0] in answer.content.decode().lower().partition('data-message="error"')[2][:600]


def test_without_bars_the_page_says_what_to_do(client):
    assert "Import a file" in client.get(reverse("marketdata:chart")).content.decode()


def test_a_replay_is_opened_paused_sped_up_and_restarted(client):
    row = make_stored(30)
    client.post(reverse("marketdata:replay_open"), {"symbol": row.symbol, "timeframe": "1d"})
    replay = Replay.objects.get(instruments=row)
    url = reverse("marketdata:replay_change", args=[replay.pk])

    client.post(url, {"speed": "20"})
    client.post(url, {"state": "paused"})
    replay.refresh_from_db()
    assert (replay.speed, replay.state) == (20, "paused")

    client.post(reverse("marketdata:replay_restart", args=[replay.pk]))
    replay.refresh_from_db()
    assert (replay.restarts, replay.state) == (1, "running")


@pytest.mark.parametrize("wrong", [{"speed": "0"}, {"speed": "1e9"}, {"speed": "nan"}, {"state": "ended"}, {}])
def test_a_wrong_change_of_a_clock_changes_nothing(client, wrong):
    row = make_stored(30)
    open_feed(row, "1d")
    replay = Replay.objects.get(instruments=row)

    client.post(reverse("marketdata:replay_change", args=[replay.pk]), wrong)

    replay.refresh_from_db()
    assert (replay.speed, replay.state) == (1, "running")


def test_the_page_does_not_lead_to_other_sites(client):
    row = make_stored(30)
    given = {"symbol": row.symbol, "timeframe": "1d"}

    answer = client.post(reverse("marketdata:replay_open"), given, headers={"referer": "https://evil.example/x"})

    assert answer.headers["Location"] == reverse("marketdata:data")


def test_a_file_is_answered_line_by_line_and_its_good_rows_are_stored(client):
    file = SimpleUploadedFile("bars.csv", GOOD + BAD)

    answer = client.post(
        reverse("marketdata:import"), {"file": file, "symbol": "new1", "timeframe": "1d", "timezone": "UTC"}
    )

    assert answer.context["result"]["rows_stored"] == 2
    assert [each["line"] for each in answer.context["result"]["rejected"]] == [4, 5]
    assert selectors.bar_counts(selectors.instrument("NEW1")) == {"1d": 2}
    assert "Refused lines" in answer.content.decode()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"timeframe": "7d"}, "timeframe"),
        ({"symbol": ""}, "symbol"),
        ({"file": None}, "file"),
    ],
)
def test_a_wrong_import_is_told_at_its_field_and_stores_nothing(client, changes, field):
    given = {
        "file": SimpleUploadedFile("b.csv", GOOD),
        "symbol": "NEW2",
        "timeframe": "1d",
        "timezone": "UTC",
        **changes,
    }

    answer = client.post(reverse("marketdata:import"), {k: v for k, v in given.items() if v is not None})

    assert answer.status_code == 200 and field in answer.context["form"].errors
    assert not selectors.instruments("NEW2").exists()


def test_a_file_that_is_none_of_bars_is_told(client):
    file = SimpleUploadedFile("b.csv", b"\x00\x01\x02 nothing")

    answer = client.post(
        reverse("marketdata:import"), {"file": file, "symbol": "NEW3", "timeframe": "1d", "timezone": "UTC"}
    )

    assert answer.status_code == 200 and answer.context["form"].errors
