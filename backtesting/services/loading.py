"""From a job's row to what a calculating process is given: settings, and bars as arrays with their warm-up."""

from datetime import datetime
from typing import Any

from backtesting.assignments import Assignment
from backtesting.models import Job
from backtesting.run_settings import restored
from domain.bars import BarArrays
from domain.errors import StrategyError
from marketdata import selectors as market
from marketdata.models import Instrument
from strategies.selectors import strategies_folder


def assignment_of(
    job: Job, *, progress_file: str = "", n_trials: int = 1, extra: dict[str, Any] | None = None
) -> Assignment:
    """Return a job's strategy, settings and bars. Raises StrategyError when an instrument or its bars are gone."""
    rows = _instruments(job)
    settings = restored(job.settings, [market.spec(row) for row in rows], job.timeframe)
    warmup = int(job.settings["warmup"])
    bars = {row.symbol: bars_of(row, job.timeframe, start=job.start_at, end=job.end_at, warmup=warmup) for row in rows}
    return Assignment(
        folder=str(strategies_folder()),
        type=job.type,
        parameters=job.request["parameters"],
        settings=settings,
        bars=bars,
        start=int(job.start_at.timestamp()),
        seed=int(job.settings["seed"]),
        n_trials=n_trials,
        benchmark=_benchmark(job, warmup),
        progress_file=progress_file,
        extra=extra or {},
    )


def bars_of(row: Instrument, timeframe: str, *, start: datetime, end: datetime, warmup: int) -> BarArrays:
    """Return the bars of a range and up to `warmup` before it."""
    before = market.bar_series(row, timeframe, end=start, limit=warmup) if warmup else BarArrays.empty()
    return BarArrays.join([before, market.bar_series(row, timeframe, start=start, end=end)])


def _instruments(job: Job) -> list[Instrument]:
    rows = {row.symbol: row for row in Instrument.objects.filter(symbol__in=job.symbols)}
    gone = [symbol for symbol in job.symbols if symbol not in rows]
    if gone:
        raise StrategyError(f"The instrument {gone[0]} is not there any more.", code="unknown_symbol")
    return [rows[symbol] for symbol in job.symbols]


def _benchmark(job: Job, warmup: int) -> tuple[str, str, BarArrays] | None:
    symbol = job.settings["benchmark"]
    row = Instrument.objects.filter(symbol=symbol).first() if symbol else None
    if row is None:
        return None
    return row.symbol, row.calendar, bars_of(row, job.timeframe, start=job.start_at, end=job.end_at, warmup=1)
