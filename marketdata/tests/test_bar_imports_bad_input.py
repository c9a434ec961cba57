"""Bad files and bad lines are refused with their reason; the good lines of the same file are stored."""

import gzip
import io
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from domain.bars import Timeframe
from domain.errors import TooLarge, ValidationFailed
from marketdata.models import Instrument
from marketdata.providers import unpacking
from marketdata.tests.factories import make_instrument
from marketdata.tests.importing import HEAD, day_rows, load, stored
from marketdata.tests.reference import shared

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("2024-01-03,nan,11,10,10.5,100", "a value is not a number"),
        ("2024-01-03,10,inf,10,10.5,100", "a value is infinite"),
        ("2024-01-03,10,11,-10,10.5,100", "a price or the volume is negative"),
        ("2024-01-03,10,11,10,10.5,-1", "a price or the volume is negative"),
        ("2024-01-03,0,11,10,10.5,100", "a price is zero"),
        ("2024-01-03,10,9,10,10.5,100", "the high is below the low"),
        ("2024-01-03,12,11,10,10.5,100", "the open or close lies outside low..high"),
        ("2024-01-03,1e7,1.1e7,1e7,1.05e7,100", "the close is a thousand-fold from the last good close"),
        ("2027-01-03,10,11,10,10.5,100", "the bar lies in the future"),
        ("2024-01-02,10.5,11,10,10.5,100", "another bar already has this time"),
        ("2024-01-03,10,11,10,10.5", "the line has 5 fields, the header 6"),
        ("2024-01-03,10,11,10,10.5,100,7", "the line has 7 fields, the header 6"),
        ('2024-01-03,"10,11,10,10.5,100', "a quote is not closed"),
        ('2024-01-03,"1.234,56",11,10,10.5,100', "'1.234,56' is not a number; write 1234.56 without thousands"),
        ("2024-01-03,,11,10,10.5,100", "a price or the volume is empty"),
        ("2024-01-03,1_0,11,10,10.5,100", "'1_0' is not a number"),
        ("2024-01-03,٣,11,10,10.5,100", "'٣' is not a number"),
        (",10,11,10,10.5,100", "the time is empty"),
        ("2024-02-30,10,11,10,10.5,100", "'2024-02-30' is no date that exists"),
        ("yesterday,10,11,10,10.5,100", "'yesterday' is not a time that can be read"),
        ("=cmd(),10,11,10,10.5,100", "'=cmd()' is not a time that can be read"),
        ("99999999999999999999,10,11,10,10.5,100", "is not a time that can be read"),
    ],
)  # fmt: skip
def test_one_bad_line_is_told_and_the_others_are_stored(row: str, reason: str) -> None:
    result = load(day_rows(8, **{"2": row}))

    assert len(result.rejected) == 1
    assert result.rejected[0][0] == 4
    assert reason in result.rejected[0][1]
    assert result.rows_stored == len(stored()) == 7


def test_off_tick_prices_of_a_known_instrument_are_refused() -> None:
    make_instrument("X")

    result = load(day_rows(3, **{"1": "2024-01-02,10.501,11,10,10.5,100"}))

    assert result.rejected == [(3, "a price is off the instrument's tick size")]
    assert result.rows_stored == 2


def test_a_line_that_is_not_utf_8_is_told() -> None:
    content = day_rows(3).encode() + b"2024-01-09,10,11,10,10.\xff,100\n"

    result = load(content)

    assert result.rows_stored == 3
    assert "not UTF-8" in result.rejected[0][1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\n \n", "is empty"),
        ("date,opn,high,low,close\n2024-01-01,1,1,1,1\n", "The header has no column open"),
        ("a,b,c\n1,2,3\n", "no time column"),
        (day_rows().encode("utf-16"), "not UTF-8 text"),
        (gzip.compress(day_rows(28).encode())[:-20], "cut off"),
        (b"\x1f\x8b\x08garbage that is no gzip at all", "damaged"),
        (b"PAR1 and then nothing", "Parquet file cannot be read"),
        (day_rows().replace("timestamp", "date,symbol"), "fields"),
    ],
)
def test_a_file_that_can_not_be_taken_stores_nothing(content: bytes | str, message: str) -> None:
    try:
        result = load(content)
    except ValidationFailed as error:
        assert message in str(error)
    else:
        assert result.rows_stored == 0
        assert all(message in reason for _, reason in result.rejected)
    assert not Instrument.objects.filter(symbol="X").exists()


def test_a_gzip_bomb_is_stopped_at_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = gzip.compress(b"0" * 30_000_000)
    with pytest.raises(TooLarge, match="unpacks to more than 1,000,000"):
        unpacking.unpack(bomb, max_plain=1_000_000)
    with pytest.raises(TooLarge, match="larger than 1,000"):
        unpacking.unpack(bomb, max_packed=1_000)


def test_several_gzip_members_are_one_file() -> None:
    text = day_rows(6)
    content = gzip.compress(text[:60].encode()) + gzip.compress(text[60:].encode())
    assert load(content).rows_stored == 6


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["01/02/2024", "01/03/2024", "01/15/2024"], "2024-01-02"),
        (["01/02/2024", "02/02/2024", "15/02/2024"], "2024-02-01"),
        (["1/2/24", "1/3/24", "1/31/24"], "2024-01-02"),
        (["1-Feb-24", "2-Feb-24"], "2024-02-01"),
        (["20240201", "20240202"], "2024-02-01"),
        (["2024-02-01 00:00:00", "2024-02-02 00:00:00"], "2024-02-01"),
        (["1706745600", "1706832000"], "2024-02-01"),
        (["2024-02-01T00:00:00-05:00", "2024-02-02T00:00:00-05:00"], "2024-02-01"),
    ],
)
def test_dates_are_read_as_the_whole_column_proves(dates: list[str], expected: str) -> None:
    result = load(HEAD + "".join(f"{date},10,11,10,10.5,1\n" for date in dates))

    assert result.rejected == []
    assert datetime.fromtimestamp(int(stored().t[0]), tz=UTC).date().isoformat() == expected


def test_dates_that_prove_nothing_are_refused_until_the_order_is_given() -> None:
    content = HEAD + "01/02/2024,10,11,10,10.5,1\n02/02/2024,10,11,10,10.5,1\n"

    refused = load(content)
    assert refused.rows_stored == 0
    assert all("ambiguous" in reason for _, reason in refused.rejected)

    assert load(content, date_order="dmy").rows_stored == 2
    assert stored().t[0] == datetime(2024, 2, 1, tzinfo=UTC).timestamp()


def test_naive_times_are_read_in_the_given_zone_on_both_sides_of_daylight_saving() -> None:
    content = HEAD + "2024-03-08 09:30,10,11,10,10.5,1\n2024-03-11 09:30:00,10,11,10,10.5,1\n"

    assert load(content, timeframe="1m", timezone="America/New_York").rejected == []

    hours = [datetime.fromtimestamp(int(t), tz=UTC).strftime("%H:%M") for t in stored(timeframe="1m").t]
    assert hours == ["14:30", "13:30"]


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    content = HEAD + "2024-03-10 02:30,10,11,10,10.5,1\n2024-03-10 03:30,10,11,10,10.5,1\n"

    result = load(content, timeframe="30m", timezone="America/New_York")

    assert result.rows_stored == 1
    assert "does not exist in America/New_York" in result.rejected[0][1]


def test_the_stamp_may_be_the_end_of_the_bar() -> None:
    content = shared("data/us_intraday_1m/SPY_1m_2011-01.csv.gz").read_bytes()
    assert load(content, timeframe="1m", stamp="end").rejected == []
    assert stored(timeframe="1m").t[0] == datetime(2011, 1, 3, 9, 0, tzinfo=UTC).timestamp()


def test_rows_closer_than_the_timeframe_are_refused() -> None:
    content = shared("data/us_intraday_1m/SPY_1m_2011-01.csv.gz").read_bytes()
    for timeframe in ("5m", "1d"):
        with pytest.raises(ValidationFailed) as caught:
            load(content, timeframe=timeframe)
        assert caught.value.errors[0].field == "timeframe"


def test_daily_rows_are_no_minutes() -> None:
    result = load(day_rows(), timeframe="1m")
    assert result.rows_stored == 0
    assert "no time of day" in result.rejected[0][1]


def test_a_crossed_bar_is_refused() -> None:
    head = "date,bid_open,bid_high,bid_low,bid_close,ask_open,ask_high,ask_low,ask_close\n"
    rows = "2024-01-01,1.1,1.2,1.0,1.1,1.2,1.3,1.1,1.2\n2024-01-02,1.3,1.3,1.0,1.1,1.2,1.3,1.1,1.2\n"

    result = load(head + rows, symbol="EURUSD")

    assert result.rejected == [(3, "the bid is above the ask")]
    assert result.rows_stored == 1


def test_a_differing_row_is_told_by_its_line_unless_it_may_replace() -> None:
    load(day_rows(4))
    changed = day_rows(4, **{"2": "2024-01-03,10,11,10,10.75,100"})

    refused = load(changed)
    assert refused.rejected == [(4, "a different bar is stored for this time")]
    assert stored().c[2] == 10.5

    assert load(changed, replace=True).rows_replaced == 1
    assert stored().c[2] == 10.75


def test_a_column_map_goes_before_the_names() -> None:
    content = shared("data/equities_daily/IBM_1d_2000-2013.csv.gz").read_bytes()
    load(content, columns={"close": "Adj_Close", "open": "adj_close", "high": "adj_close", "low": "adj_close"})
    assert stored().c[0] == 73.667718762847
    with pytest.raises(ValidationFailed, match="no column 'nope'"):
        load(content, columns={"close": "nope"})
    with pytest.raises(ValidationFailed, match="not 'price'"):
        load(content, columns={"price": "close"})


@pytest.mark.parametrize("kind", ["timestamp", "date", "text", "zoned"])
def test_parquet_is_read(kind: str) -> None:
    days = [datetime(2024, 1, d + 1) for d in range(5)]
    times = {
        "timestamp": pa.array(days, pa.timestamp("ns")),
        "date": pa.array([d.date() for d in days]),
        "text": pa.array([d.date().isoformat() for d in days]),
        "zoned": pa.array(days, pa.timestamp("ms", tz="UTC")),
    }[kind]
    numbers = {name: [10.5] * 5 for name in ("open", "high", "low", "close")} | {"volume": [1, 2, 3, None, 5]}
    buffer = io.BytesIO()
    pq.write_table(pa.table({"timestamp": times, **numbers}), buffer)

    result = load(buffer.getvalue())

    assert result.rejected == [(4, "a value is not a number")]
    assert result.rows_stored == 4


def test_gaps_are_told_by_the_calendar() -> None:
    rows = ["2024-01-02", "2024-01-03", "2024-01-05", "2024-01-08", "2024-01-16"]
    result = load(HEAD + "".join(f"{day},10,11,10,10.5,1\n" for day in rows), calendar="XNYS")

    assert result.as_json()["gaps"] == [
        {"symbol": "X", "from": "2024-01-04T00:00:00Z", "to": "2024-01-04T00:00:00Z", "missing": 1},
        {"symbol": "X", "from": "2024-01-09T00:00:00Z", "to": "2024-01-12T00:00:00Z", "missing": 4},
    ]


def test_the_sample_s_only_gap_is_none() -> None:
    result = load(shared("data/equities_daily/AAPL_1d_2000-2013.csv.gz").read_bytes(), symbol="AAPL")
    assert result.gaps == []  # the closed week of September 2001 is in the calendar


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"timeframe": "2m"}, "timeframe"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"price": "last"}, "price"),
        ({"stamp": "middle"}, "stamp"),
        ({"calendar": "NOPE"}, "calendar"),
        ({"asset_class": "bond"}, "asset_class"),
        ({"symbol": ""}, "symbol"),
    ],
)
def test_a_bad_option_names_its_field(changes: dict[str, str], field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        load(day_rows(), **changes)
    assert caught.value.errors[0].field == field


def test_a_clean_file_and_its_careful_reading_agree() -> None:
    content = gzip.decompress(shared("data/us_intraday_1m/SPY_1m_2020-12-15_18.csv.gz").read_bytes())
    load(content, symbol="FAST", timeframe="1m")
    load(content + b"oops\n", symbol="CAREFUL", timeframe="1m")

    assert stored("FAST", "1m").is_equal(stored("CAREFUL", "1m"))
    assert Timeframe.M1 in Timeframe


def test_a_parquet_file_with_a_damaged_column_name_is_refused() -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table({"timestamp": ["2024-01-01"], "open": [1.0]}), buffer)
    with pytest.raises(ValidationFailed, match="cannot be read"):
        load(buffer.getvalue().replace(b"open", b"\xe6pen"))


def test_a_misread_year_is_told_and_not_stored() -> None:
    result = load(day_rows(4, **{"0": "0001-01-01,10.5,11,10,10.5,100"}))
    assert result.rejected == [(2, "the bar lies before the year 1800")]


@pytest.mark.parametrize("minutes", [10, 15, 60])
def test_bars_of_a_longer_timeframe_are_not_taken_for_shorter_ones_with_gaps(minutes: int) -> None:
    lines = [
        f"2024-01-{2 + n // 20:02d} {(n % 20) * minutes // 60:02d}:{(n % 20) * minutes % 60:02d}" for n in range(40)
    ]
    text = HEAD + "\n".join(f"{line},10,11,9,10,100" for line in lines)

    with pytest.raises(ValidationFailed, match="these are no 5m bars"):
        load(text, timeframe=Timeframe.M5)

    assert not Instrument.objects.exists()
