"""What the measuring of performance makes of preferences: alerts, the pace of live equity, the benchmark."""

from collections.abc import Sequence

from domain.errors import ValidationFailed
from marketdata.models import Instrument
from preferences.definitions import Category
from preferences.registry import Preferences
from preferences.subsystems import Step, Subsystem, Warned

FIELD = "benchmark_symbol"


def _acknowledge(step: Step) -> str:
    chosen = step.after.performance
    if step.before is not None and chosen.benchmark_symbol != step.before.performance.benchmark_symbol:
        _check_benchmark(chosen.benchmark_symbol)
    live = f"every {chosen.update_interval_seconds} s" if chosen.realtime_pnl else "not at all"
    return f"Open pages get equity {live}; results are compared with {chosen.benchmark_symbol}."


def _check_benchmark(symbol: str) -> None:
    """A benchmark that a user names must be known; the platform's own default may be missing, which is then said."""
    default = Preferences().performance.benchmark_symbol
    if symbol != default and not Instrument.objects.filter(symbol=symbol).exists():
        raise ValidationFailed(f"There is no instrument {symbol}", field=FIELD, code="unknown_symbol")


def _warnings(preferences: Preferences) -> Sequence[Warned]:
    symbol = preferences.performance.benchmark_symbol
    if Instrument.objects.filter(symbol=symbol).exists():
        return ()
    return (Warned(FIELD, f"There are no prices of {symbol} here: results are shown without a benchmark."),)


PERFORMANCE = Subsystem(categories=frozenset({Category.PERFORMANCE}), acknowledge=_acknowledge, warnings=_warnings)
