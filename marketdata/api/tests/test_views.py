"""The market data endpoints answer as api.md says, and refuse by field."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from core.testing import api_client, assert_problem, make_user
from domain.bars import Timeframe
from marketdata import replay_services, selectors, services
from marketdata.models import Instrument
from marketdata.tests.factories import MONDAY, make_instrument, make_stored

pytestmark = pytest.mark.django_db
DAY = 86_400
CSV = "date,open,high,low,close,volume\n" + "".join(f"2024-01-{d:02d},10.5,11,10,10.5,100\n" for d in range(1, 6))


@pytest.fixture
def client() -> Any:
    return api_client(make_user())


def post_file(client: Any, content: str | bytes = CSV, **fields: str) -> Any:
    raw = content.encode() if isinstance(content, str) else content
    body = {"symbol": "NEW", "timeframe": "1d", "file": SimpleUploadedFile("bars.csv", raw), **fields}
    return client.post("/api/v1/bars/import/", body, format="multipart")


def test_nobody_sees_bars_without_signing_in() -> None:
    assert_problem(api_client().get("/api/v1/bars/?symbol=X&timeframe=1d"), 401)


def test_a_token_that_may_only_read_imports_nothing() -> None:
    assert_problem(post_file(api_client(make_user(), scopes=("read",))), 403)
    assert not Instrument.objects.exists()


def test_instruments_are_listed_searched_and_shown(client: Any) -> None:
    make_instrument("BTC/USDT")
    make_stored(3, symbol="AAPL", name="Apple")

    listed = client.get("/api/v1/instruments/").json()
    assert [row["symbol"] for row in listed["results"]] == ["AAPL", "BTC/USDT"]
    assert listed["results"][0]["tick_size"] == "0.01"
    found = client.get("/api/v1/instruments/?search=appl").json()["results"]
    assert [row["symbol"] for row in found] == ["AAPL"]
    assert client.get("/api/v1/instruments/BTC/USDT/").json()["calendar"] == "24/7"
    assert client.get("/api/v1/instruments/aapl/").json()["bars"] == {"1d": 3}
    assert_problem(client.get("/api/v1/instruments/NOPE/"), 404)


def test_bars_come_as_columns_with_nulls_before_warm_up(client: Any) -> None:
    make_stored(5, symbol="A")

    body = client.get("/api/v1/bars/?symbol=A&timeframe=1d&indicators=sma:3,macd").json()

    assert body["t"] == [MONDAY + n * DAY for n in range(5)]
    assert body["c"] == [100, 101, 102, 103, 104]
    assert body["indicators"]["sma_3"] == [None, None, 101, 102, 103]
    assert body["indicators"]["macd_12_26_9"] == [None] * 5


def test_indicators_of_a_window_are_settled_by_the_bars_before_it(client: Any) -> None:
    make_stored(1000, symbol="A")
    whole = client.get("/api/v1/bars/?symbol=A&timeframe=1d&limit=1000&indicators=sma:20,ema:20,rsi:14,obv").json()

    part = client.get("/api/v1/bars/?symbol=A&timeframe=1d&limit=7&indicators=sma:20,ema:20,rsi:14,obv").json()

    assert part["indicators"]["sma_20"] == whole["indicators"]["sma_20"][-7:]
    for key in ("ema_20", "rsi_14", "obv"):
        assert part["indicators"][key] == pytest.approx(whole["indicators"][key][-7:], rel=1e-9)


def test_without_an_end_the_future_of_the_clock_is_hidden(client: Any) -> None:
    row = make_stored(10, symbol="A")
    replay_services.open_feed(row, "1d", warmup_bars=4)

    assert len(client.get("/api/v1/bars/?symbol=A&timeframe=1d").json()["t"]) == 4
    assert len(client.get("/api/v1/bars/?symbol=A&timeframe=1d&start=2024-01-03T00:00:00Z").json()["t"]) == 2
    assert len(client.get("/api/v1/bars/?symbol=A&timeframe=1d&end=2030-01-01T00:00:00Z").json()["t"]) == 10


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("symbol=A", "timeframe"),
        ("timeframe=1d", "symbol"),
        ("symbol=A&timeframe=2d", "timeframe"),
        ("symbol=A&timeframe=1d&limit=0", "limit"),
        ("symbol=A&timeframe=1d&limit=50001", "limit"),
        ("symbol=A&timeframe=1d&start=2024-01-01", "start"),
        ("symbol=A&timeframe=1d&start=2024-01-02T00:00:00Z&end=2024-01-01T00:00:00Z", "end"),
        ("symbol=A&timeframe=1d&indicators=sma:0", "indicators"),
        ("symbol=A&timeframe=1d&indicators=eval:1", "indicators"),
        ("symbol=A&timeframe=1d&colour=red", "colour"),
    ],
)
def test_a_bad_query_names_its_field(client: Any, query: str, field: str) -> None:
    make_stored(3, symbol="A")
    assert_problem(client.get(f"/api/v1/bars/?{query}"), 400, field=field)


def test_a_file_is_imported_and_answered_by_line(client: Any) -> None:
    answer = post_file(client, CSV + "2024-01-06,10,11,10,oops,5\n")

    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert (body["rows_read"], body["rows_stored"]) == (6, 5)
    assert body["rejected"] == [{"line": 7, "reason": "'oops' is not a number"}]
    assert post_file(client).json()["rows_stored"] == 0
    assert selectors.instrument("NEW").asset_class == "equity"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"timeframe": "9m"}, "timeframe"),
        ({"timezone": "Nowhere"}, "timezone"),
        ({"tick_size": "0"}, "tick_size"),
        ({"tick_size": "1e-2"}, "tick_size"),
        ({"symbol": "‮AAPL"}, "symbol"),
        ({"column_map": "[]"}, "column_map"),
        ({"column_map": '{"close": "nope"}'}, "column_map"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_import_field_is_named(client: Any, fields: dict[str, str], field: str) -> None:
    assert_problem(post_file(client, **fields), 400, field=field)
    assert not Instrument.objects.exists()


def test_a_file_that_is_none_is_refused(client: Any) -> None:
    assert_problem(post_file(client, b""), 400, field="file")
    assert_problem(post_file(client, "timestamp,price,size\n2024-01-01,1,1\n"), 400, field="file", code="tick_file")
    assert_problem(client.post("/api/v1/bars/import/", {"symbol": "A", "timeframe": "1d"}, format="multipart"), 400)
    assert_problem(client.post("/api/v1/bars/import/", {"symbol": "A"}, format="json"), 415)


def test_a_column_map_is_taken(client: Any) -> None:
    content = CSV.replace("close", "settle")
    assert post_file(client, content, column_map=json.dumps({"close": "settle"})).json()["rows_stored"] == 5


def test_a_quote_invents_no_bid_and_ask(client: Any) -> None:
    make_stored(3, symbol="A")

    body = client.get("/api/v1/quotes/A/").json()

    assert (body["bid"], body["ask"], body["spread_bps"]) == (None, None, None)
    assert (body["last"], body["stale"]) == ("102", True)
    assert body["age_seconds"] > DAY
    make_instrument("EMPTY")
    assert_problem(client.get("/api/v1/quotes/EMPTY/"), 404)


def test_the_volume_profile_holds_all_volume(client: Any) -> None:
    make_stored(40, symbol="A")

    body = client.get("/api/v1/volume-profile/A/?bins=20").json()

    assert len(body["price"]) == len(body["volume"]) == 20
    assert sum(body["volume"]) == pytest.approx(40_000)
    assert body["value_area_low"] < body["point_of_control"] < body["value_area_high"]
    assert_problem(client.get("/api/v1/volume-profile/A/?bins=4"), 400, field="bins")


def test_liquidity_is_told_as_far_as_bars_tell_it(client: Any) -> None:
    make_stored(40, symbol="A")

    body = client.get("/api/v1/liquidity/A/?bars=10").json()

    assert (body["bars"], body["average_volume"], body["average_value"]) == (10, 1000, "134500.00")
    assert body["amihud"] == pytest.approx(sum(1 / c / (c + 1) / 1000 * 1e6 for c in range(130, 139)) / 9)
    assert (body["spread_bps"], body["depth"]) == (None, None)


def test_subscriptions_are_the_asker_s_and_the_platform_s(client: Any) -> None:
    row = make_stored(3, symbol="A")
    mine, theirs = make_user(), make_user()
    services.subscribe("strategy", "s1", row, "1d", user_id=mine.pk)
    services.subscribe("strategy", "s2", row, "1d", user_id=theirs.pk)
    services.subscribe("page", "p", row, "1d")

    found = api_client(mine).get("/api/v1/subscriptions/").json()["results"]

    assert sorted(each["owner_id"] for each in found) == ["p", "s1"]
    assert found[0]["symbol"] == "A"


def test_a_replay_is_started_changed_and_restarted(client: Any) -> None:
    row = make_stored(10, symbol="A")
    body = {"symbols": ["A"], "timeframe": "1d", "start": "2024-01-04T00:00:00Z", "speed": 5}

    made = client.post("/api/v1/replays/", body)

    assert made.status_code == 201, made.content
    address = f"/api/v1/replays/{made.json()['id']}/"
    assert made.json()["market_time"] == "2024-01-04T00:00:00Z"
    assert made.json()["feeds"] == [{"symbol": "A", "timeframe": "1d", "is_open": True}]
    assert client.patch(address, {"state": "paused", "speed": 100}).json()["state"] == "paused"
    assert_problem(client.patch(address, {"speed": 1001}), 400, field="speed")
    assert_problem(client.patch(address, {"state": "ended"}), 400, field="state")
    assert client.post(f"{address}restart/", {}).json()["restarts"] == 1
    services.subscribe("order", "o1", row, "1d")
    assert_problem(client.post(f"{address}restart/", {}), 409)
    assert client.get("/api/v1/replays/").json()["results"][0]["speed"] == 100
    assert_problem(client.post("/api/v1/replays/", {**body, "symbols": ["NOPE"]}), 404)


def test_bars_of_a_lower_timeframe_make_the_higher_ones(client: Any) -> None:
    make_stored(130, symbol="A", timeframe=Timeframe.M1)

    body = client.get("/api/v1/bars/?symbol=A&timeframe=1h").json()

    assert body["t"] == [MONDAY, MONDAY + 3600]
    assert datetime.fromtimestamp(body["t"][1], tz=UTC).hour == 1
