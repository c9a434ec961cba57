"""Accounts: open, configure, reset, archive, and what each may do (its trading state)."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from core.bus import publish
from domain.errors import Conflict, FieldError, IllegalState, ValidationFailed
from domain.events import AccountOpened, AccountReset, TradingStateChanged
from domain.portfolio import TradingState
from portfolio.costs import fee_faults, slippage_faults, stored_costs
from portfolio.models import Account, Environment, Position

ZERO = Decimal(0)
MAX_CASH = Decimal(10) ** 12
_CURRENCY = re.compile(r"[A-Z][A-Z0-9]{2,7}", re.ASCII)


@transaction.atomic
def open_account(
    user: Any,
    *,
    name: str,
    starting_cash: Decimal,
    currency: str = "USD",
    broker: str = "paper",
    environment: str = Environment.PAPER,
    fees: Mapping[str, Any] | None = None,
    slippage: Mapping[str, Any] | None = None,
    at: datetime,
) -> Account:
    """Make an account that holds nothing but its starting cash; publishes AccountOpened.

    Raises ValidationFailed for values out of bounds, Conflict when the user has an account of this name.
    """
    _check(name=name, starting_cash=starting_cash, currency=currency, fees=fees or {}, slippage=slippage or {})
    _check_name_is_free(user, name)
    account = Account.objects.create(
        user=user,
        name=name,
        broker=broker,
        environment=environment,
        currency=currency,
        starting_cash=starting_cash,
        cash=starting_cash,
        equity=starting_cash,
        session_start_equity=starting_cash,
        peak_equity=starting_cash,
        fees=stored_costs(fees or {}),
        slippage=stored_costs(slippage or {}),
    )
    publish(
        AccountOpened(
            at=at,
            user_id=account.user_id,
            account_id=account.pk,
            account=name,
            broker=broker,
            starting_cash=starting_cash,
        )
    )
    return account


def _check(
    *, name: str, starting_cash: Decimal, currency: str, fees: Mapping[str, Any], slippage: Mapping[str, Any]
) -> None:
    found = [*fee_faults(fees), *slippage_faults(slippage)]
    if not name.strip():
        found.append(FieldError("name", "blank", "The account needs a name"))
    if not (starting_cash.is_finite() and ZERO < starting_cash <= MAX_CASH):
        text = f"The starting cash must be above 0 and at most {MAX_CASH:,}; {starting_cash} is not"
        found.append(FieldError("starting_cash", "out_of_range", text))
    if not _CURRENCY.fullmatch(currency):
        found.append(FieldError("currency", "invalid", f"{currency[:12]!r} is not a currency code such as USD"))
    if found:
        raise ValidationFailed.of(tuple(found))


def _check_name_is_free(user: Any, name: str) -> None:
    if Account.objects.for_user(user).filter(name=name, is_archived=False).exists():
        raise Conflict(f"You have an account named {name!r} already", field="name", code="name_taken")


@transaction.atomic
def configure_account(
    account: Account,
    *,
    name: str | None = None,
    fees: Mapping[str, Any] | None = None,
    slippage: Mapping[str, Any] | None = None,
) -> Account:
    """Change an account's name, fees or slippage (None leaves as it is). Raises ValidationFailed, Conflict."""
    account = Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    _check(
        name=account.name if name is None else name,
        starting_cash=account.starting_cash,
        currency=account.currency,
        fees=fees or {},
        slippage=slippage or {},
    )
    if name is not None and name != account.name:
        _check_name_is_free(account.user_id, name)
        account.name = name
    account.fees = account.fees if fees is None else stored_costs(fees)
    account.slippage = account.slippage if slippage is None else stored_costs(slippage)
    account.save(update_fields=["name", "fees", "slippage", "updated_at"])
    return account


@transaction.atomic
def set_trading_state(account: Account, state: TradingState, *, reason: str, by: str, at: datetime) -> Account:
    """Say what the account may do; publishes TradingStateChanged when that changes (else only the reason is kept)."""
    account = _locked(account)
    old = account.trading_state
    account.trading_state, account.trading_state_reason = TradingState(state), reason[:300]
    account.save(update_fields=["trading_state", "trading_state_reason", "updated_at"])
    if old != state:
        publish(
            TradingStateChanged(
                at=at,
                user_id=account.user_id,
                account_id=account.pk,
                old=str(old),
                new=str(state),
                reason=account.trading_state_reason,
                by=by,
            )
        )
    return account


@transaction.atomic
def reset_account(account: Account, *, n_working: int, at: datetime) -> Account:
    """Start a paper account again from its starting cash; its old books stay as history under the old epoch.

    ``at`` is wall-clock time; fills created before it count no more. Publishes AccountReset. Raises IllegalState for a
    live account, or while orders are working.
    """
    account = _locked(account)
    if account.environment != Environment.PAPER:
        raise IllegalState(f"{account.name} is a live account; only paper accounts can be reset")
    if n_working:
        raise IllegalState(f"{account.name} has {n_working} working orders; cancel them before the reset")
    Position.objects.filter(account=account, is_open=True).update(is_open=False)
    account.epoch += 1
    account.reset_at = at
    account.market_at = account.session_date = None
    account.gross_exposure = ZERO
    for name in ("cash", "equity", "session_start_equity", "peak_equity"):
        setattr(account, name, account.starting_cash)
    account.save()
    publish(
        AccountReset(
            at=at,
            user_id=account.user_id,
            account_id=account.pk,
            account=account.name,
            starting_cash=account.starting_cash,
        )
    )
    return account


@transaction.atomic
def archive(account: Account, *, n_working: int) -> Account:
    """Put an account away. Raises IllegalState while it holds positions or orders are working."""
    account = _locked(account)
    n_open = Position.objects.filter(account=account, epoch=account.epoch, is_open=True).count()
    if n_working or n_open:
        raise IllegalState(f"{account.name} still has {n_working} working orders and {n_open} open positions")
    account.is_archived = True
    account.save(update_fields=["is_archived", "updated_at"])
    return account


def _locked(account: Account) -> Account:
    """Lock the row and bring the caller's object up to date, so that it never writes old values back."""
    Account.objects.select_for_update(no_key=True).get(pk=account.pk)
    account.refresh_from_db()
    return account
