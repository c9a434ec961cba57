"""From a run to a paper strategy with the same settings: a draft, which its user starts."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction

from backtesting.models import Job
from backtesting.selectors import check_completed
from backtesting.services.paper_rules import carry_rules
from domain.bars import Timeframe
from domain.errors import Conflict, NotFound, ValidationFailed
from domain.sizing import SizingMethod
from portfolio import selectors as portfolio
from portfolio.models import Account, Environment
from portfolio.services.accounts import open_account
from strategies import services as strategies
from strategies.models import Strategy, StrategyMode

MAX_NAMES = 100


@transaction.atomic
def deploy(
    job: Job,
    *,
    at: datetime,
    account_id: UUID | None = None,
    name: str = "",
    parameters: dict[str, Any] | None = None,
) -> Strategy:
    """Make a paper strategy of a completed job: its type, symbols, bars, sizing and (best) parameters.

    Without an account it gets a new paper account with the run's cash, fees, slippage and rules; a given account keeps
    its own. Raises IllegalState without a result, ValidationFailed for an account that is not a paper account of the
    user and for costs that only a backtest can charge, Conflict for a taken name or too many rules.
    """
    check_completed(job)
    _check_costs(job)
    account = _account(job, account_id) if account_id is not None else _new_account(job, at)
    sizing = job.settings["sizing"]
    settings = strategies.Settings(
        name=name.strip() or _free_name(job),
        type=job.type,
        parameters=parameters or best_parameters(job),
        symbols=job.symbols,
        timeframe=Timeframe(job.timeframe),
        account_id=account.pk,
        sizing_method=SizingMethod(sizing["method"]),
        sizing_value=Decimal(sizing["value"]),
        allow_short=bool(job.settings["allow_short"]),
        mode=StrategyMode.PAPER,
    )
    made = strategies.create_strategy(job.user, settings, at=at)
    if account_id is None:
        carry_rules(job, made, at=at)
    return made


def _check_costs(job: Job) -> None:
    """Refuse costs that only a backtest can charge: on paper the same orders would fill at other prices."""
    if Decimal(job.settings["slippage"].get("entry_bps", 0)):
        message = (
            "This run charges a spread at entries alone, which a paper account can not do. Run it again without it "
            "(slippage counts at entries and exits), then trade that on paper."
        )
        raise ValidationFailed(message, field="slippage.entry_bps", code="backtest_only")


def best_parameters(job: Job) -> dict[str, Any]:
    """Return the parameters that a job speaks for: a run's own, the best of a sweep, the last of a walk-forward."""
    best = job.summary.get("best") or {}
    found: dict[str, Any] = best.get("parameters") or job.request["parameters"]
    return dict(found)


def _account(job: Job, account_id: UUID) -> Account:
    try:
        account = portfolio.account_for(job.user, account_id)
    except NotFound as error:
        raise ValidationFailed("There is no such account.", field="account", code="unknown_account") from error
    if account.environment != Environment.PAPER:
        message = f"{account.name} is a live account; a run becomes a paper strategy first."
        raise ValidationFailed(message, field="account", code="mode_differs")
    return account


def _new_account(job: Job, at: datetime) -> Account:
    taken = set(Account.objects.for_user(job.user_id).filter(is_archived=False).values_list("name", flat=True))
    return open_account(
        job.user,
        name=_free(f"Paper: {job}"[:56], taken),
        starting_cash=Decimal(job.settings["starting_cash"]),
        currency=job.settings["currency"],
        fees=job.settings["fees"],
        slippage=job.settings["slippage"],
        at=at,
    )


def _free_name(job: Job) -> str:
    taken = set(Strategy.objects.for_user(job.user_id).values_list("name", flat=True))
    return _free(str(job)[:56], taken)


def _free(wanted: str, taken: set[str]) -> str:
    if wanted not in taken:
        return wanted
    for number in range(2, MAX_NAMES):
        if f"{wanted} {number}" not in taken:
            return f"{wanted} {number}"
    raise Conflict(f"There are too many named {wanted!r} already; choose a name.", field="name", code="name_taken")
