"""Statistics of closed trades (pure): counts, win rate, averages, profit factor, with confidence intervals.

The win rate's interval is Wilson's (1927); a mean's is Student's t with the quantile by Hill's expansion (1970,
Algorithm 396), good to four digits for three trades and more.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from statistics import NormalDist
from zoneinfo import ZoneInfo

ZERO = Decimal(0)
_CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedTrade:
    """One closed round trip as statistics see it; times are of its entry."""

    pnl_net: Decimal
    fees: Decimal
    return_fraction: float
    r_multiple: float | None
    entry_at: datetime
    symbol: str
    strategy: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeStatistics:
    """What a group of closed trades did. Intervals are 95 %; None where there are too few trades to say."""

    group: str
    trades: int
    wins: int
    losses: int
    win_rate: float | None
    win_rate_interval: tuple[float, float] | None
    pnl_net: Decimal
    fees: Decimal
    expectancy: Decimal | None
    expectancy_interval: tuple[float, float] | None
    average_win: Decimal | None
    average_loss: Decimal | None
    profit_factor: float | None
    average_return: float | None
    average_r: float | None


Grouping = Callable[[ClosedTrade, ZoneInfo], Sequence[str]]
GROUPINGS: dict[str, Grouping] = {
    "tag": lambda trade, zone: trade.tags or ("(none)",),
    "strategy": lambda trade, zone: (trade.strategy or "(by hand)",),
    "symbol": lambda trade, zone: (trade.symbol,),
    "weekday": lambda trade, zone: (WEEKDAYS[trade.entry_at.astimezone(zone).weekday()],),
    "hour": lambda trade, zone: (f"{trade.entry_at.astimezone(zone).hour:02d}",),
}


def trade_statistics(trades: Iterable[ClosedTrade], *, group_by: str = "", zone: str = "UTC") -> list[TradeStatistics]:
    """Return the statistics of all trades ("all"), or of each group, by name; a trade with two tags is in both."""
    if not group_by:
        return [_statistics("all", list(trades))]
    groups: dict[str, list[ClosedTrade]] = {}
    for trade in trades:
        for name in GROUPINGS[group_by](trade, ZoneInfo(zone)):
            groups.setdefault(name, []).append(trade)
    order = WEEKDAYS.index if group_by == "weekday" else str
    return [_statistics(name, groups[name]) for name in sorted(groups, key=order)]


def _statistics(group: str, trades: list[ClosedTrade]) -> TradeStatistics:
    results = [trade.pnl_net for trade in trades]
    wins, losses = [each for each in results if each > 0], [each for each in results if each < 0]
    n, total, lost = len(trades), sum(results, ZERO), -sum(losses, ZERO)
    multiples = [trade.r_multiple for trade in trades if trade.r_multiple is not None]
    return TradeStatistics(
        group=group,
        trades=n,
        wins=len(wins),
        losses=len(losses),
        win_rate=len(wins) / n if n else None,
        win_rate_interval=wilson(len(wins), n) if n else None,
        pnl_net=total,
        fees=sum((trade.fees for trade in trades), ZERO),
        expectancy=total / n if n else None,
        expectancy_interval=mean_interval([float(each) for each in results]),
        average_win=sum(wins, ZERO) / len(wins) if wins else None,
        average_loss=sum(losses, ZERO) / len(losses) if losses else None,
        profit_factor=float(sum(wins, ZERO) / lost) if lost else None,
        average_return=math.fsum(trade.return_fraction for trade in trades) / n if n else None,
        average_r=math.fsum(multiples) / len(multiples) if multiples else None,
    )


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share. Raises ZeroDivisionError for no trials."""
    share = successes / n
    scale = 1 + _Z**2 / n
    middle = (share + _Z**2 / (2 * n)) / scale
    half = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)) / scale
    return max(0.0, middle - half), min(1.0, middle + half)


def mean_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """Return Student's 95 % interval of a mean; None below three values."""
    n = len(values)
    if n < 3:
        return None
    mean = math.fsum(values) / n
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1))
    half = student_quantile(n - 1) * deviation / math.sqrt(n)
    return mean - half, mean + half


def student_quantile(degrees: int) -> float:
    """Return the two-sided 95 % quantile of Student's t (Hill 1970) for two degrees of freedom and more."""
    probability = 1 - _CONFIDENCE
    if degrees == 2:
        return math.sqrt(2 / (probability * (2 - probability)) - 2)
    a = 1 / (degrees - 0.5)
    b = 48 / a**2
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * degrees
    x = d * probability
    y = x ** (2 / degrees)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(probability / 2)
        y = x * x
        if degrees < 5:
            c += 0.3 * (degrees - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y * y)
    else:
        y = (
            (1 / (((degrees + 6) / (degrees * y) - 0.089 * d - 0.822) * (degrees + 2) * 3) + 0.5 / (degrees + 4)) * y
            - 1
        ) * (degrees + 1) / (degrees + 2) + 1 / y
    return math.sqrt(degrees * y)
