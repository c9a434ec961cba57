"""Wake-ups of the order road. Each finds its work in the database and may run as often as anybody likes."""

import logging
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from domain.errors import PlatformError
from domain.events import AccountMarked
from portfolio.models import Account
from preferences import selectors as preferences
from realtime import push, topics
from trading import pipeline
from trading.models import AccountCursor
from trading.services import approvals, reconcile, reviews, suggestions, watching

logger = logging.getLogger(__name__)


@shared_task(name="trading.run_account", ignore_result=True)
def run_account(account_id: str) -> int:
    """Bring one account up to its market time."""
    return pipeline.run_account(Account(pk=account_id).pk)


@shared_task(name="trading.sweep_accounts", ignore_result=True)
def sweep_accounts() -> int:
    """Run every account that has bars to do: finds what a lost wake-up should have started."""
    done = 0
    for account_id in AccountCursor.objects.values_list("account_id", flat=True).distinct():
        try:
            done += pipeline.run_account(account_id)
        except PlatformError:
            logger.exception("account %s could not be brought up to date", account_id)
    return done


@shared_task(name="trading.reconcile_accounts", ignore_result=True)
def reconcile_accounts() -> int:
    """Compare every account with its venue."""
    differences = 0
    for account_id in Account.objects.filter(is_archived=False).values_list("pk", flat=True):
        try:
            differences += len(reconcile.reconcile(account_id).differences)
        except PlatformError:
            logger.exception("account %s could not be reconciled", account_id)
    return differences


@shared_task(name="trading.push_equity", ignore_result=True)
def push_equity(account_id: str) -> None:
    """Tell the browsers an account's present equity, after marks that came too fast to be told one by one."""
    account = Account.objects.get(pk=account_id)
    if preferences.current(account.user_id).performance.realtime_pnl:
        data = {"equity": account.equity, "cash": account.cash, "account_id": account_id, "at": account.market_at}
        push.send(topics.account_topic(account_id), AccountMarked.name, data)


@shared_task(name="trading.review_strategies", ignore_result=True)
def review_strategies() -> int:
    """Pause strategies that underperform, where their users want that."""
    return reviews.review_strategies()


@shared_task(name="trading.find_suggestions", ignore_result=True)
def find_suggestions() -> int:
    """Look in every user's history for settings that it speaks for."""
    return suggestions.find_for_everybody(at=timezone.now())


@shared_task(name="trading.take_optimized", ignore_result=True)
def take_optimized(event_id: str) -> bool:
    """Deploy, or only suggest, parameters that an optimisation found better."""
    return suggestions.take_optimized(UUID(event_id), at=timezone.now())


@shared_task(name="trading.expire_signals", ignore_result=True)
def expire_signals() -> int:
    """Let signals expire that nobody approved in time."""
    return approvals.expire_waiting(now=timezone.now())


@shared_task(name="trading.watch_accounts", ignore_result=True)
def watch_accounts() -> int:
    """Measure the portfolio rules of every account that holds something."""
    return watching.watch_accounts()
