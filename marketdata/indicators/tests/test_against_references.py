"""Whole columns of indicators equal what other projects computed (TA-Lib, Stock.Indicators, LEAN, StockCharts)."""

import json

import numpy as np
import pytest

from domain.bars import BarArrays, Floats
from marketdata.indicators import averages, momentum, volatility, volume
from marketdata.indicators.catalogue import compute, parse
from marketdata.tests.reference import bars, columns, floats, shared

TALIB = {
    "sma_20": "sma_20", "ema_20": "ema_20", "wma_20": "wma_20", "dema_20": "dema_20", "rsi_14": "rsi_14",
    "atr_14": "atr_14", "adx_14": "adx_14", "plus_di_14": "plus_di_14", "minus_di_14": "minus_di_14",
    "cci_20": "cci_20", "mfi_14": "mfi_14", "willr_14": "williams_r_14", "obv": "obv", "roc_10": "roc_10",
    "stddev_20": "stddev_20", "macd": "macd_12_26_9", "macd_signal": "macd_signal_12_26_9",
    "macd_hist": "macd_hist_12_26_9", "bb_upper_20_2": "bb_upper_20_2", "bb_middle_20_2": "bb_middle_20_2",
    "bb_lower_20_2": "bb_lower_20_2", "stoch_slowk_14_3": "stoch_k_14_3_3", "stoch_slowd_3": "stoch_d_14_3_3",
}  # fmt: skip
REQUESTS = (
    "sma:20,ema:20,wma:20,dema:20,rsi:14,atr:14,adx:14,cci:20,mfi:14,williams_r:14,obv,roc:10,stddev:20,macd,bb,stoch"
)


def differences(ours: Floats, theirs: Floats, *, after: int = 0) -> Floats:
    """Return the absolute differences where they have a value; ours must have one there too."""
    has = ~np.isnan(theirs)
    has[:after] = False
    assert has.any()
    assert not np.isnan(ours[has]).any()
    return np.abs(ours[has] - theirs[has])


@pytest.fixture(scope="module")
def ibm() -> tuple[dict[str, Floats], dict[str, list[str]]]:
    computed = compute(parse(REQUESTS), bars("data/equities_daily/IBM_1d_2000-2013.csv.gz"))
    return computed, columns("reference/indicators/talib/IBM_1d_2000-2013.csv.gz")


@pytest.mark.parametrize("column", sorted(TALIB))
def test_every_bar_of_ibm_equals_ta_lib(ibm: tuple[dict[str, Floats], dict[str, list[str]]], column: str) -> None:
    computed, reference = ibm
    theirs = floats(reference[column])

    assert differences(computed[TALIB[column]], theirs).max() < 1e-9


@pytest.mark.parametrize(("column", "period"), [("max_20", 20), ("min_20", 20)])
def test_highest_and_lowest_close_equal_ta_lib(column: str, period: int) -> None:
    close = bars("data/equities_daily/IBM_1d_2000-2013.csv.gz").c
    function = volatility.highest if column.startswith("max") else volatility.lowest
    theirs = floats(columns("reference/indicators/talib/IBM_1d_2000-2013.csv.gz")[column])

    assert differences(function(close, period), theirs).max() == 0


# (file, column, request, key, tolerance, first row): MACD, ADX and DEMA seed their averages differently there, and
# agree after the warm-up; OBV starts at 0 there, at the first volume here.
STOCK_INDICATORS = [
    ("sma", "sma", "sma:20", "sma_20", 1e-9, 0),
    ("ema", "ema", "ema:20", "ema_20", 1e-9, 0),
    ("wma", "wma", "wma:14", "wma_14", 1e-9, 0),
    ("rsi", "rsi", "rsi:14", "rsi_14", 1e-9, 0),
    ("bb", "upperBand", "bb:20:2", "bb_upper_20_2", 1e-9, 0),
    ("bb", "lowerBand", "bb:20:2", "bb_lower_20_2", 1e-9, 0),
    ("atr", "atr", "atr:14", "atr_14", 1e-9, 0),
    ("tr", "tr", "true_range", "true_range", 1e-9, 0),
    ("stoch", "oscillator", "stoch:14:3:3", "stoch_k_14_3_3", 1e-9, 0),
    ("stoch", "signal", "stoch:14:3:3", "stoch_d_14_3_3", 1e-9, 0),
    ("cci", "cci", "cci:20", "cci_20", 1e-9, 0),
    ("roc", "roc", "roc:14", "roc_14", 1e-9, 0),
    ("stdev", "stdDev", "stddev:14", "stddev_14", 1e-9, 0),
    ("vwap", "vwap", "anchored_vwap", "anchored_vwap", 1e-9, 0),
    ("macd", "macd", "macd:12:26:9", "macd_12_26_9", 1e-8, 150),
    ("macd", "signal", "macd:12:26:9", "macd_signal_12_26_9", 1e-8, 150),
    ("dema", "dema", "dema:14", "dema_14", 1e-6, 150),
    ("adx", "adx", "adx:14", "adx_14", 1e-6, 300),
    ("adx", "pdi", "adx:14", "plus_di_14", 1e-6, 300),
]


@pytest.mark.parametrize(("file", "column", "request_text", "key", "tolerance", "first"), STOCK_INDICATORS)
def test_every_bar_of_spy_equals_stock_indicators(
    file: str, column: str, request_text: str, key: str, tolerance: float, first: int
) -> None:
    spy = bars("reference/indicators/stock_indicators/input_default_spy_2017-2018.csv")
    theirs = floats(columns(f"reference/indicators/stock_indicators/{file}.csv.gz")[column])

    assert differences(compute(parse(request_text), spy)[key], theirs, after=first).max() < tolerance


def test_obv_differs_from_stock_indicators_by_the_first_volume_alone() -> None:
    spy = bars("reference/indicators/stock_indicators/input_default_spy_2017-2018.csv")
    theirs = floats(columns("reference/indicators/stock_indicators/obv.csv.gz")["obv"])

    assert set(compute(parse("obv"), spy)["obv"] - theirs) == {spy.v[0]}


def test_donchian_of_stock_indicators_is_ours_one_bar_later() -> None:
    spy = bars("reference/indicators/stock_indicators/input_default_spy_2017-2018.csv")
    table = columns("reference/indicators/stock_indicators/donchian.csv.gz")
    upper, _, lower = volatility.donchian(spy.h, spy.l, 20)

    assert np.array_equal(upper[19:-1], floats(table["upperBand"])[20:])
    assert np.array_equal(lower[19:-1], floats(table["lowerBand"])[20:])


# (file, column, request, key, tolerance = half of the printed digits' last place and a little)
LEAN = [
    ("spy_bollinger_bands", "Moving Average 20", "sma:20", "sma_20", 1e-3),
    ("spy_bollinger_bands", "Bollinger Bands® 20 2 Top", "bb:20:2", "bb_upper_20_2", 1e-3),
    ("spy_bollinger_bands", "Bollinger Bands® 20 2 Bottom", "bb:20:2", "bb_lower_20_2", 1e-3),
    ("spy_max", "MAX_5", "highest:5", "highest_5", None),
    ("spy_with_stoch12k3", "Stochastics 12 %K 3", "stoch:12:3:5", "stoch_k_12_3_5", 1e-3),
    ("spy_with_stoch12k3", "%D 5", "stoch:12:3:5", "stoch_d_12_3_5", 1e-3),
]


@pytest.mark.parametrize(("file", "column", "request_text", "key", "tolerance"), LEAN)
def test_every_bar_of_spy_equals_lean(
    file: str, column: str, request_text: str, key: str, tolerance: float | None
) -> None:
    spy = bars(f"reference/indicators/lean_spy/{file}.csv.gz")
    theirs = floats(columns(f"reference/indicators/lean_spy/{file}.csv.gz")[column])
    if tolerance is None:  # that column is the highest CLOSE
        assert differences(volatility.highest(spy.c, 5), theirs).max() < 1e-9
        return

    assert differences(compute(parse(request_text), spy)[key], theirs).max() < tolerance


def test_the_donchian_channel_of_lean_s_table_is_ours_one_bar_later() -> None:
    spy = bars("reference/indicators/lean_spy/spy_with_don50.csv.gz")
    theirs = floats(columns("reference/indicators/lean_spy/spy_with_don50.csv.gz")["Donchian Channels 50 Top"])

    assert differences(volatility.highest(spy.h, 50)[:-1], theirs[1:], after=49).max() == 0


def test_the_moving_vwap_equals_lean_s_when_it_is_given_lean_s_price() -> None:
    spy = bars("reference/indicators/lean_spy/spy_with_vwap.csv.gz")
    theirs = floats(columns("reference/indicators/lean_spy/spy_with_vwap.csv.gz")["Moving VWAP 50"])
    theirs[theirs == 0] = np.nan
    price = (spy.o + spy.h + spy.l + spy.c) / 4  # LEAN averages four prices, the usual typical price three

    assert differences(volume.vwap(price, price, price, spy.v, 50), theirs).max() < 1e-4


@pytest.mark.parametrize(("file", "function"), [("sc-sma-10", averages.sma), ("sc-ema-10", averages.ema)])
def test_the_school_examples_of_averages(file: str, function) -> None:  # type: ignore[no-untyped-def]  # two shapes
    table = columns(f"reference/indicators/stockcharts/{file}.csv")

    assert differences(function(floats(table["Input"]), 10), floats(table["Expected"])).max() < 0.006


def test_the_school_example_of_rsi() -> None:
    table = columns("reference/indicators/stockcharts/rsi-test.csv")
    assert differences(momentum.rsi(floats(table["Input"]), 14), floats(table["Expected"])).max() < 0.006


def test_the_school_examples_of_bollinger() -> None:
    case = json.loads(shared("reference/indicators/stockcharts/bollinger_20_2.json").read_text())
    upper, middle, lower = volatility.bollinger(np.array(case["prices"]), 20, 2)

    for ours, name in ((upper, "expectedUpper"), (middle, "expectedMiddle"), (lower, "expectedLower")):
        assert np.abs(ours[19:] - np.array(case[name])).max() < 0.0051


def test_the_columns_of_arrays_are_not_changed_by_computing() -> None:
    spy = bars("reference/indicators/stock_indicators/input_default_spy_2017-2018.csv")
    copy = BarArrays(*(column.copy() for column in spy.columns))
    compute(parse(REQUESTS), spy)

    assert spy.is_equal(copy)
