"""Every shared file is taken, or answered line by line; nothing bad is stored, and nothing changes by repetition."""

import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from domain.errors import ValidationFailed
from marketdata import selectors
from marketdata.bar_imports import ImportResult
from marketdata.models import Instrument
from marketdata.tests.importing import load, stored
from marketdata.tests.reference import SHARED, columns, floats, shared

pytestmark = pytest.mark.django_db
FOLDERS = ("equities_daily", "us_intraday_1m", "us_intraday_1m/derived", "fx", "crypto", "corporate_actions")
FILES = sorted(
    f"data/{folder}/{path.name}" for folder in FOLDERS for path in (SHARED / "data" / folder).glob("*.csv.gz")
)
# Rows that the sources themselves have wrong (data/README.md); all others are stored to the last one.
BAD_ROWS = {"SPY_1d_2008-2017": 2}


def test_the_shared_files_are_there() -> None:
    shared("data/README.md")
    assert len(FILES) >= 40


@pytest.mark.parametrize("path", FILES)
def test_every_shared_file_is_stored_whole_and_twice_changes_nothing(path: str) -> None:
    name = Path(path).name
    found = re.search(r"^(.+?)_(1m|5m|15m|1h|1d)_", name)
    symbol, timeframe = (found[1].replace("_", "/"), found[2]) if found else ("", "1d")
    is_wide = name.startswith(("20_us", "STOCK_and"))
    content = shared(path).read_bytes()
    n_rows = len(next(iter(columns(path).values())))

    result = load(content, symbol="" if is_wide else symbol, timeframe=timeframe)
    again = load(content, symbol="" if is_wide else symbol, timeframe=timeframe)

    n_bad = next((n for key, n in BAD_ROWS.items() if key in name), 0)
    assert result.rejected == [] or len(result.rejected) == n_bad
    assert result.rows_stored == (n_rows - n_bad) * len(result.symbols)
    assert (again.rows_stored, again.rows_unchanged) == (0, result.rows_stored)
    assert again.rejected == result.rejected


def test_prices_come_back_as_the_text_said() -> None:
    load(shared("data/equities_daily/GOOG_1d_2004-2013.csv.gz").read_bytes(), symbol="GOOG")
    table = columns("data/equities_daily/GOOG_1d_2004-2013.csv.gz")

    bars = stored("GOOG")

    for ours, name in ((bars.o, "open"), (bars.h, "high"), (bars.l, "low"), (bars.c, "close"), (bars.v, "volume")):
        assert np.array_equal(ours, floats(table[name]))
    assert selectors.instrument("GOOG").calendar == "XNYS"
    assert str(selectors.instrument("GOOG").tick_size) == "0.01"


@pytest.mark.parametrize(
    ("path", "symbol", "timeframe", "expected"),
    [
        ("fx/EURUSD_1h_2007-2018", "EURUSD", "1h", ("fx", "USD", "0.00001", "24/5")),
        ("crypto/ETH_BTC_5m_2018-01", "ETH/BTC", "5m", ("crypto", "BTC", "0.00000001", "24/7")),
        ("crypto/BTCUSDT_1m_2024-12-01_20", "BTCUSDT", "1m", ("crypto", "USDT", "0.01", "24/7")),
        ("equities_daily/SPY_1d_2008-2017", "SPY", "1d", ("etf", "USD", "0.01", "XNYS")),
        ("equities_daily/NVDA_1d_1999-2014", "NVDA", "1d", ("equity", "USD", "0.0001", "XNYS")),
        ("us_intraday_1m/ESTX50_future_1m_2006-01", "ESTX50", "1m", ("equity", "USD", "0.01", "24/5")),
    ],
)
def test_an_unknown_symbol_is_inferred(path: str, symbol: str, timeframe: str, expected: tuple[str, ...]) -> None:
    load(shared(f"data/{path}.csv.gz").read_bytes(), symbol=symbol, timeframe=timeframe)

    row = selectors.instrument(symbol)

    assert (row.asset_class, row.currency, format(row.tick_size, "f"), row.calendar) == expected


@pytest.mark.parametrize(("price", "expected"), [("mid", 1.31977), ("bid", 1.31927), ("ask", 1.32027)])
def test_bid_and_ask_bars_are_read_as_asked(price: str, expected: float) -> None:
    load(shared("data/fx/EURUSD_1d_2007-2018.csv.gz").read_bytes(), symbol="EURUSD", price=price)
    assert stored("EURUSD").o[0] == expected


def test_a_file_of_closes_makes_an_instrument_of_each_column_or_takes_the_named_one() -> None:
    content = shared("data/equities_daily/20_us_stocks_adjclose_1d_1990-2022.csv.gz").read_bytes()

    one = load(content, symbol="KO")
    assert (one.symbols, one.rows_stored) == (["KO"], 8313)
    assert (stored("KO").o[0], stored("KO").c[0], stored("KO").v[0]) == (2.235, 2.235, 0)

    assert len(load(content, symbol="").symbols) == 20
    with pytest.raises(ValidationFailed, match="none for ZZZ"):
        load(content, symbol="ZZZ")


# -- the messy folder, line by line ----------------------------------------------------------------------------------


def messy(name: str, **options) -> ImportResult:
    return load(shared(f"data/messy/{name}").read_bytes(), **options)


def test_orcl_is_answered_line_by_line() -> None:
    result = messy("orcl_2010_malformed.csv")

    assert result.rejected == [(3, "'-' is not a number")]
    assert (result.rows_read, result.rows_stored) == (252, 251)
    assert stored().t[0] == datetime(2010, 1, 4, tzinfo=UTC).timestamp()
    assert "newest row first" in result.notes[0]


def test_the_missing_time_column_is_found() -> None:
    result = messy("header_misses_a_column_1m.csv", timeframe="1m", timezone="Europe/Berlin", stamp="end")

    assert (result.rows_stored, result.rejected) == (500, [])
    assert stored(timeframe="1m").t[0] == datetime(2006, 1, 2, 8, 0, tzinfo=UTC).timestamp()
    assert "misses the column Time" in result.notes[0]


def test_si_bad_is_answered_line_by_line() -> None:
    result = messy("si_bad.csv")

    reasons = dict(result.rejected)
    assert all(reasons[line] == "the time is empty" for line in range(202, 252))
    assert all("thousand-fold" in reasons[line] for line in range(102, 202))
    assert set(range(252, 302)) <= set(reasons)
    assert "negative" in reasons[359]
    assert "negative" in reasons[360]
    assert "zero" in reasons[400]
    assert result.rows_stored == 502 - len(reasons)
    assert 200 < stored().c.min() < stored().c.max() < 300


def test_si_zeros_stores_nothing_at_all() -> None:
    result = messy("si_zeros.csv")

    assert (result.rows_read, result.rows_stored) == (200, 0)
    assert {reason for _, reason in result.rejected} == {"a price is zero"}
    assert not Instrument.objects.filter(symbol="X").exists()


def test_si_mismatch_keeps_what_is_in_order() -> None:
    result = messy("si_mismatch.csv")

    assert {reason for _, reason in result.rejected} == {"the bar is out of order: earlier than one before it"}
    assert result.rows_stored == 502 - len(result.rejected)
    assert bool((np.diff(stored().t) > 0).all())


def test_si_toobig_is_refused_line_by_line() -> None:
    result = messy("si_toobig.csv")

    assert (result.rows_read, result.rows_stored) == (1246, 0)
    assert result.as_json()["rejected_count"] == 1246
    assert len(result.as_json()["rejected"]) == 1000
    assert result.as_json()["rejected_not_listed"] == 246
    assert {reason for _, reason in result.rejected} == {"a price is over 1e12 or the volume over 1e15"}


def test_spx_newest_first_is_stored_whole() -> None:
    result = messy("spx_newest_first_1950-2012.csv.gz")

    assert (result.rows_stored, result.rejected) == (15821, [])
    assert stored().c[0] == 16.66


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("EURUSD_quotes_fxcm_2014-05-01.csv.gz", "quotes"),
        ("XXX_quotes_raw_all_exchanges_2018-01-02.csv.gz", "quotes"),
        ("XXX_trades_raw_all_exchanges_2018-01-02.csv.gz", "trades"),
    ],
)
def test_ticks_are_refused_as_such(name: str, kind: str) -> None:
    with pytest.raises(ValidationFailed, match=f"a file of single {kind}") as caught:
        messy(name)
    assert caught.value.code == "tick_file"
