"""Channel breakout (Donchian): in above the highest high of the bars before, out below their lowest low. Pure."""

from typing import ClassVar

import numpy as np
from pydantic import Field
from pydantic.config import JsonDict

from domain.bars import BarArrays, Floats
from marketdata.indicators.volatility import highest, lowest
from strategies import base
from strategies.base import Signals
from strategies.library.sma_cross import confidence

_BARS: JsonDict = {"unit": "bars"}


class BreakoutParams(base.Params):
    """Lengths of the two channels."""

    entry_lookback: int = Field(
        20, ge=1, le=1000, title="Entry channel", description="Bars whose high must be broken.", json_schema_extra=_BARS
    )
    exit_lookback: int = Field(
        10, ge=1, le=1000, title="Exit channel", description="Bars whose low ends the trade.", json_schema_extra=_BARS
    )
    channel_stop: bool = Field(
        False,
        title="Stop at the exit channel",
        description="Protect an entry with a stop at the exit channel instead of the stop of the preferences.",
    )


class Breakout(base.Strategy):
    """Trend following by Donchian channels (the Turtles' rule).

    Confidence: 0.7, plus up to 0.3 for how far the close lies beyond the channel, as a share of the channel's width.
    """

    name = "breakout"
    title = "Channel breakout"
    description = "Buys a close above the highest high of the bars before, sells below their lowest low."
    Params: ClassVar[type[base.Params]] = BreakoutParams

    def warmup(self, params: BreakoutParams) -> int:
        """The longer channel, which ends one bar before."""
        return max(params.entry_lookback, params.exit_lookback)

    def signals(self, bars: BarArrays, params: BreakoutParams) -> Signals:
        """Compare each close with the channels of the bars before it."""
        top = shifted(highest(bars.h, params.entry_lookback))
        bottom = shifted(lowest(bars.l, params.entry_lookback))
        out_long = shifted(lowest(bars.l, params.exit_lookback))
        out_short = shifted(highest(bars.h, params.exit_lookback))
        up, down = bars.c > top, bars.c < bottom
        beyond = np.where(up, bars.c - top, bottom - bars.c)
        width = top - bottom
        stop = np.where(up, out_long, out_short) if params.channel_stop else None
        return Signals(
            entry=up,
            exit=bars.c < out_long,
            short_entry=down,
            short_exit=bars.c > out_short,
            confidence=confidence(np.divide(beyond, width, out=np.zeros(len(bars)), where=width > 0)),
            stop=stop,
            entry_reason="close {close:.2f} left the channel {bottom:.2f} to {top:.2f}",
            exit_reason="close {close:.2f} left the exit channel {exit_bottom:.2f} to {exit_top:.2f}",
            values={"close": bars.c, "top": top, "bottom": bottom, "exit_top": out_short, "exit_bottom": out_long},
        )


def shifted(column: Floats) -> Floats:
    """Return the values of the bar before (NaN at the first)."""
    out = np.full(len(column), np.nan)
    out[1:] = column[:-1]
    return out
