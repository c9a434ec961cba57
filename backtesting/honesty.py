"""What a result does not say by itself: costs that could be worse, data that could be better, samples that are small.

Pure. Warnings are facts about a run; a verdict on luck is in backtesting.robustness.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from analytics.metrics.annual import YEAR_DAYS
from domain.bars import BarArrays
from domain.costs import FeeModel, FeeTier, SlippageModel

COST_FACTORS: tuple[Decimal, ...] = (Decimal("0.5"), Decimal(1), Decimal(2), Decimal(4))
MIN_TRADES = 30
MIN_YEARS = 2.0
TRUSTED = 0.99
ONE_TRADE_SHARE = 0.5
COARSE_TICK = 0.01
SPIKE = 0.25
_NOT_COSTS = frozenset({"digits", "max_volume_percent", "tiers"})
_NOT_A_RATE = "above"
Model = TypeVar("Model", FeeModel, SlippageModel)


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


@dataclass(frozen=True, slots=True)
class DataTrust:
    """How far the bars of a run can be trusted.

    n_bars : bars there are; n_missing : bars that the calendar expects and that are not there
    n_frozen : bars without volume in which the price did not move; n_spikes : closes that left by a quarter or more
    and came back with the next bar
    share : bars that are there and neither frozen nor a spike, by bars that should be there; 1 without any
    """

    n_bars: int
    n_missing: int
    n_frozen: int
    n_spikes: int
    share: float


def data_trust(bars: BarArrays, *, n_missing: int = 0) -> DataTrust:
    """Look through the bars of one instrument; ``n_missing`` comes from marketdata.gaps."""
    frozen = (bars.v == 0) & (bars.h == bars.l)
    spikes = np.zeros(len(bars), dtype=np.bool_)
    if len(bars) > 2:
        moved = np.abs(bars.c[1:-1] / bars.c[:-2] - 1.0)
        kept = np.abs(bars.c[2:] / bars.c[:-2] - 1.0)
        spikes[1:-1] = (moved >= SPIKE) & (kept < moved / 4)
    n_expected = len(bars) + n_missing
    n_good = len(bars) - int(np.sum(frozen | spikes))
    share = n_good / n_expected if n_expected else 1.0
    return DataTrust(len(bars), n_missing, int(frozen.sum()), int(spikes.sum()), share)


def joint_trust(parts: Sequence[DataTrust]) -> DataTrust:
    """Return the trust in several instruments' bars together, each bar counting alike."""
    n_bars, n_missing = sum(each.n_bars for each in parts), sum(each.n_missing for each in parts)
    good = sum(each.share * (each.n_bars + each.n_missing) for each in parts)
    share = good / (n_bars + n_missing) if n_bars + n_missing else 1.0
    return DataTrust(
        n_bars, n_missing, sum(each.n_frozen for each in parts), sum(each.n_spikes for each in parts), share
    )


def scaled(model: Model, factor: Decimal) -> Model:
    """Return a fee or slippage model with every cost (its Decimal fields) multiplied; the rest stays.

    ``scaled(FeeModel(percent=Decimal("0.1")), Decimal(2)).percent`` is ``Decimal("0.2")``.
    """
    told = {each.name: getattr(model, each.name) for each in fields(model) if each.name not in _NOT_COSTS}
    changes: dict[str, Any] = {name: value * factor for name, value in told.items() if isinstance(value, Decimal)}
    if isinstance(model, FeeModel):
        changes["tiers"] = tuple(_scaled_tier(tier, factor) for tier in model.tiers)
    return replace(model, **changes)


def _scaled_tier(tier: FeeTier, factor: Decimal) -> FeeTier:
    rates = {each.name: getattr(tier, each.name) for each in fields(tier) if each.name != _NOT_A_RATE}
    return replace(tier, **{name: rate * factor for name, rate in rates.items() if rate is not None})


@dataclass(frozen=True, slots=True)
class CostPoint:
    """The same run at a multiple of its costs."""

    factor: Decimal
    total_return: float
    sharpe: float | None
    fees_paid: float


@dataclass(frozen=True, slots=True)
class CostSensitivity:
    """How a result stands up to higher costs. ``break_even_factor``: where the return is 0 (None: not in the range)."""

    points: tuple[CostPoint, ...]
    break_even_factor: float | None
    sentence: str


def cost_sensitivity(points: Sequence[CostPoint]) -> CostSensitivity:
    """Put the runs at several multiples of the costs together; between them the return is taken as a straight line.

    Raises ValueError for fewer than two points.
    """
    ordered = tuple(sorted(points, key=lambda point: point.factor))
    if len(ordered) < 2:
        raise ValueError(f"{len(ordered)} points show no sensitivity")
    crossing = None
    for one, other in pairwise(ordered):
        if crossing is None and one.total_return > 0 >= other.total_return:
            share = one.total_return / (one.total_return - other.total_return)
            crossing = float(one.factor) + share * float(other.factor - one.factor)
    return CostSensitivity(ordered, crossing, _sentence(ordered, crossing))


def _sentence(points: tuple[CostPoint, ...], crossing: float | None) -> str:
    last = points[-1]
    if all(point.fees_paid == 0 for point in points) and len({point.total_return for point in points}) == 1:
        is_idle = all(point.total_return == 0 for point in points)
        free = "The run has no costs to vary: real ones will take from it."
        return "Nothing was traded: no costs arose." if is_idle else free
    if crossing is not None:
        return f"The gain is gone at {crossing:.1f} times the costs."
    if points[0].total_return <= 0:
        return f"There is no gain even at {points[0].factor} times the costs."
    return f"At {last.factor} times the costs {last.total_return * 100:+,.1f} % is left."


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What warnings look at. ``best_trade_share`` : largest gain by the sum of all gains (None: nothing gained).

    n_trades : closed ones (None: a curve of many paths, which has no trades of its own)
    n_open : positions still held at the end, valued at the last close; survivors : instruments that are all still
    traded at the end of the data (chosen today, with hindsight); warmup_bars : bars of the asked range that went into
    warming up because no earlier ones are stored; lost_at : when equity was first 0 or below; tick_share : the largest
    tick as a fraction of its instrument's lowest price, where fills are rounded to it
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
