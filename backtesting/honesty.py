"""What a result hangs on: how far its data can be trusted, and what it would be at other costs. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from domain.bars import BarArrays
from domain.costs import FeeModel, FeeTier, SlippageModel

COST_FACTORS: tuple[Decimal, ...] = (Decimal("0.5"), Decimal(1), Decimal(2), Decimal(4))
SPIKE = 0.25
_NOT_COSTS = frozenset({"digits", "max_volume_percent", "tiers"})
_NOT_A_RATE = "above"
Model = TypeVar("Model", FeeModel, SlippageModel)


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
