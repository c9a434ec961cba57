"""Alerts on results: a session's gain or loss, or a fall from the peak, that a user wants to be told of."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.bus import publish
from core.models import OutboxEvent
from domain.events import PerformanceAlertReached
from portfolio import selectors
from portfolio.models import Account
from preferences import selectors as preferences
from preferences.categories import PerformancePreferences

ZERO = Decimal(0)
HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Result:
    """One measure of an account's result: per cent, and the amount behind it."""

    kind: str
    percent: Decimal
    amount: Decimal
    limit: Decimal


def watch_results(account: Account, *, at: datetime) -> list[str]:
    """Publish PerformanceAlertReached for every threshold of the user's that the marked account has reached.

    Each kind is told once a session of the account. Must run in the transaction that marked it; returns the kinds.
    """
    wishes = preferences.current(account.user_id).performance
    reached = [result for result in results_of(account, wishes) if 0 < result.limit <= result.percent]
    new = [result for result in reached if not _was_told(account, result.kind, at)]
    for result in new:
        publish(
            PerformanceAlertReached(
                at=at,
                user_id=account.user_id,
                account_id=account.pk,
                account=account.name,
                kind=result.kind,
                value=round(result.percent, 4),
                limit=result.limit,
                amount=result.amount,
                currency=account.currency,
            )
        )
    return [result.kind for result in new]


def results_of(account: Account, wishes: PerformancePreferences) -> list[Result]:
    """Return an account's session gain, session loss and drawdown, each with the user's threshold."""
    start, peak, equity = account.session_start_equity, account.peak_equity, account.equity
    gain = equity - start
    found = []
    if start > 0:
        found.append(Result("profit", gain / start * HUNDRED, gain, wishes.profit_alert_percent))
        found.append(Result("loss", -gain / start * HUNDRED, -gain, wishes.loss_alert_percent))
    if peak > 0:
        fall = peak - equity
        found.append(Result("drawdown", fall / peak * HUNDRED, fall, wishes.drawdown_alert_percent))
    return found


def _was_told(account: Account, kind: str, at: datetime) -> bool:
    """Look for the newest alert of this kind, from the newest fact backwards: it is near, once it was told."""
    rows = OutboxEvent.objects.filter(account_id=account.pk, name=PerformanceAlertReached.name, payload__kind=kind)
    newest = rows.order_by("-seq").values_list("at", flat=True).first()
    return newest is not None and newest >= selectors.session_start(account, at)
