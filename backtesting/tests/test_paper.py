"""From a run to paper: rules, costs and money go along, and what can not go along is said."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from backtesting.services.deploying import deploy
from backtesting.services.paper_differences import differences_of
from backtesting.tests.jobs import done, request, stored_walk
from backtesting.tests.test_api_backtests import URL, completed
from core.testing import api_client, make_user, page_client
from portfolio.tests.factories import make_account
from preferences.definitions import Category
from preferences.services import change
from risk.models import RiskRule
from risk.services.rules import create_rule
from strategies.models import Strategy
from strategies.services import Settings, create_strategy

pytestmark = pytest.mark.django_db
RULES: list[dict[str, Any]] = [
    {"name": "Half", "type": "max_position_size", "scope": "account", "limit": "50", "action": "resize"},
    {"type": "max_drawdown", "limit": "20", "action": "halt", "latched": True, "cool_down_seconds": 60},
    {"type": "max_position_size", "scope": "instrument", "symbol": "WALK", "limit": "40", "warning_at": 0.5},
]


@pytest.fixture
def user() -> Any:
    stored_walk()
    return make_user()


def deployed(user: Any, job: dict[str, Any], **given: Any) -> tuple[Strategy, list[str]]:
    answer = api_client(user).post(f"{URL}{job['id']}/deploy/", given)
    assert answer.status_code == 201, answer.content
    return Strategy.objects.get(pk=answer.json()["strategy"]), answer.json()["differences"]


def test_rules_written_for_a_run_hold_on_its_paper_account(user: Any) -> None:
    row, told = deployed(user, completed(user, risk_rules=RULES))

    rules = list(RiskRule.objects.for_user(user).order_by("created_at"))
    assert [(rule.type, str(rule.limit.normalize()), rule.action) for rule in rules] == [
        ("max_position_size", "5E+1", "resize"),
        ("max_drawdown", "2E+1", "halt"),
        ("max_position_size", "4E+1", "reject"),
    ]
    assert {rule.account_id for rule in rules} == {row.account_id}
    assert (rules[1].latched, rules[1].cool_down_seconds) == (True, 60)
    assert (rules[2].instrument and rules[2].instrument.symbol, rules[2].warning_at) == ("WALK", 0.5)
    assert rules[0].name == f"Half: {row.name}"
    assert not any("do not hold on paper" in each for each in told)


def test_the_same_run_twice_on_paper_makes_rules_of_its_own_each_time(user: Any) -> None:
    job = completed(user, risk_rules=RULES[:1], name="N" * 64)
    rows = [deployed(user, job)[0] for _ in range(2)]

    assert {rule.account_id for rule in RiskRule.objects.for_user(user)} == {row.account_id for row in rows}


def test_own_rules_of_another_account_or_strategy_go_along_and_those_of_all_accounts_stay_one(user: Any) -> None:
    account = make_account(user)
    strategy = create_strategy(
        user,
        Settings(
            name="Mine",
            type="sma_cross",
            parameters={"fast": 5, "slow": 20},
            symbols=["WALK"],
            timeframe=request().timeframe,
            account_id=account.pk,
        ),
        at=timezone.now(),
    )
    said = {"type": "max_position_size", "limit": Decimal(30), "action": "resize"}
    create_rule(user, {**said, "name": "All"}, at=timezone.now())
    create_rule(user, {**said, "name": "Account", "account": account}, at=timezone.now())
    gone = create_rule(user, {**said, "name": "Gone", "account": account}, at=timezone.now())
    own = {**said, "scope": "strategy", "strategy_id": strategy.pk}
    create_rule(user, {**own, "name": "Strategy"}, at=timezone.now())
    job = done(user, request(strategy_id=strategy.pk, risk_rules="mine"))
    assert job.is_completed, job.error
    gone.delete()

    made = deploy(job, at=timezone.now())

    carried = RiskRule.objects.for_user(user).filter(account=made.account)
    assert set(carried.values_list("name", "strategy_id")) == {
        (f"Account: {made.name}", None),
        (f"Strategy: {made.name}", made.pk),
    }
    assert differences_of(job, made) == []


def test_a_rule_of_a_run_that_is_switched_off_holds_nothing_back(user: Any) -> None:
    off, none = [{**RULES[0], "limit": "1", "enabled": False}], completed(user)
    job = completed(user, risk_rules=off)

    assert job["metrics"] == none["metrics"]
    deployed(user, job)
    assert not RiskRule.objects.for_user(user).exists()


def test_what_paper_does_otherwise_is_said(user: Any) -> None:
    _, told = deployed(user, completed(user, financing={"borrow_percent": "3"}))

    assert any("Interest and borrow cost" in each for each in told)
    assert any("hold on paper and did not in the run" in each for each in told)  # the run had none
    assert RiskRule.objects.for_user(user).count() == 0


def test_a_given_account_keeps_its_own_costs_and_rules_and_that_is_said(user: Any) -> None:
    account = make_account(user)
    _, told = deployed(user, completed(user, risk_rules=RULES[:1]), account=str(account.pk))

    assert RiskRule.objects.for_user(user).count() == 0
    assert any(f"those of {account.name}" in each for each in told)
    assert any("do not hold on paper: Half" in each for each in told)


def test_preferences_that_changed_since_the_run_are_named(user: Any) -> None:
    job = completed(user, risk_rules="mine", fees={}, slippage={})
    change(user, Category.TRADING, {"max_daily_trades": 3})

    _, told = deployed(user, job)

    assert told == ["These preferences are other than in the run: Most entries per session."]


def test_a_run_as_live_differs_in_nothing_and_the_page_says_what_does(user: Any) -> None:
    _, told = deployed(user, completed(user, risk_rules="mine"))
    job = completed(user, name="Page")
    client = page_client(user)

    page = client.post(f"/backtests/{job['id']}/deploy/", follow=True).content.decode()

    assert told == []
    assert "hold on paper and did not in the run" in page
