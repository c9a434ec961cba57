"""Buying weakness: in when the RSI recovers from oversold, out when it is overbought. Pure."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from domain.bars import BarArrays
from marketdata.indicators.momentum import rsi
from marketdata.indicators.volatility import highest, lowest
from strategies import base
from strategies.base import Signals
from strategies.library.sma_cross import before, confidence

# Wilder's smoothing forgets by (1 - 1/period) a bar: after 30 periods less than 1e-13 of what was before is left.
_MEMORY_PERIODS = 30
_DIGITS = 6  # what the forgotten past could still change lies far below


class RsiReversionParams(base.Params):
    """Period and levels of the RSI."""

    period: int = Field(
        14, ge=2, le=100, title="RSI period", description="Wilder's smoothing period.",
        json_schema_extra={"unit": "bars"},
    )  # fmt: skip
    oversold: float = Field(
        30.0, gt=0, lt=100, title="Oversold", description="Buy when the RSI comes back above this.",
        json_schema_extra={"unit": "RSI points"},
    )  # fmt: skip
    overbought: float = Field(
        70.0, gt=0, lt=100, title="Overbought", description="Sell when the RSI is above this.",
        json_schema_extra={"unit": "RSI points"},
    )  # fmt: skip

    @model_validator(mode="after")
    def levels_are_ordered(self) -> Self:
        """Refuse levels that would buy and sell at once."""
        if self.oversold >= self.overbought:
            raise ValueError(f"oversold {self.oversold:g} must be below overbought {self.overbought:g}")
        return self


class RsiReversion(base.Strategy):
    """Mean reversion by Wilder's relative strength index.

    Confidence: 0.7, plus up to 0.3 for how far beyond its level the RSI had been within the last `period` bars.
    """

    name = "rsi_reversion"
    title = "RSI reversion"
    description = "Buys when the RSI recovers from oversold, sells when it is overbought."
    Params: ClassVar[type[base.Params]] = RsiReversionParams

    def warmup(self, params: RsiReversionParams) -> int:
        """Long enough that Wilder's smoothing has forgotten what was before."""
        return (_MEMORY_PERIODS + 1) * params.period

    def signals(self, bars: BarArrays, params: RsiReversionParams) -> Signals:
        """Compare the RSI with its levels, and with itself one bar before."""
        value = np.round(rsi(bars.c, params.period), _DIGITS)
        was_low = (params.oversold - lowest(value, params.period)) / params.oversold
        was_high = (highest(value, params.period) - params.overbought) / (100 - params.overbought)
        return Signals(
            entry=(value > params.oversold) & before(value <= params.oversold),
            exit=value >= params.overbought,
            short_entry=(value < params.overbought) & before(value >= params.overbought),
            short_exit=value <= params.oversold,
            confidence=confidence(np.fmax(was_low, was_high)),
            entry_reason="RSI {rsi:.1f} came back over its level",
            exit_reason="RSI {rsi:.1f} reached the other level",
            values={"rsi": value},
        )
