"""Starting a paper account again: its working orders are canceled, then its books begin anew."""

from django.db import transaction
from django.utils import timezone

from portfolio import selectors as portfolio
from portfolio.models import Account
from portfolio.services import accounts
from trading import selectors
from trading.services import bulk


def reset_account(account: Account) -> Account:
    """Cancel what works and start a paper account from its starting cash again. Publishes AccountReset.

    Raises IllegalState for a live account, or when an order could not be canceled at once.
    """
    if account.environment == "paper":
        bulk.cancel_all(bulk.Selection(user_id=account.user_id, account_id=account.pk), reason="the account is reset")
    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        n_working = selectors.open_orders(account.pk).count()
        return accounts.reset_account(locked, n_working=n_working, at=timezone.now())
