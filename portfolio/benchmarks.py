"""An account's result beside its user's benchmark over the same time; a benchmark that is missing is said."""

from dataclasses import dataclass
from datetime import datetime

from domain.bars import Timeframe
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors
from portfolio.models import Account
from preferences import selectors as preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two returns as fractions over one time; None where there is nothing to measure, and then ``message`` says why."""

    benchmark_symbol: str
    start: datetime | None
    end: datetime | None
    account_return: float | None
    benchmark_return: float | None
    message: str


def comparison(account: Account) -> Comparison:
    """Compare an account with the benchmark of its user's preferences, from its first mark to its last."""
    symbol = preferences.current(account.user_id).performance.benchmark_symbol
    curve = selectors.equity_curve(account)
    if len(curve) < 2 or curve[0].equity <= 0:
        return _without(symbol, "The account was not marked twice yet: there is nothing to compare")
    start, end = curve[0].at, curve[-1].at
    own = float(curve[-1].equity / curve[0].equity - 1)
    other, message = _return_of(symbol, start, end)
    return Comparison(
        benchmark_symbol=symbol, start=start, end=end, account_return=own, benchmark_return=other, message=message
    )


def _without(symbol: str, message: str) -> Comparison:
    return Comparison(
        benchmark_symbol=symbol, start=None, end=None, account_return=None, benchmark_return=None, message=message
    )


def _return_of(symbol: str, start: datetime, end: datetime) -> tuple[float | None, str]:
    row = Instrument.objects.filter(symbol=symbol).first()
    if row is None:
        return None, f"There are no prices of {symbol}: import some, or choose another benchmark in the preferences"
    closes = [market.bar_series(row, Timeframe.D1, limit=1, as_of=moment).c for moment in (start, end)]
    if not all(len(column) for column in closes):
        return None, f"The prices of {symbol} do not cover this time"
    return float(closes[1][0] / closes[0][0] - 1), ""
