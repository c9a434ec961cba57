"""Every type that is watched between orders, with every action and scope: what the monitor opens, sets and asks for."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import transaction

from core.models import OutboxEvent
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account, Position
from portfolio.tests.factories import START, make_account, make_instrument
from risk import selectors
from risk.decisions import Action, RuleSpec, Scope
from risk.gate import concerns_line
from risk.models import RiskBreach, RiskRule
from risk.position_rules import CLOSING, Holding, concerning, is_to_close, measured_of
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase
from risk.selectors import WATCHED_ONLY
from risk.services.monitoring import monitor

D = Decimal
DAY = 86_400
pytestmark = pytest.mark.django_db
STATE_AFTER = {Action.REDUCE_ONLY: "reducing", Action.FLATTEN: "halted", Action.HALT: "halted"}
STRATEGY = UUID(int=77)


@dataclass(frozen=True)
class Breaking:
    """What breaks a type: its limit, the account's equity, the numbers found, the position, the rule's parameters."""

    limit: str
    equity: int = 100_000
    numbers: dict[str, Decimal] = field(default_factory=dict)
    holding: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)


BREAKING = {
    "max_daily_loss": Breaking("3", equity=97_000),
    "max_drawdown": Breaking("3", equity=97_000),
    "value_at_risk": Breaking("2", numbers={"value_at_risk": D(2_001)}),
    "loss_streak": Breaking("4", numbers={"n_losing_trades": D(4)}),
    "reject_streak": Breaking("3", numbers={"n_rejected_orders": D(3)}),
    "slippage_budget": Breaking("0.5", numbers={"slippage_cost": D(500)}),
    "stop_loss": Breaking("2", holding={"mark": D(98)}),
    "take_profit": Breaking("6", holding={"mark": D(106)}),
    "max_holding_time": Breaking(str(DAY), holding={"opened_at": START - timedelta(days=1)}),
    "flat_by": Breaking("0", parameters={"time": START.strftime("%H:%M"), "until": "23:59"}),
    "unprotected_position": Breaking("1000", holding={"accrued": D(1_000)}),
}
WATCHED = sorted(t.name for t in RULE_TYPES.values() if t.phases & {Phase.PORTFOLIO, Phase.POSITION})
CASES = [
    (name, action, scope)
    for name in WATCHED
    for action, scope in itertools.product(sorted(RULE_TYPES[name].actions), sorted(RULE_TYPES[name].scopes))
]


def test_every_watched_type_has_a_breaking_case() -> None:
    assert sorted(BREAKING) == WATCHED


@pytest.fixture
def aapl() -> Instrument:
    return make_instrument(f"AA{uuid4().hex[:4].upper()}", sector="Technology")


@pytest.fixture
def account() -> Account:
    return make_account()


def put(account: Account, aapl: Instrument, name: str, action: Action, scope: Scope, **more: Any) -> RiskRule:
    """Put a rule straight into the table: the strategy need not exist for the monitor."""
    targets = {
        Scope.STRATEGY: {"strategy_id": STRATEGY},
        Scope.INSTRUMENT: {"instrument": aapl},
        Scope.SECTOR: {"sector": "Technology"},
    }
    case = BREAKING[name]
    values = {**targets.get(scope, {}), **more}
    return RiskRule.objects.create(
        user=account.user,
        name=name,
        type=name,
        limit=D(case.limit),
        action=action,
        scope=scope,
        parameters=case.parameters,
        **values,
    )


def holding(account: Account, aapl: Instrument, case: Breaking) -> Holding:
    row = Position.objects.create(
        user=account.user, account=account, instrument=aapl, quantity=D(10), average_price=D(100), is_open=True
    )
    values = {
        "key": str(row.pk),
        "instrument_id": aapl.pk,
        "symbol": aapl.symbol,
        "sector": aapl.sector,
        "strategy_id": STRATEGY,
        "quantity": D(10),
        "average_price": D(100),
        "mark": D(100),
        "opened_at": START,
    }
    return Holding(**{**values, **case.holding})


def look(account: Account, name: str, held: Holding) -> list[RiskBreach]:
    """Measure once; what a rule of another scope is asked for is unknown to ``find``."""
    case = BREAKING[name]

    def find(number: str, rule: RuleSpec) -> Decimal | None:
        is_its = concerns_line(rule, strategy_id=STRATEGY, instrument_id=held.instrument_id, sector="Technology")
        return case.numbers.get(number) if is_its else D(0)

    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        snapshot = portfolio.snapshot(locked, marks={}, working=(), n_session_trades=0, at=START)
        found = monitor(locked, replace(snapshot, equity=D(case.equity)), at=START, find=find, holdings=[held])
    return [breach for breach in found if breach.source == "rule"]


def accrue(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gauge is measured elsewhere: here a position comes with what it has accrued."""
    if name == "unprotected_position":
        keep: Callable[..., Any] = lambda account, holdings, rules, *, at: list(holdings)  # noqa: E731
        monkeypatch.setattr("risk.services.monitoring.measure_exposed", keep)


@pytest.mark.parametrize(("name", "action", "scope"), CASES)
def test_every_type_action_and_scope_has_its_effect(
    account: Account,
    aapl: Instrument,
    name: str,
    action: Action,
    scope: Scope,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    accrue(name, monkeypatch)
    rule = put(account, aapl, name, action, scope)
    held = holding(account, aapl, BREAKING[name])

    (breach,) = look(account, name, held)
    again = look(account, name, held)

    assert (breach.level, breach.action, breach.type, breach.rule_key) == ("breach", action, name, rule.key)
    assert [each.pk for each in again] == [breach.pk]
    told = OutboxEvent.objects.filter(name="risk.rule_breached", payload__breach_id=str(breach.pk))
    assert told.count() == 1
    assert Account.objects.get(pk=account.pk).trading_state == STATE_AFTER.get(action, "active")
    is_of_position = Phase.POSITION in RULE_TYPES[name].phases
    assert breach.subject == (held.key if is_of_position else "")
    engaged = rule.key in selectors.holding_keys(account, at=START)
    assert engaged is (name in WATCHED_ONLY and action is not Action.WARN)
    if is_of_position:
        spec = selectors.spec_of(rule)
        value = measured_of(spec, held, START)
        assert value is not None and spec in concerning(held, [spec])
        assert is_to_close(spec, value) is (name in CLOSING and action is not Action.WARN)


ELSEWHERE: dict[Scope, Callable[[], dict[str, Any]]] = {
    Scope.STRATEGY: lambda: {"strategy_id": UUID(int=78)},
    Scope.INSTRUMENT: lambda: {"instrument": make_instrument(f"XX{uuid4().hex[:4].upper()}")},
    Scope.SECTOR: lambda: {"sector": "Energy"},
}


@pytest.mark.parametrize(
    ("name", "scope"),
    [(name, scope) for name in WATCHED for scope in sorted(RULE_TYPES[name].scopes - {Scope.ACCOUNT})],
)
def test_a_rule_of_another_strategy_instrument_or_sector_says_nothing(
    account: Account, aapl: Instrument, name: str, scope: Scope, monkeypatch: pytest.MonkeyPatch
) -> None:
    accrue(name, monkeypatch)
    put(account, aapl, name, Action.HALT, scope, **ELSEWHERE[scope]())

    assert look(account, name, holding(account, aapl, BREAKING[name])) == []
    assert Account.objects.get(pk=account.pk).trading_state == "active"


@pytest.mark.parametrize("name", [name for name in WATCHED if name != "flat_by"])
def test_with_room_to_spare_there_is_no_breach(
    account: Account, aapl: Instrument, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    accrue(name, monkeypatch)
    rule = put(account, aapl, name, Action.HALT, Scope.ACCOUNT)
    RiskRule.objects.filter(pk=rule.pk).update(limit=rule.limit * 2)

    assert look(account, name, holding(account, aapl, BREAKING[name])) == []
