"""The causality check refuses every kind of dishonest strategy, and passes the built-in ones."""

import time
from typing import Any

import numpy as np
import pytest

from domain.bars import BarArrays
from marketdata.indicators.averages import sma
from strategies import causality
from strategies.base import Params, Signals, Strategy
from strategies.causality import check
from strategies.library.breakout import Breakout, BreakoutParams
from strategies.library.buy_and_hold import BuyAndHold, BuyAndHoldParams
from strategies.library.rsi_reversion import RsiReversion, RsiReversionParams
from strategies.library.sma_cross import SmaCross, SmaCrossParams
from strategies.library.trend_filter import TrendFilter, TrendFilterParams
from strategies.tests.series import DAY, walk


class Cheat(Strategy):
    """Base of the strategies that must be refused."""

    name = "cheat"
    title = description = "must be refused"

    def warmup(self, params: Any) -> int:
        """Five bars, whatever the strategy really uses."""
        return 5


def entries(flags: Any, **more: Any) -> Signals:
    """Answer with entries and no exits."""
    return Signals(entry=flags, exit=np.zeros(len(flags), dtype=np.bool_), **more)


class FutureClose(Cheat):
    """Buys when the next close is higher."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Look one bar ahead."""
        return entries(np.append(bars.c[1:] > bars.c[:-1], False))


class CentredWindow(Cheat):
    """Compares with an average that has the bar in its middle."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Convolve with 'same'."""
        return entries(bars.c > np.convolve(bars.c, np.ones(5) / 5, mode="same"))


class WholeSeriesMaximum(Cheat):
    """Normalises by the maximum of all bars."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Buy near the top of all time, the future's included."""
        return entries(bars.c / bars.c.max() > 0.8)


class FutureConfidence(Cheat):
    """Enters honestly, but is sure of itself where the next close is higher."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Hide the look-ahead in the confidence."""
        surer = np.append(bars.c[1:] > bars.c[:-1], False)
        return entries(bars.c > 0, confidence=np.where(surer, 1.0, 0.7))


class FutureStop(Cheat):
    """Puts its stop just under the low of the next bar."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Hide the look-ahead in the stop."""
        return entries(bars.c > 0, stop=np.append(bars.l[1:], bars.l[-1]) * 0.999)


class ReachesBehindTheView(Cheat):
    """Takes the array that its bars are a view of."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Use numpy's `base` to see what was cut off."""
        whole = bars.c.base if bars.c.base is not None else bars.c
        return entries(bars.c < np.asarray(whole).reshape(-1)[-1])


class ShortWarmup(Cheat):
    """An exponential average that says it needs five bars."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Recurse from the first bar."""
        average = np.empty(len(bars))
        level = bars.c[0]
        for i, close in enumerate(bars.c):
            level += 0.02 * (close - level)
            average[i] = level
        return entries(bars.c > average)


class CountsFromTheStart(Cheat):
    """Enters on every tenth bar since the beginning."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Depend on where the series begins."""
        return entries(np.arange(len(bars)) % 10 == 0)


class Random(Cheat):
    """Throws dice."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Answer anew every time."""
        return entries(np.random.default_rng().random(len(bars)) > 0.5)


class Mutates(Cheat):
    """Writes to the bars."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Try to change what others see."""
        bars.c[0] = 1.0
        return entries(bars.c > 0)


class MutatesBehindTheFlag(Cheat):
    """Makes the array writable again."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Reach the array behind the read-only view."""
        below = bars.c.base
        if below is not None:
            below.flags.writeable = True
            below[:] = 1.0
        return entries(bars.c > 0)


class Remembers(Cheat):
    """Keeps state between calls."""

    def __init__(self) -> None:
        self.calls = 0

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Answer by how often it was asked."""
        self.calls += 1
        return entries(np.full(len(bars), self.calls % 2 == 0))


def after(column: Any, k: int = 1) -> Any:
    """Return what comes `k` bars later; at the end the last one, so that a shorter history shows nothing."""
    return column[np.minimum(np.arange(len(column)) + k, len(column) - 1)]


def dips(bars: BarArrays) -> Any:
    """Return an honest entry, on about a bar in ten."""
    before = bars.c[np.maximum(np.arange(len(bars)) - 5, 0)]
    return (bars.c < before * 0.95) & (np.arange(len(bars)) >= 5)


class LetsNoLoserPass(Cheat):
    """Enters honestly, but not before a fall."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Take the last close for the next where there is none."""
        return entries(dips(bars) & (after(bars.c) >= bars.c))


class LetsNoLaterLoserPass(Cheat):
    """Enters honestly, but not before a fall from the next bar to that after it."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Compare two bars to come with each other: other bars of the same shape change nothing."""
        return entries(dips(bars) & (after(bars.c, 3) >= after(bars.c)))


class WaitsForVolume(Cheat):
    """Enters honestly, but not before a quiet bar."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Look at the volume to come."""
        return entries(dips(bars) & (after(bars.v) >= bars.v * 0.9))


class AvoidsGaps(Cheat):
    """Enters honestly, but not before an outage of the exchange."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Look at the time of the next bar."""
        return entries(dips(bars) & (after(bars.t) - bars.t <= DAY))


class PeeksLongAgo(Cheat):
    """Is honest on the bars of late."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Look ahead in the first 2,000 days of all."""
        return entries(dips(bars) & ((bars.t > 2_000 * DAY) | (after(bars.c) > bars.c)))


class PeeksInLongHistories(Cheat):
    """Is honest as long as there are few bars."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Look ahead where a backtest asks, and not where a shorter check does."""
        return entries(dips(bars) & ((len(bars) <= 7_000) | (after(bars.c) >= bars.c)))


class VetoesOnOneWeekday(Cheat):
    """Crosses of two averages, but on Wednesdays none before a fall."""

    def warmup(self, params: Any) -> int:
        """Twenty bars and the one before."""
        return 20

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Take the last bar for the next at the end of the series, as a shifted column filled forward does."""
        is_above = np.nan_to_num(sma(bars.c, 5)) > np.nan_to_num(sma(bars.c, 20))
        crosses = np.append(False, is_above[1:] & ~is_above[:-1]) & (np.arange(len(bars)) >= 20)
        is_wednesday = (bars.t // DAY + 3) % 7 == 2
        return entries(crosses & ~(is_wednesday & (after(bars.c) < bars.c) & self.vetoes(bars)))

    def vetoes(self, bars: BarArrays) -> Any:
        """Every Wednesday."""
        return np.ones(len(bars), dtype=np.bool_)


class VetoesOnRareVolume(VetoesOnOneWeekday):
    """The same, only where the fall comes on twice the volume."""

    def vetoes(self, bars: BarArrays) -> Any:
        """Where the next volume is double."""
        return after(bars.v) > 2 * bars.v


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("strategy", [VetoesOnOneWeekday(), VetoesOnRareVolume()])
def test_a_peek_that_seldom_vetoes_an_entry_is_refused(
    strategy: Strategy, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(causality, "EVERYWHERE_SECONDS", 60.0)  # on a busy machine too

    report = check(strategy, Params(), walk(1_500, seed=seed))

    assert [problem.code for problem in report.problems] == ["looks_ahead"]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("strategy", "n"),
    [
        (LetsNoLoserPass(), 700),
        (LetsNoLaterLoserPass(), 700),
        (WaitsForVolume(), 700),
        (AvoidsGaps(), 700),
        (PeeksLongAgo(), 9_000),
        (PeeksInLongHistories(), 9_000),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Strategy) else str(value),
)
def test_what_hides_where_it_is_seldom_looked_for_is_refused(strategy: Strategy, n: int, seed: int) -> None:
    report = check(strategy, Params(), walk(n, seed=seed))

    assert [problem.code for problem in report.problems] == ["looks_ahead"]


def test_honest_entries_on_a_long_history_pass() -> None:
    class Honest(Cheat):
        def signals(self, bars: BarArrays, params: Any) -> Signals:
            return entries(dips(bars), stop=bars.l * 0.95)

    report = check(Honest(), Params(), walk(9_000))

    assert report.is_causal, report.problems
    assert report.n_bars == 9_000


@pytest.mark.parametrize(
    ("strategy", "code"),
    [
        (FutureClose(), "looks_ahead"),
        (CentredWindow(), "looks_ahead"),
        (WholeSeriesMaximum(), "looks_ahead"),
        (FutureConfidence(), "looks_ahead"),
        (FutureStop(), "looks_ahead"),
        (ReachesBehindTheView(), "looks_ahead"),
        (ShortWarmup(), "warmup_too_short"),
        (CountsFromTheStart(), "warmup_too_short"),
        (Random(), "not_deterministic"),
        (Mutates(), "mutates_input"),
        (MutatesBehindTheFlag(), "mutates_input"),
        (Remembers(), "not_deterministic"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Strategy) else value,
)
def test_check_refuses(strategy: Strategy, code: str) -> None:
    report = check(strategy, Params(), walk())

    assert not report.is_causal
    assert [problem.code for problem in report.problems] == [code]
    assert report.problems[0].message


@pytest.mark.parametrize(
    ("strategy", "params"),
    [
        (SmaCross(), SmaCrossParams()),
        (SmaCross(), SmaCrossParams(fast=1, slow=2, reverse=True)),
        (SmaCross(), SmaCrossParams(fast=49, slow=50, reverse=True)),
        (RsiReversion(), RsiReversionParams()),
        (RsiReversion(), RsiReversionParams(period=2, oversold=49.0, overbought=51.0)),
        (Breakout(), BreakoutParams(channel_stop=True)),
        (Breakout(), BreakoutParams(entry_lookback=3, exit_lookback=30)),
        (BuyAndHold(), BuyAndHoldParams()),
        (TrendFilter(), TrendFilterParams()),
        (TrendFilter(), TrendFilterParams(fast=2, slow=5, trend=3, bars_in_higher=7)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Strategy) else "",
)
@pytest.mark.parametrize("seed", range(3))
def test_built_in_strategies_are_causal(strategy: Strategy, params: Params, seed: int) -> None:
    report = check(strategy, params, walk(700, seed=seed))

    assert report.is_causal, report.problems
    assert report.n_prefixes > 10 and report.n_windows > 10


def test_same_bars_give_the_same_report() -> None:
    assert check(SmaCross(), SmaCrossParams(), walk()) == check(SmaCross(), SmaCrossParams(), walk())


def test_too_few_bars_are_said_with_their_number() -> None:
    report = check(SmaCross(), SmaCrossParams(fast=20, slow=50), walk(60))

    assert report.problems[0].code == "not_enough_bars"
    assert "60" in report.problems[0].message and "70" in report.problems[0].message


def test_bars_stay_as_they_were_whatever_the_strategy_does() -> None:
    bars, untouched = walk(), walk()

    check(MutatesBehindTheFlag(), Params(), bars)

    assert bars.is_equal(untouched)


def test_report_is_plain_json() -> None:
    found = check(FutureClose(), Params(), walk()).as_dict()

    assert found["is_causal"] is False
    assert found["problems"][0].keys() == {"code", "message", "row"}


class Sleeper(Cheat):
    """Never comes back."""

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Sleep longer than anybody waits."""
        time.sleep(3)
        return entries(bars.c > 0)


def test_code_that_does_not_come_back_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(causality, "CHECK_SECONDS", 0.2)

    report = check(Sleeper(), Params(), walk(50))

    assert [problem.code for problem in report.problems] == ["too_slow"]
