"""Suggestions from a user's own trades, with their evidence; and parameters that an optimization found better.

A preference is never changed here. A strategy's parameters are, where its user switched auto_deploy_optimized on.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from core.fields import plain
from core.models import OutboxEvent
from domain.errors import PlatformError
from portfolio.models import Trade
from portfolio.statistics import mean_interval
from preferences import selectors as preferences
from preferences import suggesting
from preferences.definitions import Category
from preferences.registry import Preferences
from preferences.suggesting import Finding
from strategies import services as strategies
from strategies.models import Strategy
from trading.models import Fill
from users.models import User

logger = logging.getLogger(__name__)

LEAST_TRADES = 20
MAX_TRADES = 2_000
_STEP = Decimal("0.05")
_STOP_STEP = Decimal("0.25")


@dataclass(frozen=True, slots=True)
class Past:
    """One closed trade: its net return and its worst excursion, both in per cent of the entry, and its confidence."""

    return_percent: Decimal
    mae_percent: Decimal | None
    confidence: Decimal | None


def find_for_everybody(*, at: datetime) -> int:
    """Look in every user's history; return how many suggestions are open after it."""
    n_open = 0
    for user_id in User.objects.filter(is_active=True).values_list("pk", flat=True):
        try:
            n_open += len(find_for_user(user_id, at=at))
        except PlatformError:
            logger.exception("no suggestions could be made for user %s", user_id)
    return n_open


def find_for_user(user_id: UUID, *, at: datetime) -> list[Finding]:
    """Keep what the history speaks for as suggestions and take back what it speaks for no more; return the former."""
    wishes = preferences.current(user_id)
    if not wishes.strategy.suggestions_enabled:
        suggesting.withdraw(user_id, at=at)
        return []
    past = closed_trades(user_id)
    found = [finding for finding in (confidence_finding(past, wishes), stop_finding(past, wishes)) if finding]
    kept = [finding for finding in found if suggesting.propose(user_id, finding) is not None]
    suggesting.withdraw(user_id, but=frozenset(finding.key for finding in kept), at=at)
    return kept


def closed_trades(user_id: UUID) -> list[Past]:
    """Return a user's newest closed trades, each with the confidence of the signal that opened it."""
    rows = Trade.objects.for_user(user_id).filter(closed_at__isnull=False).order_by("-closed_at")[:MAX_TRADES]
    trades = list(rows)
    fills = Fill.objects.filter(
        user_id=user_id, venue_fill_id__in=[trade.entry_fill for trade in trades], order__signal__isnull=False
    )
    known = fills.values_list("account_id", "venue_fill_id", "order__signal__confidence")
    confidence = {(account, fill): Decimal(repr(value)) for account, fill, value in known}
    return [
        Past(
            return_percent=trade.return_fraction * 100,
            mae_percent=None if trade.mae is None else -trade.mae * 100,
            confidence=confidence.get((trade.account_id, trade.entry_fill)),
        )
        for trade in trades
    ]


def confidence_finding(past: Sequence[Past], wishes: Preferences) -> Finding | None:
    """Suggest the threshold below which signals lost most, where their mean return is below 0 with 95 % confidence."""
    present = wishes.trading.min_confidence_threshold
    best: tuple[Decimal, Decimal, list[Decimal], tuple[float, float]] | None = None
    for threshold in _steps(present + _STEP, Decimal("0.95"), _STEP):
        below = [each.return_percent for each in past if each.confidence is not None and each.confidence < threshold]
        interval = mean_interval([float(each) for each in below]) if len(below) >= LEAST_TRADES else None
        if interval is not None and interval[1] < 0 and (best is None or sum(below) < best[1]):
            best = (threshold, sum(below, Decimal(0)), below, interval)
    if best is None:
        return None
    threshold, lost, below, interval = best
    return Finding(
        key="trading.min_confidence_threshold",
        category=Category.TRADING.value,
        field="min_confidence_threshold",
        present=plain(present),
        value=plain(threshold),
        title=f"Trade signals from a confidence of {plain(threshold)} on: those below it lost money",
        evidence={
            "trades": len(below),
            "mean_return_percent": _rounded(lost / len(below)),
            "interval_percent": [_rounded(bound) for bound in interval],
            "confidence_level": 0.95,
            "sum_percent": _rounded(lost),
        },
    )


def stop_finding(past: Sequence[Past], wishes: Preferences) -> Finding | None:
    """Suggest a tighter stop where it would have made the trades better, with 95 % confidence (by their MAE).

    A trade whose worst excursion reached the stop would have ended there; all others are as they were. A wider stop
    can not be judged by trades that the present one has cut off.
    """
    present = wishes.risk_management.stop_loss_percent
    known = [each for each in past if each.mae_percent is not None]
    if present <= _STOP_STEP or len(known) < LEAST_TRADES:
        return None
    best: tuple[Decimal, list[Decimal], tuple[float, float]] | None = None
    for stop in _steps(_STOP_STEP, present - _STOP_STEP, _STOP_STEP):
        gains = [_with_stop(each, stop) - each.return_percent for each in known]
        interval = mean_interval([float(each) for each in gains])
        if interval is not None and interval[0] > 0 and (best is None or sum(gains) > sum(best[1])):
            best = (stop, gains, interval)
    return None if best is None else _stop_words(present, *best, known)


def _with_stop(trade: Past, stop: Decimal) -> Decimal:
    is_hit = trade.mae_percent is not None and trade.mae_percent >= stop
    return -stop if is_hit else trade.return_percent


def _stop_words(
    present: Decimal, stop: Decimal, gains: list[Decimal], interval: tuple[float, float], known: Sequence[Past]
) -> Finding:
    winners = [each for each in known if each.return_percent > 0]
    cut = sum(each.mae_percent is not None and each.mae_percent >= stop for each in winners)
    return Finding(
        key="risk_management.stop_loss_percent",
        category=Category.RISK_MANAGEMENT.value,
        field="stop_loss_percent",
        present=plain(present),
        value=plain(stop),
        title=f"A stop loss of {plain(stop)} % would have made your trades better",
        evidence={
            "trades": len(known),
            "mean_gain_percent": _rounded(sum(gains, Decimal(0)) / len(gains)),
            "interval_percent": [_rounded(bound) for bound in interval],
            "confidence_level": 0.95,
            "winners": len(winners),
            "winners_cut_off": cut,
        },
    )


def _steps(first: Decimal, last: Decimal, step: Decimal) -> Iterable[Decimal]:
    value = (first / step).to_integral_value() * step
    while value <= last:
        yield value
        value += step


def _rounded(value: Decimal | float) -> float:
    return round(float(value), 4)


def take_optimized(event_id: UUID, *, at: datetime) -> bool:
    """Deploy optimized parameters where the user wants that and the strategy does not run; else only suggest them.

    Returns whether they were deployed. The same event again changes nothing.
    """
    event = OutboxEvent.objects.filter(event_id=event_id).first()
    if event is None or event.user_id is None:
        return False
    row = Strategy.objects.for_user(event.user_id).filter(pk=event.payload["strategy_id"]).first()
    if row is None or row.parameters == event.payload["parameters"]:
        return False
    wishes = preferences.current(row.user_id).strategy
    if wishes.auto_deploy_optimized and not row.is_active:
        strategies.update_strategy(row, {"parameters": event.payload["parameters"]}, at=at)
        return True
    if wishes.suggestions_enabled:
        suggesting.propose(row.user_id, _parameters_finding(row, event))
    return False


def _parameters_finding(row: Strategy, event: OutboxEvent) -> Finding:
    return Finding(
        key=f"strategy:{row.pk}",
        category=Category.STRATEGY.value,
        field="",
        strategy_id=row.pk,
        present=row.parameters,
        value=event.payload["parameters"],
        title=f"{row.name}: an optimization found better parameters",
        evidence=dict(event.payload["evidence"]),
    )
