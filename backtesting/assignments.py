"""What a calculating process is given, and how it tells its progress: plain values, so that it needs no database. Pure.

The process loads the strategy itself (code does not travel); bars come as arrays.
"""

import hashlib
import json
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from backtesting.run_settings import RunSettings, canonical
from domain.bars import BarArrays, Floats, Ints
from domain.errors import StrategyError
from marketdata.calendars import ALWAYS, close_times
from strategies import causality
from strategies.base import Params
from strategies.catalog import StrategyType, load, stamp_of
from strategies.evaluate import warmup_of
from strategies.parameters import read_parameters

MAX_CHECKED = 10  # symbols on which the causality of one set of parameters is checked
_TELL_SECONDS = 0.25
_ASK_EVERY = 64
_CODE = ("domain", "risk", "strategies", "marketdata/indicators", "analytics/metrics")
_CODE_TOP = ("backtesting",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """One strategy on some bars. `bars` hold the warm-up before `start` (unix seconds) too, where there is one.

    `benchmark` is a name and its bars; without one the benchmark is holding the instruments themselves. `n_trials`
    counts the different trials of the idea so far, this one included; it changes the verdict and not the result.
    """

    folder: str
    type: str
    parameters: Mapping[str, Any]
    settings: RunSettings
    bars: Mapping[str, BarArrays]
    start: int
    seed: int = 0
    n_trials: int = 1
    benchmark: tuple[str, str, BarArrays] | None = None
    progress_file: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> StrategyType:
        """The strategy's type; raises StrategyError when it is not there (any more)."""
        return kind_of(self.folder, self.type)

    def params(self, combo: Mapping[str, Any] | None = None) -> Params:
        """Return checked parameters, those of a combination laid over the others. Raises ValidationFailed."""
        return read_parameters(self.kind.strategy.Params, {**self.parameters, **(combo or {})})

    def first_decisions(self, params: Params) -> dict[str, int]:
        """Return the row of each symbol's bars at whose close the strategy first decides."""
        warmup = warmup_of(self.kind.strategy, params)
        return {symbol: max(warmup, int(np.searchsorted(bars.t, self.start))) for symbol, bars in self.bars.items()}

    @property
    def is_always_open(self) -> bool:
        """True when every instrument trades around the clock, which makes a year 365 days long."""
        return all(instrument.calendar == ALWAYS for instrument in self.settings.instruments)


# What a check can find, and how a person is told.
_NOT_CAUSAL = {
    "looks_ahead": "The strategy looks ahead on ",
    "not_deterministic": "The strategy does not repeat itself on ",
    "warmup_too_short": "The strategy's warm-up is too short on ",
}
_loaded: dict[str, tuple[Any, Any]] = {}


def kind_of(folder: str, name: str) -> StrategyType:
    """Return a strategy type of the operator's folder or a built-in one, read again when a file changed."""
    stamp = stamp_of(Path(folder))
    known = _loaded.get(folder)
    if known is None or known[0] != stamp:
        known = _loaded[folder] = (stamp, load(Path(folder)))
    found: StrategyType | None = known[1].types.get(name)
    if found is None:
        raise StrategyError(f"There is no strategy type {name!r} any more.", code="unknown_type")
    return found


def check_causality(assignment: Assignment, params: Params) -> dict[str, Any]:
    """Check the strategy for look-ahead on these bars; returns what was tried.

    Raises StrategyError: not_causal for an answer that live trading could not give, or the code of what went wrong.
    """
    tried: dict[str, Any] = {"is_causal": True, "symbols": [], "n_prefixes": 0, "n_windows": 0, "n_bars": 0}
    for symbol in sorted(assignment.bars)[:MAX_CHECKED]:
        report = causality.check(assignment.kind.strategy, params, assignment.bars[symbol], seed=causality.SEED)
        for problem in report.problems:
            code = "not_causal" if problem.code in _NOT_CAUSAL else problem.code
            words = _NOT_CAUSAL.get(problem.code, "" if code == "not_enough_bars" else "The strategy failed on ")
            raise StrategyError(f"{words}{symbol}: {problem.message}", code=code)
        tried["symbols"].append(symbol)
        tried["warmup"] = report.warmup
        for name in ("n_prefixes", "n_windows", "n_bars"):
            tried[name] += getattr(report, name)
    return tried


def benchmark_of(assignment: Assignment, t: Ints) -> tuple[str, Floats]:
    """Return the benchmark's name and its price at each moment; holding the instruments in equal parts without one."""
    timeframe = assignment.settings.timeframe
    if assignment.benchmark is not None:
        name, calendar, bars = assignment.benchmark
        return name, _known(t, close_times(bars.t, timeframe, calendar), bars.c)
    parts = [
        _known(t, close_times(bars.t, timeframe, each.calendar), bars.c)
        for each in assignment.settings.instruments
        for bars in [assignment.bars[each.symbol]]
    ]
    relative = [part / part[np.flatnonzero(np.isfinite(part))[0]] for part in parts if np.isfinite(part).any()]
    if not relative:
        return "", np.full(len(t), np.nan)
    names = [each.symbol for each in assignment.settings.instruments]
    title = f"Holding {names[0]}" if len(names) == 1 else f"Holding all {len(names)} in equal parts"
    return title, np.nanmean(np.where(np.isfinite(np.stack(relative)), np.stack(relative), 1.0), axis=0)


def _known(t: Ints, closes: Ints, prices: Floats) -> Floats:
    """Return the newest price that was known at each moment (NaN before the first)."""
    at = np.searchsorted(closes, t, side="right") - 1
    found = np.where(at >= 0, prices[np.maximum(at, 0)], np.nan) if len(prices) else np.full(len(t), np.nan)
    return np.asarray(found, dtype=np.float64)


def fingerprint_of(assignment: Assignment) -> dict[str, str]:
    """Return the digests of code, data and parameters, and `all` of them together: equal ones give equal results.

    They are the same in every installation: nothing that a database makes up (ids, the order of names) is in them.
    """
    data = hashlib.sha256()
    every = dict(assignment.bars)
    if assignment.benchmark is not None:
        every[f"benchmark {assignment.benchmark[0]}"] = assignment.benchmark[2]
    for symbol in sorted(every):
        data.update(symbol.encode())
        for column in every[symbol].columns:
            data.update(np.ascontiguousarray(column).tobytes())
    told = repr((canonical(assignment.settings), sorted(assignment.parameters.items()), assignment.start))
    parts = {
        "code": hashlib.sha256(f"{code_digest()} {assignment.kind.fingerprint}".encode()).hexdigest(),
        "data": data.hexdigest(),
        "parameters": hashlib.sha256(
            f"{told} {json.dumps(dict(assignment.extra), sort_keys=True)}".encode()
        ).hexdigest(),
        "seed": str(assignment.seed),
    }
    return {**parts, "all": hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()}


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Return the digest of all code that a result depends on, strategies of the operator aside."""
    base = Path(__file__).resolve().parent.parent
    files = [path for folder in _CODE for path in (base / folder).rglob("*.py")]
    files += [path for folder in _CODE_TOP for path in (base / folder).glob("*.py")]
    digest = hashlib.sha256()
    for path in sorted(files):
        relative = path.relative_to(base).as_posix()
        if "/tests/" not in relative and "/migrations/" not in relative:
            digest.update(relative.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


class Teller:
    """Writes how far the work is into a small file, at most four times a second; whoever waits reads it."""

    def __init__(self, path: str, *, low: float = 0.0, high: float = 1.0) -> None:
        self._path, self._low, self._high = path, low, high
        self._next, self._asked = 0.0, 0

    def part(self, low: float, high: float) -> "Teller":
        """Return one that fills only a part of the whole."""
        width = self._high - self._low
        return Teller(self._path, low=self._low + low * width, high=self._low + high * width)

    def tell(self, share: float) -> None:
        """Tell how much is done (0..1)."""
        now = time.monotonic()
        if self._path and now >= self._next:
            self._next = now + _TELL_SECONDS
            write_progress(self._path, self._low + min(1.0, max(0.0, share)) * (self._high - self._low))

    def of_moments(self, first: int, last: int) -> Callable[[datetime], None]:
        """Return what the engine calls with the time of every moment."""
        width = max(1, last - first)

        def told(at: datetime) -> None:
            self._asked += 1
            if self._asked % _ASK_EVERY == 0:
                self.tell((at.timestamp() - first) / width)

        return told


def write_progress(path: str, share: float) -> None:
    """Write a share in one go, so that a reader never sees half of it; a vanished folder is no reason to stop."""
    try:
        Path(path).write_bytes(struct.pack("<d", share))
    except OSError:
        return


def read_progress(path: str) -> float | None:
    """Return the share that was told last; None before the first."""
    try:
        data = Path(path).read_bytes()
    except OSError:
        return None
    return float(struct.unpack("<d", data)[0]) if len(data) == 8 else None
