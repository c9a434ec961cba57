"""What commands are told by name: a user, one of the user's accounts or strategies."""

from typing import Any
from uuid import UUID

from django.core.management.base import CommandError

from portfolio import selectors as portfolio
from portfolio.models import Account
from strategies import selectors as strategies
from strategies.models import Strategy
from users.models import User


def user_named(username: str) -> User:
    """Return a user by name. Raises CommandError."""
    found: User | None = User.objects.filter(username=username).first()
    if found is None:
        raise CommandError(f"There is no user {username!r}")
    return found


def account_named(user: Any, name: str) -> Account:
    """Return a user's account by name or id. Raises CommandError."""
    rows = portfolio.accounts_of(user)
    found: Account | None = rows.filter(name=name).first() or (rows.filter(pk=name).first() if is_id(name) else None)
    if found is None:
        known = ", ".join(rows.order_by("name").values_list("name", flat=True)) or "none"
        raise CommandError(f"{user} has no account {name!r} (there are: {known})")
    return found


def any_account(name: str) -> Account:
    """Return any user's account by id, or by name where only one has it. Raises CommandError."""
    rows = Account.objects.filter(is_archived=False)
    found = list(rows.filter(pk=name) if is_id(name) else rows.filter(name=name)[:2])
    if not found:
        raise CommandError(f"There is no account {name!r}")
    if len(found) > 1:
        raise CommandError(f"Several users have an account {name!r}; name it by its id")
    account: Account = found[0]
    return account


def strategy_named(user: Any, name: str) -> Strategy:
    """Return a user's strategy by name or id. Raises CommandError."""
    rows = strategies.strategies_of(user)
    found: Strategy | None = rows.filter(name=name).first() or (rows.filter(pk=name).first() if is_id(name) else None)
    if found is None:
        known = ", ".join(rows.order_by("name").values_list("name", flat=True)) or "none"
        raise CommandError(f"{user} has no strategy {name!r} (there are: {known})")
    return found


def is_id(text: str) -> bool:
    """Tell whether a text is a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True
