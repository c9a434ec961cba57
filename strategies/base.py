"""What a strategy author writes against: `Strategy`, its typed `Params`, and its answer, `Signals`. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from domain.bars import BarArrays, Floats

Bools = npt.NDArray[np.bool_]
MAX_WARMUP = 20_000


class Params(BaseModel):
    """Base of a strategy's parameters: typed, bounded, frozen; an unknown name is refused.

    Give every field a title, a description, bounds, and its unit in `json_schema_extra={"unit": "bars"}`: the form in
    the browser, the API's JSON Schema and every error message are made from them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signals:
    """A strategy's answer: arrays as long as the bars; row i is said at the close of bar i and uses rows 0..i only.

    Either `entry` (with `exit`, and for shorts `short_entry` and `short_exit`) or `target`.

    entry, exit, short_entry, short_exit : bool[n_bars]
    target : float64[n_bars], wanted exposure -1..1 as a fraction of the sizing; 0 is flat, NaN is no opinion
    confidence : float64[n_bars], 0..1 (1 when left out); compared with the user's confidence threshold
    stop, take_profit : float64[n_bars], prices for a position entered by this row; NaN is none
    entry_reason, exit_reason : texts in `str.format` form over `values`, e.g. "fast {fast:.2f} above slow {slow:.2f}"
    values : float64[n_bars] each, numbers that the reasons show (and the decision trace)
    """

    entry: Bools | None = None
    exit: Bools | None = None
    short_entry: Bools | None = None
    short_exit: Bools | None = None
    target: Floats | None = None
    confidence: Floats | None = None
    stop: Floats | None = None
    take_profit: Floats | None = None
    entry_reason: str = ""
    exit_reason: str = ""
    values: Mapping[str, Floats] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AverageCross:
    """An answer that the backtest kernel knows without arrays: two simple moving averages of the close.

    Long from the bar at which the fast one crosses above the slow one until it is below; short the other way round.
    Equal averages are neither. `least_confidence` is the lowest that `signals` would name.
    """

    fast: int
    slow: int
    least_confidence: float = 1.0


class Strategy:
    """One type of strategy. An instance keeps no state: the same bars and parameters give the same answer, always."""

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    description: ClassVar[str] = ""
    Params: ClassVar[type[Params]] = Params

    def warmup(self, params: Any) -> int:
        """Return how many bars before the one decided on the answer depends on.

        An indicator with a memory that never ends (Wilder's RSI, an EMA) needs so many that what lies before no longer
        shows: the causality check compares the answer on `warmup + 1` bars with the answer on all of them.
        """
        raise NotImplementedError

    def signals(self, bars: BarArrays, params: Any) -> Signals:
        """Return what the strategy says at every bar. The arrays of `bars` are read-only."""
        raise NotImplementedError

    def compiled(self, params: Any) -> AverageCross | None:
        """Return the same answer as `signals` in a form that the backtest kernel knows, or None: there is none."""
        return None
