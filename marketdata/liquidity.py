"""Liquidity and volume by price, as far as bars tell them. Pure."""

from dataclasses import dataclass

import numpy as np

from domain.bars import BarArrays, Floats

VALUE_AREA = 0.7


@dataclass(frozen=True, slots=True)
class VolumeProfile:
    """Volume by price: the middle of each bin, its volume, the heaviest price, and where 70 % traded."""

    price: Floats
    volume: Floats
    point_of_control: float
    value_area_low: float
    value_area_high: float


def volume_profile(bars: BarArrays, n_bins: int) -> VolumeProfile | None:
    """Spread each bar's volume evenly over its range and add it up by price; None without volume.

    The value area grows from the heaviest bin towards the heavier neighbour until it holds 70 % (Steidlmayer's Market
    Profile).
    """
    if len(bars) == 0 or bars.v.sum() <= 0:
        return None
    low, high = float(bars.l.min()), float(bars.h.max())
    edges = np.linspace(low, high if high > low else low * (1 + 1e-9), n_bins + 1)
    spread = np.maximum(bars.h - bars.l, (edges[1] - edges[0]) * 1e-6)
    passed = np.array([np.dot(bars.v, np.clip((edge - bars.l) / spread, 0, 1)) for edge in edges[:-1]])
    volume = np.diff(np.append(passed, bars.v.sum()))
    first, last = _value_area(volume)
    centre = (edges[:-1] + edges[1:]) / 2
    return VolumeProfile(centre, volume, float(centre[volume.argmax()]), float(edges[first]), float(edges[last + 1]))


def _value_area(volume: Floats) -> tuple[int, int]:
    first = last = int(volume.argmax())
    held = volume[first]
    while held < VALUE_AREA * volume.sum() and (first > 0 or last < len(volume) - 1):
        below = volume[first - 1] if first > 0 else -1.0
        above = volume[last + 1] if last < len(volume) - 1 else -1.0
        if above >= below:
            last += 1
            held += above
        else:
            first -= 1
            held += below
    return first, last


def amihud(bars: BarArrays) -> float | None:
    """Return Amihud's illiquidity: the mean of |return| per million of value traded (Amihud 2002).

    Bars without volume do not count; None when none is left.
    """
    value = bars.c[1:] * bars.v[1:]
    traded = value > 0
    if not traded.any():
        return None
    moves = np.abs(bars.c[1:] / bars.c[:-1] - 1)
    return float((moves[traded] / value[traded]).mean() * 1e6)
