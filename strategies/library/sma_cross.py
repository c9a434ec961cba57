"""Two moving averages: in when the fast one crosses above the slow one, out when it is below. Pure."""

from typing import ClassVar, Self

import numpy as np
from pydantic import Field, model_validator
from pydantic.config import JsonDict

from domain.bars import BarArrays, Floats
from marketdata.indicators.averages import sma
from strategies import base
from strategies.base import Bools, Signals

_BARS: JsonDict = {"unit": "bars"}
BASE_CONFIDENCE = 0.7


class SmaCrossParams(base.Params):
    """Windows of the two averages."""

    fast: int = Field(
        20, ge=1, le=1000, title="Fast average", description="Window of the fast average.", json_schema_extra=_BARS
    )
    slow: int = Field(
        50, ge=2, le=2000, title="Slow average", description="Window of the slow average.", json_schema_extra=_BARS
    )
    reverse: bool = Field(
        False,
        title="Reverse",
        description="Turn round at every cross: out on the cross, in the other way on the bar after it "
        "(shorts only where the strategy may sell short).",
    )

    @model_validator(mode="after")
    def fast_is_shorter(self) -> Self:
        """Refuse windows that can never cross as meant."""
        if self.fast >= self.slow:
            raise ValueError(f"fast {self.fast} must be smaller than slow {self.slow}")
        return self


class SmaCross(base.Strategy):
    """Trend following by two simple moving averages of the close.

    Confidence: 0.7 at the cross, up to 1.0 when all of the last `fast` closes lie on the new side of the slow average.
    """

    name = "sma_cross"
    title = "Moving-average cross"
    description = "Buys when a fast moving average crosses above a slow one, sells when it is below."
    Params: ClassVar[type[base.Params]] = SmaCrossParams

    def warmup(self, params: SmaCrossParams) -> int:
        """The slow average over the bars that the confidence looks at, and two more for the crosses."""
        return params.slow + params.fast

    def compiled(self, params: SmaCrossParams) -> base.AverageCross | None:
        """The crosses themselves, unless a cross also acts on the bar after it."""
        return None if params.reverse else base.AverageCross(params.fast, params.slow, BASE_CONFIDENCE)

    def signals(self, bars: BarArrays, params: SmaCrossParams) -> Signals:
        """Compare the two averages with themselves one bar before."""
        fast, slow = sma(bars.c, params.fast), sma(bars.c, params.slow)
        above, below = fast > slow, fast < slow
        up, down = above & before(~above & ~np.isnan(slow)), below & before(~below & ~np.isnan(slow))
        if params.reverse:
            up, down = up | (before(up) & above), down | (before(down) & below)
        share = sma((bars.c > slow).astype(np.float64), params.fast)
        return Signals(
            entry=up,
            exit=below,
            short_entry=down,
            short_exit=above,
            confidence=confidence(np.where(above, share, 1 - share)),
            entry_reason="fast average {fast:.2f} crossed the slow average {slow:.2f}",
            exit_reason="fast average {fast:.2f} is on the other side of the slow average {slow:.2f}",
            values={"fast": fast, "slow": slow},
        )


def before(flags: Bools) -> Bools:
    """Return the flags of the bar before (False at the first)."""
    out = np.zeros(len(flags), dtype=np.bool_)
    out[1:] = flags[:-1]
    return out


def confidence(share: Floats) -> Floats:
    """Return 0.7 to 1.0 for a share of 0 to 1 (outside and unknown ones are cut to it)."""
    return BASE_CONFIDENCE + (1 - BASE_CONFIDENCE) * np.clip(np.nan_to_num(share), 0.0, 1.0)
