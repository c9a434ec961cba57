"""What a kill switch and a broken rule do to orders, positions and strategies: cancel, close, pause.

Called straight from the fact's handler, in the process that engaged the switch: it works with the queue down.
"""

import logging
from collections.abc import Iterator
from uuid import UUID

from django.db.models import Q

from domain.errors import PlatformError
from portfolio.models import Account
from risk.decisions import Action
from risk.models import KillScope, RiskBreach
from strategies.models import Strategy, StrategyState
from trading.services import bulk, strategies
from trading.services.quick_cancel import cancel_quickly

logger = logging.getLogger(__name__)


def stop_orders(*, scope: str, target_id: UUID | None, reason: str, flatten: bool, forbid_all: bool, key: str) -> int:
    """Cancel the orders of a kill switch's scope that add risk (all with ``forbid_all``); close positions to flatten.

    Stops and targets stay at the venue, save with ``forbid_all``. Returns how many orders and positions were acted on.
    """
    acted = 0
    for selection in _selections(scope, target_id):
        acted += cancel_quickly(selection, reason=f"kill switch: {reason}", only_new_risk=not forbid_all)
        if flatten:
            acted += len(bulk.close_all(selection, reason=f"kill switch: {reason}", key=key)[1])
    return acted


def _selections(scope: str, target_id: UUID | None) -> Iterator[bulk.Selection]:
    """The accounts (or the strategy) that a kill switch binds, one selection each."""
    if scope == KillScope.STRATEGY:
        row = Strategy.objects.get(Q(pk=target_id))
        yield bulk.Selection(user_id=row.user_id, account_id=row.account_id, strategy_id=row.pk)
        return
    accounts = Account.objects.filter(is_archived=False)
    if scope == KillScope.ACCOUNT:
        accounts = accounts.filter(Q(pk=target_id))
    elif scope == KillScope.USER:
        accounts = accounts.filter(Q(user_id=target_id))
    for account_id, user_id in accounts.values_list("pk", "user_id"):
        yield bulk.Selection(user_id=user_id, account_id=account_id)


def act_on_breach(breach_id: UUID, *, key: str) -> None:
    """Do what a broken rule's action asks of orders, positions and strategies (the account's state is set already)."""
    breach = RiskBreach.objects.filter(pk=breach_id).first()
    if breach is None:
        return
    if breach.action == Action.PAUSE_STRATEGY:
        _pause(breach)
    elif breach.action in (Action.FLATTEN, Action.HALT):
        selection = bulk.Selection(user_id=breach.user_id, account_id=breach.account_id, strategy_id=breach.strategy_id)
        bulk.cancel_all(selection, reason=breach.message, only_new_risk=True)
        if breach.action == Action.FLATTEN:
            bulk.close_all(selection, reason=breach.message, key=key)


def _pause(breach: RiskBreach) -> None:
    """Pause the strategy that the rule is about, or every one that runs on the account."""
    running = Strategy.objects.filter(account_id=breach.account_id, state=StrategyState.RUNNING)
    if breach.strategy_id is not None:
        running = running.filter(pk=breach.strategy_id)
    for strategy in running:
        try:
            strategies.pause_strategy(strategy, by="risk", reason=breach.message)
        except PlatformError:
            logger.info("strategy %s was stopped meanwhile", strategy.pk)
