"""Every indicator as one table: its parameters with their ranges, outputs, warm-up and pane; and the reading of
requests such as `sma:20,macd:12:26:9,bb:20:2`. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from domain.bars import BarArrays, Floats
from domain.errors import FieldError, ValidationFailed
from marketdata.indicators import averages, momentum, volatility, volume

MAX_INDICATORS = 20
MAX_PERIOD = 2000


class Pane(StrEnum):
    """Where a chart draws an indicator."""

    PRICE = "price"
    OWN = "own"
    VOLUME = "volume"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter with its range."""

    name: str
    default: float
    minimum: float
    maximum: float
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Indicator:
    """One entry of the catalogue.

    `compute(bars, *parameters)` returns one array for each of `outputs`. `warm_up(*parameters)` is the number of
    leading NaN of the last output to come; `memory(*parameters)` the number of bars before a window that settle its
    values to 1e-10, None when all history counts.
    """

    name: str
    title: str
    parameters: tuple[Parameter, ...]
    outputs: tuple[str, ...]
    compute: Callable[..., tuple[Floats, ...]]
    warm_up: Callable[..., int]
    memory: Callable[..., int | None]
    pane: Pane


@dataclass(frozen=True, slots=True)
class Request:
    """An indicator with chosen parameters."""

    indicator: Indicator
    values: tuple[float, ...]

    @property
    def suffix(self) -> str:
        """The parameters as they stand in the keys of outputs: `12_26_9`."""
        return "_".join(f"{value:g}" for value in self.values)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the outputs: `macd_12_26_9`, `macd_signal_12_26_9` …"""
        return tuple(f"{output}_{self.suffix}" if self.values else output for output in self.indicator.outputs)

    @property
    def memory(self) -> int | None:
        """How many bars before a window settle its values; None: all."""
        return self.indicator.memory(*self.values)

    def compute(self, bars: BarArrays) -> dict[str, Floats]:
        """Return each output by its key."""
        return dict(zip(self.keys, self.indicator.compute(bars, *self.values), strict=True))


def _period(default: int, minimum: int = 1) -> tuple[Parameter, ...]:
    return (Parameter("period", default, minimum, MAX_PERIOD),)


def _window(period: float) -> int:
    return int(period) - 1


def _exponential(period: float) -> int:
    return 13 * (int(period) + 1)  # (1 - 2 / (period + 1)) ** that < 1e-10


def _wilder(period: float) -> int:
    return 26 * int(period)


CATALOGUE: dict[str, Indicator] = {
    entry.name: entry
    for entry in (
        Indicator("sma", "Simple moving average", _period(20), ("sma",),
                  lambda b, p: (averages.sma(b.c, p),), _window, _window, Pane.PRICE),
        Indicator("ema", "Exponential moving average", _period(20), ("ema",),
                  lambda b, p: (averages.ema(b.c, p),), _window, _exponential, Pane.PRICE),
        Indicator("wma", "Weighted moving average", _period(20), ("wma",),
                  lambda b, p: (averages.wma(b.c, p),), _window, _window, Pane.PRICE),
        Indicator("dema", "Double exponential moving average", _period(20, 2), ("dema",),
                  lambda b, p: (averages.dema(b.c, p),), lambda p: 2 * (p - 1), lambda p: 2 * _exponential(p),
                  Pane.PRICE),
        Indicator("bb", "Bollinger bands", (*_period(20, 2), Parameter("width", 2, 0.1, 10, is_whole=False)),
                  ("bb_upper", "bb_middle", "bb_lower"), lambda b, p, w: volatility.bollinger(b.c, p, w),
                  lambda p, w: p - 1, lambda p, w: p - 1, Pane.PRICE),
        Indicator("donchian", "Donchian channel", _period(20),
                  ("donchian_upper", "donchian_middle", "donchian_lower"),
                  lambda b, p: volatility.donchian(b.h, b.l, p), _window, _window, Pane.PRICE),
        Indicator("highest", "Highest high", _period(20), ("highest",),
                  lambda b, p: (volatility.highest(b.h, p),), _window, _window, Pane.PRICE),
        Indicator("lowest", "Lowest low", _period(20), ("lowest",),
                  lambda b, p: (volatility.lowest(b.l, p),), _window, _window, Pane.PRICE),
        Indicator("vwap", "Moving volume-weighted average price", _period(20), ("vwap",),
                  lambda b, p: (volume.vwap(b.h, b.l, b.c, b.v, p),), _window, _window, Pane.PRICE),
        Indicator("anchored_vwap", "Volume-weighted average price since the start", (), ("anchored_vwap",),
                  lambda b: (volume.anchored_vwap(b.h, b.l, b.c, b.v),), lambda: 0, lambda: None, Pane.PRICE),
        Indicator("rsi", "Relative strength index", _period(14, 2), ("rsi",),
                  lambda b, p: (momentum.rsi(b.c, p),), int, _wilder, Pane.OWN),
        Indicator("macd", "MACD",
                  (Parameter("fast", 12, 2, MAX_PERIOD), Parameter("slow", 26, 2, MAX_PERIOD),
                   Parameter("signal", 9, 1, MAX_PERIOD)),
                  ("macd", "macd_signal", "macd_hist"), lambda b, f, s, n: averages.macd(b.c, f, s, n),
                  lambda f, s, n: s + n - 2, lambda f, s, n: _exponential(s) + _exponential(n), Pane.OWN),
        Indicator("stoch", "Stochastic oscillator",
                  (*_period(14), Parameter("smooth", 3, 1, 200), Parameter("signal", 3, 1, 200)),
                  ("stoch_k", "stoch_d"), lambda b, p, k, d: momentum.stochastic(b.h, b.l, b.c, p, k, d),
                  lambda p, k, d: p + k + d - 3, lambda p, k, d: p + k + d - 3, Pane.OWN),
        Indicator("adx", "Average directional index", _period(14, 2), ("adx", "plus_di", "minus_di"),
                  lambda b, p: momentum.adx(b.h, b.l, b.c, p), lambda p: 2 * p - 1, lambda p: 2 * _wilder(p),
                  Pane.OWN),
        Indicator("cci", "Commodity channel index", _period(20, 2), ("cci",),
                  lambda b, p: (momentum.cci(b.h, b.l, b.c, p),), _window, _window, Pane.OWN),
        Indicator("roc", "Rate of change", _period(10), ("roc",),
                  lambda b, p: (momentum.roc(b.c, p),), int, int, Pane.OWN),
        Indicator("williams_r", "Williams %R", _period(14, 2), ("williams_r",),
                  lambda b, p: (momentum.williams_r(b.h, b.l, b.c, p),), _window, _window, Pane.OWN),
        Indicator("mfi", "Money flow index", _period(14, 2), ("mfi",),
                  lambda b, p: (momentum.mfi(b.h, b.l, b.c, b.v, p),), int, int, Pane.OWN),
        Indicator("atr", "Average true range", _period(14), ("atr",),
                  lambda b, p: (volatility.atr(b.h, b.l, b.c, p),), int, _wilder, Pane.OWN),
        Indicator("true_range", "True range", (), ("true_range",),
                  lambda b: (volatility.true_range(b.h, b.l, b.c),), lambda: 1, lambda: 1, Pane.OWN),
        Indicator("stddev", "Standard deviation", _period(20, 2), ("stddev",),
                  lambda b, p: (volatility.stddev(b.c, p),), _window, _window, Pane.OWN),
        Indicator("obv", "On-balance volume", (), ("obv",),
                  lambda b: (volume.obv(b.c, b.v),), lambda: 0, lambda: None, Pane.OWN),
        Indicator("volume_sma", "Average volume", _period(20), ("volume_sma",),
                  lambda b, p: (volume.average_volume(b.v, p),), _window, _window, Pane.VOLUME),
    )
}  # fmt: skip


def parse(text: str, *, field: str = "indicators") -> tuple[Request, ...]:
    """Read `sma:20,rsi:14,macd:12:26:9`; parameters left out take their defaults.

    Raises ValidationFailed that names the value and the bound, for every fault at once.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > MAX_INDICATORS:
        raise ValidationFailed(f"{len(parts)} indicators exceed the {MAX_INDICATORS} of one request", field=field)
    errors: list[FieldError] = []
    found: dict[tuple[str, ...], Request] = {}
    for part in parts:
        try:
            request = _request(part)
            found[request.keys] = request
        except ValueError as error:
            errors.append(FieldError(field, "invalid", str(error)))
    if errors:
        raise ValidationFailed.of(tuple(errors))
    return tuple(found.values())


def compute(requests: tuple[Request, ...], bars: BarArrays) -> dict[str, Floats]:
    """Return every output of every request by its key."""
    out: dict[str, Floats] = {}
    for request in requests:
        out |= request.compute(bars)
    return out


def _request(text: str) -> Request:
    name, *given = (piece.strip().lower() for piece in text.split(":"))
    entry = CATALOGUE.get(name)
    if entry is None:
        raise ValueError(f"There is no indicator {name[:40]!r}; there are {', '.join(sorted(CATALOGUE))}")
    if len(given) > len(entry.parameters):
        raise ValueError(f"{name} takes at most {len(entry.parameters)} parameters, not {len(given)}")
    given += [""] * (len(entry.parameters) - len(given))
    values = tuple(_value(name, p, piece) for p, piece in zip(entry.parameters, given, strict=True))
    if name == "macd" and values[0] >= values[1]:
        raise ValueError(f"macd: fast {values[0]} must be smaller than slow {values[1]}")
    return Request(entry, values)


def _value(name: str, parameter: Parameter, text: str) -> float:
    if not text:
        return int(parameter.default) if parameter.is_whole else parameter.default
    label = f"{name}: {parameter.name} {text[:20]}"
    if not text.isascii() or not text.replace(".", "", 0 if parameter.is_whole else 1).isdigit():
        raise ValueError(f"{label} is not a {'whole ' if parameter.is_whole else ''}number")
    value = int(text) if parameter.is_whole else float(text)
    if not parameter.minimum <= value <= parameter.maximum or not np.isfinite(value):
        raise ValueError(f"{label} lies outside {parameter.minimum:g} to {parameter.maximum:g}")
    return value
