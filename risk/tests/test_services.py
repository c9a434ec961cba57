"""The gate in the database: what it reads, stores, and does besides; rules, breaches and kill switches."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from core.models import OutboxEvent
from core.testing import make_user
from domain.errors import Conflict, IllegalState, NotFound, ValidationFailed
from domain.portfolio import AccountSnapshot, TradingState
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from portfolio.tests.factories import START, at_day, make_account, make_instrument
from preferences.definitions import Category
from preferences.models import PreferenceVersion
from preferences.services import change
from risk import selectors
from risk.decisions import Decision, OrderIntent, Source, Verdict
from risk.gate import evaluate
from risk.models import KillSwitch, RiskBreach, RiskDecision, RiskRule
from risk.records import restored
from risk.services.breaches import acknowledge
from risk.services.gate import check_order, preview
from risk.services.kill_switches import engage_kill_switch, rearm_kill_switch
from risk.services.monitoring import monitor
from risk.services.rules import Operation, change_rules, create_rule, delete_rule, update_rule
from risk.tests import examples

D = Decimal
pytestmark = pytest.mark.django_db


@pytest.fixture
def aapl() -> Instrument:
    return make_instrument("AAPL")


@pytest.fixture
def account() -> Account:
    return make_account()


def snapshot_of(account: Account, **changed: Any) -> AccountSnapshot:
    found = portfolio.snapshot(account, marks={}, working=(), n_session_trades=0, at=START)
    return replace(found, **changed)


def order(aapl: Instrument, quantity: int = 10, **more: Any) -> OrderIntent:
    made = examples.intent(quantity, strategy_id=None, **more)
    return replace(made, instrument_id=aapl.pk, symbol=aapl.symbol, sector=aapl.sector)


def check(account: Account, intent: OrderIntent, **changed: Any) -> tuple[Decision, RiskDecision]:
    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        return check_order(locked, intent, snapshot_of(locked, **changed), market=examples.market(), at=START)


def add_rule(of: Account, type_name: str, limit: Any, **more: Any) -> RiskRule:
    values = {"name": f"{type_name} {uuid4().hex[:6]}", "type": type_name, "limit": D(limit), "parameters": {}, **more}
    return create_rule(of.user, values, at=START)


def facts(name: str) -> list[dict[str, Any]]:
    return list(OutboxEvent.objects.filter(name=name).order_by("seq").values_list("payload", flat=True))


def test_the_decision_is_stored_with_everything_it_was_made_from(account: Account, aapl: Instrument) -> None:
    own = add_rule(account, "max_order_value", 499)

    decision, row = check(account, order(aapl))

    assert decision.is_denied and row.verdict == "denied"
    assert (row.requested, row.quantity, row.preferences_version, row.decided_at) == (D(10), D(0), 0, START)
    told = {reason["key"]: reason for reason in row.reasons}
    assert told[own.key]["value"] == "500" and told[own.key]["limit"] == "499" and told[own.key]["headroom"] == "-1"
    assert {"preferences", "rule"} == {reason["source"] for reason in row.reasons}
    question = restored(RiskDecision.objects.get().inputs)
    again = evaluate(question.intent, question.snapshot, question.rules, market=question.market, at=question.at)
    assert again == decision


def test_a_preview_says_the_same_and_stores_nothing(account: Account, aapl: Instrument) -> None:
    add_rule(account, "max_order_value", 300, action="resize")
    locked = Account.objects.get()

    seen = preview(locked, order(aapl), snapshot_of(locked), market=examples.market(), at=START)

    assert not RiskDecision.objects.exists()
    assert seen == check(account, order(aapl))[0]
    assert (seen.verdict, seen.quantity) == (Verdict.RESIZED, D(6))


def test_preferences_are_rules_and_a_change_binds_the_next_order(account: Account, aapl: Instrument) -> None:
    assert check(account, order(aapl, 99))[0].verdict is Verdict.WARNED  # 4.95 % of at most 5 %

    change(account.user, Category.RISK_MANAGEMENT, {"max_position_size_percent": D(2)})

    decision, row = check(account, order(aapl, 99))
    assert decision.is_denied and row.preferences_version == 1
    (broken,) = [reason for reason in decision.reasons if reason.verdict is Verdict.DENIED]
    assert (broken.source, broken.limit, broken.value) == (Source.PREFERENCES, D(2), D("4.95"))


def test_preferences_that_can_not_be_read_deny_new_risk_and_let_exits_pass(account: Account, aapl: Instrument) -> None:
    change(account.user, Category.RISK_MANAGEMENT, {"max_leverage": D(2)}, confirmed=True)
    PreferenceVersion.objects.update(digest="0" * 64)

    decision, row = check(account, order(aapl))

    assert decision.is_denied and "can not be read (CorruptPreferences" in decision.message
    assert row.preferences_version is None
    assert check(account, order(aapl, side="sell", reduce_only=True))[0].quantity == 10


def test_rules_of_other_users_and_accounts_do_not_bind(account: Account, aapl: Instrument) -> None:
    add_rule(make_account(), "max_order_value", 1)
    add_rule(account, "max_order_value", 1, account=make_account(account.user))
    disabled = add_rule(account, "max_order_value", 1)
    update_rule(disabled, {"enabled": False}, at=START)

    assert check(account, order(aapl))[0].verdict is Verdict.ALLOWED


@pytest.mark.parametrize(
    ("action", "state"),
    [
        ("reject", "active"),
        ("reduce_only", "reducing"),
        ("pause_strategy", "active"),
        ("halt", "halted"),
        ("flatten", "halted"),
    ],
)
def test_a_broken_rule_does_what_it_asks_for(account: Account, aapl: Instrument, action: str, state: str) -> None:
    add_rule(account, "max_order_value", 1, action=action)

    check(account, order(aapl))

    assert Account.objects.get().trading_state == state
    breaches = [(b.action, b.type, b.recovered_at) for b in RiskBreach.objects.all()]
    assert breaches == ([] if action == "reject" else [(action, "max_order_value", START)])
    assert len(facts("risk.rule_breached")) == len(breaches)


def test_a_latched_breach_binds_until_it_is_released(account: Account, aapl: Instrument) -> None:
    add_rule(account, "max_order_value", 100, action="pause_strategy", latched=True)
    check(account, order(aapl, 10))

    assert check(account, order(aapl, 1))[0].is_denied
    acknowledge(RiskBreach.objects.get(), by=account.user, at=START)
    assert check(account, order(aapl, 1))[0].is_denied
    acknowledge(RiskBreach.objects.get(), by=account.user, release=True, at=START)
    assert check(account, order(aapl, 1))[0].verdict is Verdict.ALLOWED


def watch(account: Account, equity: Any, day: int = 0) -> list[tuple[str, str]]:
    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        found = monitor(locked, snapshot_of(locked, equity=D(equity)), at=at_day(day))
    return sorted((breach.type, breach.level) for breach in found)


def test_warnings_breaches_and_recovery_have_hysteresis(account: Account) -> None:
    seen = [watch(account, equity) for equity in (97_700, 97_600, 97_650, 97_800, 97_000, 97_100, 97_200)]

    loss = "max_daily_loss"
    assert seen == [
        [],
        [(loss, "warning")],  # 2.4 % of 3 %
        [(loss, "warning")],  # 2.35 %: within the slack of 5 %
        [],  # 2.2 %
        [(loss, "breach")],
        [(loss, "breach")],  # 2.9 %: within the slack
        [],
    ]
    counts = {name: len(facts(f"risk.{name}")) for name in ("warning_raised", "rule_breached", "rule_recovered")}
    assert counts == {"warning_raised": 1, "rule_breached": 1, "rule_recovered": 1}


def test_a_portfolio_breach_halts_and_never_loosens_what_is_stricter(account: Account) -> None:
    add_rule(account, "max_drawdown", 5, action="halt")
    add_rule(account, "max_daily_loss", 6, action="reduce_only")

    watch(account, 94_500)
    assert Account.objects.get().trading_state == TradingState.HALTED
    watch(account, 93_000)

    assert Account.objects.get().trading_state == TradingState.HALTED
    assert [fact["new"] for fact in facts("trading_state.changed")] == ["halted"]


def test_a_cool_down_binds_after_recovery(account: Account, aapl: Instrument) -> None:
    add_rule(account, "max_drawdown", 2, cool_down_seconds=2 * 86_400)
    watch(account, 97_900)
    watch(account, 100_000, day=1)

    with transaction.atomic():
        locked = portfolio.locked_account(account.pk)
        now, later = at_day(1), at_day(2) + timedelta(seconds=1)
        first = check_order(locked, order(aapl), snapshot_of(locked), market=examples.market(), at=now)[0]
        second = check_order(locked, order(aapl), snapshot_of(locked), market=examples.market(), at=later)[0]

    assert first.is_denied and "earlier breach still holds" in first.message
    assert second.verdict is Verdict.ALLOWED


def test_a_breach_of_a_rule_that_is_gone_ends(account: Account) -> None:
    rule = add_rule(account, "max_drawdown", 2)
    watch(account, 97_500)

    delete_rule(rule, at=START)

    assert [t for t, _ in watch(account, 97_500)] == ["max_daily_loss"]


def test_limits_that_can_not_be_read_stop_no_mark_and_end_no_breach(account: Account) -> None:
    change(account.user, Category.RISK_MANAGEMENT, {"max_leverage": D(2)}, confirmed=True)
    watch(account, 90_000)
    PreferenceVersion.objects.update(digest="0" * 64)

    assert ("max_daily_loss", "breach") in watch(account, 100_000)


SCOPES: dict[str, Callable[[Account], Any]] = {
    "platform": lambda account: None,
    "user": lambda account: account.user_id,
    "account": lambda account: account.pk,
}


@pytest.mark.parametrize("scope", sorted(SCOPES))
@pytest.mark.parametrize("forbid_all", [False, True])
def test_a_kill_switch_binds_its_scope_until_it_is_rearmed(
    account: Account, aapl: Instrument, scope: str, forbid_all: bool
) -> None:
    target = SCOPES[scope](account)
    engage_kill_switch(scope=scope, target_id=target, reason="drill", by="op", at=START, forbid_all=forbid_all)

    assert check(account, order(aapl))[0].is_denied
    exit_order = order(aapl, side="sell", reduce_only=True)
    assert check(account, exit_order)[0].is_denied is forbid_all
    assert selectors.is_stopped(account, None, reduces=False)
    assert selectors.is_stopped(account, None, reduces=True) is forbid_all
    assert check(make_account(), order(aapl))[0].is_denied is (scope == "platform")

    rearm_kill_switch(scope=scope, target_id=target, reason="over", by="op", at=START)
    assert check(account, order(aapl))[0].verdict is Verdict.ALLOWED


def test_a_kill_switch_of_a_strategy_binds_that_strategy_alone(account: Account, aapl: Instrument) -> None:
    target = examples.STRATEGY
    KillSwitch.objects.create(scope="strategy", target_id=target, reason="x", engaged_at=START, engaged_by="op")

    assert check(account, replace(order(aapl), strategy_id=examples.STRATEGY))[0].is_denied
    assert not check(account, replace(order(aapl), strategy_id=examples.OTHER))[0].is_denied


def test_engaging_again_only_adds(account: Account) -> None:
    common = {"scope": "account", "target_id": account.pk, "by": "op", "at": START}
    engage_kill_switch(**common, reason="first", forbid_all=True)
    switch = engage_kill_switch(**common, reason="second")
    engage_kill_switch(**common, reason="third", flatten=True)

    assert (switch.reason, switch.forbid_all) == ("first", True)
    assert [fact["flatten"] for fact in facts("kill_switch.engaged")] == [False, True]
    assert KillSwitch.objects.count() == 1


def test_a_kill_switch_needs_a_reason_a_target_and_to_be_engaged() -> None:
    with pytest.raises(ValidationFailed, match="reason"):
        engage_kill_switch(scope="platform", reason=" ", by="op", at=START)
    with pytest.raises(NotFound):
        engage_kill_switch(scope="account", target_id=uuid4(), reason="x", by="op", at=START)
    with pytest.raises(ValidationFailed, match="needs its target"):
        engage_kill_switch(scope="strategy", reason="x", by="op", at=START)
    with pytest.raises(IllegalState, match="not engaged"):
        rearm_kill_switch(scope="platform", reason="x", by="op", at=START)


def test_the_command_engages_shows_and_rearms(account: Account, aapl: Instrument) -> None:
    out = StringIO()
    call_command("kill_switch", "engage", "--reason", "fire", "--forbid-all", stdout=out)
    assert "ENGAGED platform (forbid all)" in out.getvalue() and "fire" in out.getvalue()
    assert check(account, order(aapl))[0].is_denied

    call_command("kill_switch", "rearm", "--reason", "out", stdout=out)
    assert out.getvalue().endswith("No kill switch is engaged.\n")
    name = account.user.username
    call_command("kill_switch", "engage", "--scope", "user", "--target", name, "--reason", "x", stdout=out)
    assert KillSwitch.objects.get(rearmed_at=None).target_id == account.user_id
    with pytest.raises(CommandError, match="must name the account"):
        call_command("kill_switch", "engage", "--scope", "account", "--target", "x", "--reason", "y")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"type": "no_such_rule"}, "type"),
        ({"type": "max_holding_time", "limit": D(0)}, "limit"),
        ({"type": "flat_by"}, "parameters"),
        ({"type": "flat_by", "parameters": {"time": "25:00"}}, "parameters.time"),
        ({"limit": D("-1")}, "limit"),
        ({"limit": D("NaN")}, "limit"),
        ({"type": "position_limit", "limit": D("1.5")}, "limit"),
        ({"type": "stop_loss", "limit": D(100)}, "limit"),
        ({"action": "resize", "type": "max_daily_loss"}, "action"),
        ({"scope": "strategy", "type": "max_daily_loss", "strategy_id": uuid4()}, "scope"),
        ({"scope": "instrument"}, "symbol"),
        ({"scope": "sector"}, "sector"),
        ({"sector": "Energy"}, "sector"),
        ({"scope": "strategy", "strategy_id": uuid4()}, "strategy"),
        ({"warning_at": 0.0}, "warning_at"),
        ({"parameters": {"mesure": "net"}, "type": "max_exposure"}, "parameters"),
        ({"parameters": {"measure": "nett"}, "type": "max_exposure"}, "parameters.measure"),
        ({"parameters": {}, "type": "restricted_list"}, "parameters"),
        ({"parameters": {"start": "9:30", "end": "16:00"}, "type": "trading_hours"}, "parameters.start"),
        (
            {"parameters": {"start": "09:30", "end": "16:00", "timezone": "Mars"}, "type": "trading_hours"},
            "parameters.timezone",
        ),
        ({"name": " "}, "name"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_by_field(account: Account, values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as caught:
        add_rule(account, **{"type_name": "max_order_value", "limit": 5, **values})

    assert field in [error.field for error in caught.value.errors]
    assert not RiskRule.objects.exists()


def test_rule_changes_are_told_with_old_and_new(account: Account) -> None:
    rule = add_rule(account, "max_leverage", "1.50")
    update_rule(rule, {"limit": D(2)}, at=START)
    delete_rule(rule, at=START)

    rows = facts("risk.rule_changed")
    told = [(row["change"], (row["old"] or {}).get("limit"), (row["new"] or {}).get("limit")) for row in rows]
    assert told == [("created", None, "1.5"), ("updated", "1.5", "2"), ("deleted", "2", None)]


def test_a_bulk_change_is_all_or_nothing(account: Account) -> None:
    kept = add_rule(account, "max_leverage", 1)
    good = Operation(op="create", values={"name": "n", "type": "max_order_value", "limit": D(9), "parameters": {}})
    bad = Operation(op="update", rule_id=kept.pk, values={"limit": D(-1)})

    with pytest.raises(ValidationFailed) as caught:
        change_rules(account.user, [good, Operation(op="disable", rule_id=kept.pk), bad], at=START)
    assert [error.field for error in caught.value.errors] == ["operations.2.limit"]
    assert [(r.pk, r.enabled) for r in RiskRule.objects.all()] == [(kept.pk, True)]

    done = change_rules(account.user, [good, Operation(op="delete", rule_id=kept.pk)], at=START)
    assert [rule.name for rule in done] == ["n"] and RiskRule.objects.get().name == "n"
    with pytest.raises(NotFound):
        change_rules(make_user(), [Operation(op="delete", rule_id=done[0].pk)], at=START)


def test_a_name_is_taken_once(account: Account) -> None:
    add_rule(account, "max_leverage", 1, name="mine")

    with pytest.raises(Conflict):
        add_rule(account, "max_leverage", 1, name="mine")
