"""Two timeframes: a cross of averages is followed only in the direction of a larger timeframe's trend. Pure."""

from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.config import JsonDict

from domain.bars import BarArrays
from marketdata.indicators.averages import sma
from marketdata.indicators.higher import SECONDS, higher_bars
from strategies import base
from strategies.base import Signals
from strategies.library.sma_cross import before

_BARS: JsonDict = {"unit": "bars"}


class TrendFilterParams(base.Params):
    """Windows of the two averages, and of the trend on the larger timeframe."""

    fast: int = Field(
        10, ge=1, le=500, title="Fast average", description="Window of the fast average.", json_schema_extra=_BARS
    )
    slow: int = Field(
        30, ge=2, le=1000, title="Slow average", description="Window of the slow average.", json_schema_extra=_BARS
    )
    higher: Literal["1h", "4h", "1d", "1w"] = Field(
        "1w", title="Larger timeframe", description="Whose trend must agree; larger than the strategy's own bars."
    )
    trend: int = Field(
        10,
        ge=1,
        le=200,
        title="Trend average",
        description="Window of the average on the larger timeframe.",
        json_schema_extra={"unit": "larger bars"},
    )
    bars_in_higher: int = Field(
        7,
        ge=2,
        le=1500,
        title="Bars in a larger bar",
        description="How many of the strategy's own bars a larger one holds at most: 7 days a week, 390 minutes a day "
        "in New York. It says how much history is needed.",
        json_schema_extra=_BARS,
    )

    @model_validator(mode="after")
    def windows_fit(self) -> Self:
        """Refuse windows that can never cross as meant, or need more history than may be asked for."""
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} must be smaller than slow {self.slow}")
        needed = _needed(self)
        if needed > base.MAX_WARMUP:
            raise ValueError(
                f"trend {self.trend} larger bars of {self.bars_in_higher} need {needed:,} bars; "
                f"at most {base.MAX_WARMUP:,} may be asked for"
            )
        return self


def _needed(params: TrendFilterParams) -> int:
    """Bars of the larger average, with the one that the history begins in and the one that is not complete."""
    return max(params.slow + 1, (params.trend + 3) * params.bars_in_higher)


class TrendFilter(base.Strategy):
    """Long when the fast average crosses above the slow one while the larger timeframe closed above its average.

    Out when the fast average is below the slow one, or the larger timeframe closed below its average. Short the other
    way round. The larger bar is known once it is complete, one bar after it ended.
    """

    name = "trend_filter"
    title = "Cross with the larger trend"
    description = "Follows a cross of two averages only when a larger timeframe's trend agrees."
    Params: ClassVar[type[base.Params]] = TrendFilterParams

    def warmup(self, params: TrendFilterParams) -> int:
        """What the larger average needs, or the slow one."""
        return _needed(params)

    def signals(self, bars: BarArrays, params: TrendFilterParams) -> Signals:
        """Compare the averages of both timeframes."""
        fast, slow = sma(bars.c, params.fast), sma(bars.c, params.slow)
        larger = higher_bars(bars, SECONDS[params.higher])
        close, trend = larger.at_rows(larger.bars.c), larger.indicator(lambda c: sma(c, params.trend))
        above, below, rising, falling = fast > slow, fast < slow, close > trend, close < trend
        is_known = ~np.isnan(slow)
        return Signals(
            entry=above & rising & before(~(above & rising) & is_known),
            exit=below | falling,
            short_entry=below & falling & before(~(below & falling) & is_known),
            short_exit=above | rising,
            entry_reason="average {fast:.2f} against {slow:.2f}, larger close {larger:.2f} against {trend:.2f}",
            exit_reason="average {fast:.2f} against {slow:.2f}, larger close {larger:.2f} against {trend:.2f}",
            values={"fast": fast, "slow": slow, "larger": close, "trend": trend},
        )
