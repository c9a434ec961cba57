"""Requests are read strictly, and every indicator keeps its word on warm-up, memory and windows."""

import numpy as np
import pytest

from domain.bars import BarArrays
from domain.errors import ValidationFailed
from marketdata.indicators.catalogue import CATALOGUE, compute, parse


def make_bars(n: int) -> BarArrays:
    random = np.random.default_rng(5)
    close = 100 * np.exp(np.cumsum(random.normal(0, 0.01, n)))
    spread = np.abs(random.normal(0, 0.5, n)) + 0.01
    volume = random.integers(1, 1000, n).astype(np.float64)
    return BarArrays(np.arange(n, dtype=np.int64) * 60, close, close + spread, close - spread, close, volume)


def test_keys_carry_the_parameters() -> None:
    keys = [key for request in parse("sma:20,rsi:14,macd:12:26:9,bb:20:2,bb:20:2.5,obv") for key in request.keys]

    assert keys == [
        "sma_20", "rsi_14", "macd_12_26_9", "macd_signal_12_26_9", "macd_hist_12_26_9", "bb_upper_20_2",
        "bb_middle_20_2", "bb_lower_20_2", "bb_upper_20_2.5", "bb_middle_20_2.5", "bb_lower_20_2.5", "obv",
    ]  # fmt: skip


def test_defaults_fill_what_is_left_out_and_repetitions_count_once() -> None:
    assert [request.keys[0] for request in parse("sma,sma:20,macd")] == ["sma_20", "macd_12_26_9"]
    assert parse("") == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("smaa:20", "There is no indicator 'smaa'"),
        ("sma:0", "sma: period 0 lies outside 1 to 2000"),
        ("sma:2001", "2001 lies outside"),
        ("sma:-5", "is not a whole number"),
        ("sma:2.5", "is not a whole number"),
        ("sma:nan", "is not a whole number"),
        ("sma:٣", "is not a whole number"),
        ("sma:1e3", "is not a whole number"),
        ("bb:20:0", "bb: width 0 lies outside 0.1 to 10"),
        ("bb:20:2:3", "takes at most 2"),
        ("macd:26:12:9", "fast 26 must be smaller than slow 12"),
        (",".join(f"sma:{n}" for n in range(1, 22)), "21 indicators exceed the 20"),
    ],
)
def test_a_bad_request_names_the_value_and_the_bound(text: str, message: str) -> None:
    with pytest.raises(ValidationFailed, match=message):
        parse(text)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_the_warm_up_is_as_long_as_stated(name: str) -> None:
    (request,) = parse(name)
    columns = list(request.compute(make_bars(200)).values())

    missing = [int(np.isnan(column).sum()) for column in columns]

    assert max(missing) == request.indicator.warm_up(*request.values)
    assert all(not np.isnan(column[n:]).any() for column, n in zip(columns, missing, strict=True))


@pytest.mark.parametrize("name", sorted(CATALOGUE))
@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_a_short_history_gives_short_columns_and_no_error(name: str, n: int) -> None:
    (request,) = parse(name)
    assert [len(column) for column in request.compute(make_bars(n)).values()] == [n] * len(request.keys)


@pytest.mark.parametrize("name", sorted(CATALOGUE))
def test_every_indicator_is_causal(name: str) -> None:
    bars = make_bars(300)
    whole = compute(parse(name), bars)

    for n in (100, 211):
        for key, column in compute(parse(name), bars.head(n)).items():
            assert np.array_equal(column, whole[key][:n], equal_nan=True)


@pytest.mark.parametrize("name", ["sma", "wma", "highest", "lowest", "donchian", "stddev", "bb", "cci", "vwap", "roc"])
def test_windows_are_the_same_bits_on_any_suffix(name: str) -> None:
    bars = make_bars(400)
    (request,) = parse(name)
    whole = request.compute(bars)

    for first in (1, 37, 250):
        for key, column in request.compute(bars.slice(first, 400)).items():
            has = ~np.isnan(column)
            assert has.sum() == 400 - first - request.indicator.warm_up(*request.values)
            assert column[has].tobytes() == whole[key][first:][has].tobytes()


@pytest.mark.parametrize("name", sorted(name for name, e in CATALOGUE.items() if e.parameters))
def test_the_memory_settles_the_value(name: str) -> None:
    bars = make_bars(3000)
    (request,) = parse(name)
    assert request.memory is not None

    part = request.compute(bars.tail(request.memory + 1))

    for key, column in request.compute(bars).items():
        assert part[key][-1] == pytest.approx(column[-1], rel=1e-7, abs=1e-7)


def test_a_nan_in_a_window_spoils_that_window_alone() -> None:
    bars = make_bars(60)
    bars.c[30] = np.nan

    column = compute(parse("sma:5"), bars)["sma_5"]

    assert np.flatnonzero(np.isnan(column)).tolist() == [0, 1, 2, 3, 30, 31, 32, 33, 34]
