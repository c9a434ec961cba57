"""Whether one more strategy still differs enough from those that run: correlation, and weight in one sector."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

import numpy as np

from core.fields import plain
from domain.bars import Floats, Timeframe
from domain.errors import ValidationFailed
from domain.sizing import SizingMethod
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio.models import Account
from preferences.registry import Preferences
from risk.sizing_inputs import preferred_value
from strategies.models import Strategy

N_RETURNS = 60
_LEAST_RETURNS = 20
HUNDRED = Decimal(100)


def check_start(row: Strategy, running: Sequence[Strategy], account: Account, wishes: Preferences) -> None:
    """Raise ValidationFailed when a strategy may not start beside those that run (itself not among them)."""
    together = [*running, row]
    wanted = min(wishes.strategy.min_uncorrelated_strategies, len(together))
    if wanted > 1:
        _check_correlation(together, wanted, wishes.risk_management.max_correlation)
    same_account = [each for each in together if each.account_id == account.pk]
    _check_sectors(same_account, account, wishes)


def _check_correlation(together: Sequence[Strategy], wanted: int, most: Decimal) -> None:
    found = n_uncorrelated([returns_of(each) for each in together], float(most))
    if found < wanted:
        text = (
            f"Of the {len(together)} strategies that would run, {found} would be uncorrelated (at most {plain(most)}); "
            f"your preferences want {wanted}"
        )
        raise ValidationFailed(text, field="min_uncorrelated_strategies", code="too_correlated")


def returns_of(strategy: Strategy) -> dict[int, float]:
    """Return the mean daily returns of a strategy's instruments by day, of the last 60 days that are known."""
    columns: dict[int, list[float]] = {}
    for instrument in strategy.instruments.all():
        until = market.visible_until(instrument)
        bars = market.bar_series(instrument, Timeframe.D1, limit=N_RETURNS + 1, as_of=until)
        if len(bars) > 1:
            for day, value in zip(bars.t[1:].tolist(), (bars.c[1:] / bars.c[:-1] - 1).tolist(), strict=True):
                columns.setdefault(day, []).append(value)
    return {day: sum(values) / len(values) for day, values in columns.items()}


def n_uncorrelated(series: Sequence[dict[int, float]], most: float) -> int:
    """Return how many of the series, taken one after the other, correlate with none that was taken before.

    Two series without at least 20 common days, or without any movement, count as correlated: nothing shows that they
    differ.
    """
    taken: list[dict[int, float]] = []
    for each in series:
        if all(not _is_correlated(each, other, most) for other in taken):
            taken.append(each)
    return len(taken)


def _is_correlated(one: dict[int, float], other: dict[int, float], most: float) -> bool:
    days = sorted(one.keys() & other.keys())
    if len(days) < _LEAST_RETURNS:
        return True
    a: Floats = np.array([one[day] for day in days])
    b: Floats = np.array([other[day] for day in days])
    if a.std() == 0 or b.std() == 0:
        return True
    return bool(np.corrcoef(a, b)[0, 1] > most)


def _check_sectors(together: Iterable[Strategy], account: Account, wishes: Preferences) -> None:
    limit = wishes.strategy.max_sector_concentration_percent
    for sector, percent in sector_percents(together, account, wishes).items():
        if percent > limit:
            text = (
                f"The running strategies could put {plain(round(percent, 2))} % of equity into {sector}; "
                f"your preferences allow {plain(limit)} %"
            )
            raise ValidationFailed(text, field="max_sector_concentration_percent", code="too_concentrated")


def sector_percents(together: Iterable[Strategy], account: Account, wishes: Preferences) -> dict[str, Decimal]:
    """Return what strategies can put into each sector in per cent of equity, an instrument at most at its limit."""
    found: dict[str, Decimal] = {}
    for strategy in together:
        for instrument in strategy.instruments.all():
            sector = instrument.sector or instrument.symbol
            percent = min(_planned_percent(strategy, instrument, account, wishes), _largest(wishes))
            found[sector] = found.get(sector, Decimal(0)) + percent
    return found


def _largest(wishes: Preferences) -> Decimal:
    return wishes.risk_management.max_position_size_percent


def _planned_percent(strategy: Strategy, instrument: Instrument, account: Account, wishes: Preferences) -> Decimal:
    """What one entry takes where its sizing says so; else as much as one position may have."""
    method = strategy.sizing_method or wishes.trading.default_sizing_method
    percent = wishes.trading.default_position_size_percent
    value = strategy.sizing_value or preferred_value(method, percent, starting_cash=account.starting_cash)
    if method == SizingMethod.PERCENT_EQUITY:
        return value
    if method == SizingMethod.EQUAL_WEIGHT and value >= 1:
        return HUNDRED / value
    if method == SizingMethod.FIXED_VALUE and account.equity > 0:
        return value / account.equity * HUNDRED
    return _largest(wishes)
