"""What must be true before anything trades after a start: no stale leases, and books that agree with the venues."""

import logging

from domain.errors import PlatformError
from portfolio.models import Account
from trading.services import leases, reconcile

logger = logging.getLogger(__name__)


def prepare(*, is_only_process: bool) -> int:
    """Reconcile every account with its venue; return how many differ. ``is_only_process`` frees leases of the dead."""
    if is_only_process:
        leases.clear_all()
    differing = 0
    for account_id in Account.objects.filter(is_archived=False).values_list("pk", flat=True):
        try:
            outcome = reconcile.reconcile(account_id, grace=reconcile.NO_GRACE)
        except PlatformError:
            logger.exception("account %s could not be reconciled at the start", account_id)
            differing += 1
            continue
        differing += bool(outcome.differences)
    return differing
