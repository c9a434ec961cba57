"""Buy and hold: always wants to be in. The yardstick for every other strategy. Pure."""

from typing import ClassVar

import numpy as np

from domain.bars import BarArrays
from strategies import base
from strategies.base import Signals


class BuyAndHoldParams(base.Params):
    """Nothing to set."""


class BuyAndHold(base.Strategy):
    """Wants a long position at every bar, so it buys whenever it is flat: at the start, and again after a stop.

    Confidence: always 1.0, since nothing is predicted.
    """

    name = "buy_and_hold"
    title = "Buy and hold"
    description = "Buys at the first bar and keeps the position; buys again when a stop or target closed it."
    Params: ClassVar[type[base.Params]] = BuyAndHoldParams

    def warmup(self, params: BuyAndHoldParams) -> int:
        """None: the first bar is enough."""
        return 0

    def signals(self, bars: BarArrays, params: BuyAndHoldParams) -> Signals:
        """Say yes at every bar."""
        n = len(bars)
        return Signals(
            entry=np.ones(n, dtype=np.bool_), exit=np.zeros(n, dtype=np.bool_), entry_reason="nothing is held"
        )
