"""What a result does not say by itself: small samples, missing costs, hindsight. Pure.

Warnings are facts about a run; a verdict on luck is in backtesting.robustness.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from analytics.metrics.annual import YEAR_DAYS
from backtesting.honesty import DataTrust

MIN_TRADES = 30
MIN_YEARS = 2.0
TRUSTED = 0.99
ONE_TRADE_SHARE = 0.5
COARSE_TICK = 0.01
LITTLE = 0.02  # of the equity, invested on average


class Severity(StrEnum):
    """How much a warning takes from a result."""

    INFO = "info"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class HonestyWarning:
    """One warning: a coded word, how severe it is, and a sentence."""

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What warnings look at. ``best_trade_share`` : largest gain by the sum of all gains (None: nothing gained).

    n_trades : closed ones (None: a curve of many paths, which has no trades of its own)
    n_open : positions still held at the end, valued at the last close; survivors : instruments that are all still
    traded at the end of the data (chosen today, with hindsight); warmup_bars : bars of the asked range that went into
    warming up because no earlier ones are stored; lost_at : when equity was first 0 or below; tick_share : the largest
    tick as a fraction of its instrument's lowest price, where fills are rounded to it; invested : what was held, by
    equity, on average over all bars (None: not known)
    """

    n_trades: int | None
    years: float
    n_instruments: int
    n_survivors: int
    warmup_bars: int
    trust: DataTrust
    has_costs: bool
    n_trials: int
    n_open: int
    best_trade_share: float | None
    lost_at: datetime | None = None
    tick_share: float = 0.0
    invested: float | None = None


def warnings_of(facts: RunFacts) -> tuple[HonestyWarning, ...]:
    """Return every warning that applies, in a fixed order."""
    return tuple(
        HonestyWarning(code, severity, words(facts))
        for code, (severity, applies, words) in _WARNINGS.items()
        if applies(facts)
    )


_Rule = tuple[Severity, Callable[[RunFacts], bool], Callable[[RunFacts], str]]
_WARNINGS: Mapping[str, _Rule] = {
    "account_lost": (
        Severity.WARNING,
        lambda facts: facts.lost_at is not None,
        lambda facts: (
            f"Everything was lost by {facts.lost_at:%d %b %Y}: equity fell to 0 or below. A real account would have "
            "ended there; what is traded and earned after it could not have been."
        ),
    ),
    "no_trades": (
        Severity.WARNING,
        lambda facts: facts.n_trades == 0,
        lambda facts: "No trade was closed: the figures of trades are empty.",
    ),
    "small_sample": (
        Severity.WARNING,
        lambda facts: 0 < (facts.n_trades or 0) < MIN_TRADES,
        lambda facts: (
            f"{_counted(facts.n_trades or 0, 'closed trade')}: below {MIN_TRADES} the figures are mostly chance."
        ),
    ),
    "short_history": (
        Severity.WARNING,
        lambda facts: facts.years < MIN_YEARS,
        lambda facts: f"{_span(facts.years)} of data: below {MIN_YEARS:.0f} years few kinds of market were seen.",
    ),
    "data_trust": (
        Severity.WARNING,
        lambda facts: facts.trust.share < TRUSTED,
        lambda facts: (
            f"{facts.trust.share * 100:.1f} % of the bars can be trusted: {facts.trust.n_missing:,} missing, "
            f"{facts.trust.n_frozen:,} without movement or volume, {facts.trust.n_spikes:,} spikes."
        ),
    ),
    "no_costs": (
        Severity.WARNING,
        lambda facts: not facts.has_costs,
        lambda facts: "No fees and no slippage: real trading has both.",
    ),
    "coarse_tick": (
        Severity.WARNING,
        lambda facts: facts.tick_share > COARSE_TICK,
        lambda facts: (
            f"A tick is up to {facts.tick_share * 100:.0f} % of the lowest prices (before splits, say): slippage, "
            "rounded up to a whole tick at every fill, costs more there than it did then."
        ),
    ),
    "one_trade": (
        Severity.WARNING,
        lambda facts: (facts.n_trades or 0) > 1 and (facts.best_trade_share or 0.0) > ONE_TRADE_SHARE,
        lambda facts: f"One trade made {(facts.best_trade_share or 0.0) * 100:.0f} % of all gains.",
    ),
    "little_invested": (
        Severity.INFO,
        lambda facts: bool(facts.n_trades) and facts.invested is not None and facts.invested < LITTLE,
        lambda facts: (
            f"On average {(facts.invested or 0.0) * 100:.2g} % of the equity was invested: the size of each trade, and "
            "what ends it early, keep gains and losses this small. Run it again with a larger size, or under other "
            "risk rules, to see more of the idea."
        ),
    ),
    "survivorship": (
        Severity.INFO,
        lambda facts: 0 < facts.n_instruments == facts.n_survivors,
        lambda facts: (
            "What is traded here was chosen today and was still listed at the end: those that failed on the way are "
            "not in it, which flatters the result."
        ),
    ),
    "warm_up": (
        Severity.INFO,
        lambda facts: facts.warmup_bars > 0,
        lambda facts: (
            f"The first {_counted(facts.warmup_bars, 'bar')} of the range warmed up the indicators; trading began "
            "behind them."
        ),
    ),
    "open_positions": (
        Severity.INFO,
        lambda facts: facts.n_open > 0,
        lambda facts: f"{_counted(facts.n_open, 'position')} still open at the end, valued at the last close.",
    ),
    "many_trials": (
        Severity.INFO,
        lambda facts: facts.n_trials > 1,
        lambda facts: f"The best of {facts.n_trials:,} trials of this strategy looks better than it is.",
    ),
}


def _span(years: float) -> str:
    return f"{years:.1f} years" if years >= 1 else _counted(round(years * YEAR_DAYS), "day")


def _counted(n: int, word: str) -> str:
    return f"{n:,} {word}{'' if n == 1 else 's'}"
