"""Which types of strategies there are: built in, files of the operator's folder, installed packages. Pure of Django.

A file or package that does not import, or whose class is malformed, fails alone: it is listed with the reason.
"""

import hashlib
import importlib.util
import inspect
import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.machinery import SourceFileLoader
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from domain.errors import StrategyError
from strategies.base import Params, Strategy
from strategies.bounded import LIVE_SECONDS, within
from strategies.evaluate import warmup_of
from strategies.library import breakout, buy_and_hold, rsi_reversion, sma_cross, trend_filter

logger = logging.getLogger(__name__)
ENTRY_POINT_GROUP = "tradeplatform.strategies"
BUILT_IN = (
    sma_cross.SmaCross,
    trend_filter.TrendFilter,
    rsi_reversion.RsiReversion,
    breakout.Breakout,
    buy_and_hold.BuyAndHold,
)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_MODULE_PREFIX = "strategy_file_"
_MAX_REASON = 300
_OURS = "built-in"
_PATH = re.compile(r"(?:/[^\s/'\"]+){2,}")
_FINGERPRINT_DIGITS = 16


@dataclass(frozen=True, slots=True)
class StrategyType:
    """One type that can be used. `source` is "built-in", a file's name or a package; `fingerprint` that of its code."""

    strategy: Strategy
    source: str
    fingerprint: str

    @property
    def name(self) -> str:
        """The word by which users and the API name the type."""
        return self.strategy.name


@dataclass(frozen=True, slots=True)
class BrokenType:
    """A file or package that cannot be used, and why, in plain words."""

    name: str
    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """All types by name, and what is broken."""

    types: dict[str, StrategyType]
    broken: tuple[BrokenType, ...] = ()


def stamp_of(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what changes when a file of the folder changes: names, sizes and times of modification."""
    found = []
    for path in strategy_files(folder):
        try:
            state = path.stat()
        except OSError:  # taken away between the listing and now
            continue
        found.append((path.name, state.st_size, state.st_mtime_ns))
    return tuple(found)


def strategy_files(folder: Path) -> list[Path]:
    """Return the strategy files of the operator's folder: `*.py` whose name begins with a letter."""
    try:
        return sorted(p for p in folder.glob("*.py") if p.is_file() and p.name[0].isalpha())
    except OSError:
        return []


def load(folder: Path) -> Catalog:
    """Load every type. Names already taken are refused: built-in ones come first, then packages, then files."""
    loader = _Loader({}, [])
    for kind in BUILT_IN:
        loader.take(name=kind.name, source=_OURS, read=partial(_of_class, kind))
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name):
        loader.take(name=point.name, source=_package_of(point), read=partial(_of_package, point))
    for path in strategy_files(folder):
        loader.take(name=path.stem, source=path.name, read=partial(_of_file, path))
    return Catalog(loader.types, tuple(loader.broken))


Found = tuple[list[type[Strategy]], bytes]


@dataclass(frozen=True, slots=True)
class _Loader:
    types: dict[str, StrategyType]
    broken: list[BrokenType]

    def take(self, *, name: str, source: str, read: Callable[[], Found]) -> None:
        """Add what a source holds, or say why not."""
        try:
            kinds, code = read() if source == _OURS else within(LIVE_SECONDS, read, what=f"Loading {source}")
            fingerprint = hashlib.sha256(code).hexdigest()[:_FINGERPRINT_DIGITS]
            checked = [StrategyType(_well_formed(kind), source, fingerprint) for kind in kinds]
            for found in checked:
                if found.name in self.types:
                    taken = self.types[found.name].source
                    raise StrategyError(f"The name {found.name!r} is taken by {taken}.")
                self.types[found.name] = found
        except StrategyError as error:
            self.broken.append(BrokenType(name, source, error.message[:_MAX_REASON]))
        except Exception as error:  # code of others: whatever it does, the rest goes on
            logger.warning("strategies in %s do not load", source, exc_info=True)
            self.broken.append(BrokenType(name, source, _plain_reason(error, source)))


class _SourceOnly(SourceFileLoader):
    """Reads the source every time: a compiled file beside it could be one of the same second."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Say that there is nothing to compare a compiled file with."""
        raise OSError("compiled files are not used")


def _of_file(path: Path) -> Found:
    code = path.read_bytes()
    name = _MODULE_PREFIX + path.stem
    loader = _SourceOnly(name, str(path))
    spec = importlib.util.spec_from_loader(name, loader)
    if spec is None:
        raise StrategyError("The file's name is not fit for a module.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pydantic looks annotations up there
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return _classes_of(module, name), code


def _of_class(kind: type[Strategy]) -> Found:
    return [kind], _code_of(kind)


def _of_package(point: EntryPoint) -> Found:
    found = point.load()
    if not inspect.isclass(found) or not issubclass(found, Strategy):
        raise StrategyError(f"{point.value} is not a Strategy class.")
    return [found], _code_of(found)


def _classes_of(module: ModuleType, name: str) -> list[type[Strategy]]:
    kinds = [
        thing
        for thing in vars(module).values()
        if inspect.isclass(thing) and issubclass(thing, Strategy) and thing.__module__ == name
    ]
    if not kinds:
        raise StrategyError("The file defines no class derived from Strategy.")
    return kinds


def _well_formed(kind: type[Strategy]) -> Strategy:
    """Return an instance of a class that has all a type needs; raises StrategyError with what it lacks."""
    label = kind.__name__
    if not isinstance(kind.name, str) or not _NAME.fullmatch(kind.name):
        raise StrategyError(f"{label}.name must be 1 to 64 of a-z, 0-9 and _, beginning with a letter.")
    for word in ("title", "description"):
        if not isinstance(getattr(kind, word), str) or not getattr(kind, word).strip():
            raise StrategyError(f"{label} has no {word}.")
    if not inspect.isclass(kind.Params) or not issubclass(kind.Params, Params):
        raise StrategyError(f"{label}.Params is not derived from strategies.base.Params.")
    for method in ("signals", "warmup"):
        if not callable(getattr(kind, method)) or getattr(kind, method) is getattr(Strategy, method):
            raise StrategyError(f"{label} has no method {method}().")
    instance = kind()
    try:
        defaults = kind.Params()
    except ValueError as error:
        raise StrategyError(f"{label}.Params: every parameter needs a default within its bounds.") from error
    warmup_of(instance, defaults)
    return instance


def _package_of(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value


def _code_of(kind: type[Strategy]) -> bytes:
    path = inspect.getsourcefile(kind)
    return Path(path).read_bytes() if path else kind.__qualname__.encode()


def _plain_reason(error: BaseException, source: str) -> str:
    """Say what went wrong and in which line, without the paths of the machine."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).name == source]
    line = error.lineno if isinstance(error, SyntaxError) else (lines[-1] if lines else None)
    what = error.msg if isinstance(error, SyntaxError) else _PATH.sub("…", str(error))
    text = f"{type(error).__name__}: {what}" if what else type(error).__name__
    return f"{text[:_MAX_REASON]} (line {line})" if line else text[:_MAX_REASON]
