"""The gate as the one door uses it: rules read inside the order's transaction, the decision stored with its inputs."""

import logging
from datetime import datetime

from django.db import transaction

from core.prepared import insert
from domain.portfolio import AccountSnapshot
from portfolio.models import Account
from risk import selectors
from risk.decisions import Decision, MarketView, OrderIntent, RuleSpec
from risk.gate import evaluate
from risk.models import RiskDecision
from risk.records import Question, reasons_of, stored
from risk.services.consequences import apply_consequences

logger = logging.getLogger(__name__)


def check_order(
    account: Account, intent: OrderIntent, snapshot: AccountSnapshot, *, market: MarketView, at: datetime
) -> tuple[Decision, RiskDecision]:
    """Judge an order under the rules in force and store the decision; carries out what broken rules ask for besides.

    Runs inside the caller's transaction with the account row locked. Whatever goes wrong inside denies (what only
    reduces passes) and is told in the decision. May publish RiskRuleBreached, TradingStateChanged.
    """
    question, version = _asked(account, intent, snapshot, market, at)
    decision = _answer(question)
    row = RiskDecision(
        user_id=account.user_id,
        account=account,
        instrument_id=intent.instrument_id,
        strategy_id=intent.strategy_id,
        side=intent.side.value,
        requested=intent.quantity if intent.quantity.is_finite() else None,
        quantity=decision.quantity,
        verdict=decision.verdict.value,
        message=decision.message,
        reasons=reasons_of(decision),
        inputs=stored(question),
        preferences_version=version,
        decided_at=at,
    )
    insert([row])
    if decision.consequences:
        apply_consequences(account, intent, decision, question.rules, at=at)
    return decision, row


def preview(
    account: Account, intent: OrderIntent, snapshot: AccountSnapshot, *, market: MarketView, at: datetime
) -> Decision:
    """Return what ``check_order`` would decide now, without storing or changing anything."""
    with transaction.atomic():
        question, _ = _asked(account, intent, snapshot, market, at)
    return _answer(question)


def _asked(
    account: Account, intent: OrderIntent, snapshot: AccountSnapshot, market: MarketView, at: datetime
) -> tuple[Question, int | None]:
    rules: tuple[RuleSpec, ...] = ()
    version: int | None = None
    faults: tuple[str, ...] = ()
    try:
        with transaction.atomic():
            # Kill switches first: they bind even if the rest can not be read.
            rules = selectors.kill_rules(account, intent.strategy_id)
            in_force = selectors.rules_in_force(account, at=at)
            rules, version = (*rules, *in_force.rules), in_force.preferences_version
    except Exception as error:  # fails closed, whatever it is
        logger.exception("the limits of account %s can not be read", account.pk)
        faults = (f"The limits in force can not be read ({type(error).__name__}: {error})",)
    question = Question(intent=intent, snapshot=snapshot, rules=rules, market=market, at=at, faults=faults)
    return question, version


def _answer(question: Question) -> Decision:
    return evaluate(
        question.intent,
        question.snapshot,
        question.rules,
        market=question.market,
        at=question.at,
        faults=question.faults,
    )
