"""Putting a strategy's real life beside its shadow, step by step: what agrees, what differs. Pure.

A step is an order, or a signal that became none; the two sides' steps belong together when they are of one moment.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from math import isclose
from typing import TypeVar

from analytics.twin.causes import cause_of
from analytics.twin.values import (
    Cause,
    Comparison,
    Difference,
    Happening,
    Side,
    Step,
    TradePair,
    TwinTrade,
)

SAME = 1e-6  # as a fraction: the compiled engine calculates in float64, live in decimals
Row = TypeVar("Row", Step, TwinTrade)
Key = tuple[str, str, datetime]


def compare(live: Side, shadow: Side, happenings: Sequence[Happening] = ()) -> Comparison:
    """Put two sides next to each other by time; each difference gets its one cause."""
    differences: list[Difference] = []
    n_matched = 0
    for ours, theirs in _pairs(live.steps, shadow.steps, lambda step: (step.symbol, step.role, step.at)):
        fields = differing(ours, theirs)
        if fields:
            differences.append(_difference(ours, theirs, fields, happenings, differences))
        else:
            n_matched += 1
    trades = _pairs(live.trades, shadow.trades, lambda trade: (trade.symbol, trade.side, trade.entry_at))
    return Comparison(
        live=live,
        shadow=shadow,
        n_matched=n_matched,
        trades=tuple(_trade_pair(ours, theirs, differences) for ours, theirs in trades),
        differences=tuple(differences),
    )


def differing(live: Step | None, shadow: Step | None) -> tuple[str, ...]:
    """Return in what two steps differ: nothing, "missing" where one side has none, or the names of the fields."""
    if live is None or shadow is None:
        return ("missing",)
    found = [name for name in ("side", "status", "filled_at") if getattr(live, name) != getattr(shadow, name)]
    amounts = [name for name in ("quantity", "filled", "level", "price", "fee") if not _same(live, shadow, name)]
    return (*found, *amounts)


def _same(live: Step, shadow: Step, name: str) -> bool:
    one, two = getattr(live, name), getattr(shadow, name)
    return one == two if one is None or two is None else _close(one, two)


def _close(one: Decimal, two: Decimal) -> bool:
    return isclose(float(one), float(two), rel_tol=SAME, abs_tol=SAME)


def _pairs(
    live: Iterable[Row], shadow: Iterable[Row], key: Callable[[Row], Key]
) -> list[tuple[Row | None, Row | None]]:
    """Match rows of the same key in their order; return the pairs by time."""
    mine: dict[Key, list[Row]] = _by_key(live, key)
    others: dict[Key, list[Row]] = _by_key(shadow, key)
    found: list[tuple[Row | None, Row | None]] = []
    for each in sorted({*mine, *others}, key=lambda k: (k[2], k[0], k[1])):
        one, two = mine.get(each, []), others.get(each, [])
        n = max(len(one), len(two))
        found += [(one[i] if i < len(one) else None, two[i] if i < len(two) else None) for i in range(n)]
    return found


def _by_key(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found


def _difference(
    live: Step | None,
    shadow: Step | None,
    fields: tuple[str, ...],
    happenings: Sequence[Happening],
    earlier: Sequence[Difference],
) -> Difference:
    one = live or shadow
    if one is None:
        raise ValueError("a difference has at least one side")
    cause, message = cause_of(live, shadow, fields, happenings, earlier)
    return Difference(
        at=one.at,
        symbol=one.symbol,
        role=one.role,
        side=one.side,
        live=live,
        shadow=shadow,
        fields=fields,
        cause=cause,
        message=message,
    )


def _trade_pair(live: TwinTrade | None, shadow: TwinTrade | None, differences: Sequence[Difference]) -> TradePair:
    return TradePair(live=live, shadow=shadow, cause=_cause_of_trade(live, shadow, differences))


def _cause_of_trade(
    live: TwinTrade | None, shadow: TwinTrade | None, differences: Sequence[Difference]
) -> Cause | None:
    """Return the cause of the first difference in a trade's life that is no mere consequence; None: it agrees."""
    if live is not None and shadow is not None and _same_trade(live, shadow):
        return None
    trades = [trade for trade in (live, shadow) if trade is not None]
    ends = [trade.exit_at for trade in trades]
    end = None if None in ends else max(each for each in ends if each is not None)
    mine = [
        each for each in differences if each.symbol == trades[0].symbol and (end is None or each.at <= end)
    ]  # its entry was decided before it was filled
    begun = [each for each in mine if _last_moment(each) >= trades[0].entry_at] or mine[-1:]
    return next((each.cause for each in begun if each.cause is not Cause.FOLLOWS), begun[0].cause if begun else None)


def _same_trade(live: TwinTrade, shadow: TwinTrade) -> bool:
    amounts = ("quantity", "entry_price", "pnl_net", "fees")
    return live.exit_at == shadow.exit_at and all(_close(getattr(live, n), getattr(shadow, n)) for n in amounts)


def _last_moment(difference: Difference) -> datetime:
    """Return when the last side's order of a difference was filled, else when it was decided."""
    filled = [step.filled_at for step in (difference.live, difference.shadow) if step is not None and step.filled_at]
    return max([difference.at, *filled])
