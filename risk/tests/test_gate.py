"""The gate: its laws as properties, and what it says in single cases."""

import dataclasses
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.orders import OrderSide
from domain.portfolio import AccountSnapshot, TradingState
from risk.decisions import Action, OrderIntent, RuleSpec, Scope, Source, Verdict
from risk.gate import evaluate, reducing_quantity
from risk.rules.table import RULE_TYPES
from risk.tests.examples import (
    AAPL,
    MSFT,
    NOW,
    OTHER,
    STRATEGY,
    XOM,
    ask,
    busy,
    intent,
    market,
    position,
    rule,
    snapshot,
    working,
)

D = Decimal

# --- any account, any order, any rules ------------------------------------------------------------------------------

QUANTITIES = st.integers(1, 900)
PRICES = st.decimals("1", "200", places=2)
INSTRUMENTS = st.sampled_from([AAPL, MSFT, XOM])
OWNERS = st.sampled_from([STRATEGY, OTHER, None])
SIDES = st.sampled_from(["buy", "sell"])
POSITIONS = st.builds(position, QUANTITIES | QUANTITIES.map(lambda n: -n), PRICES, INSTRUMENTS, OWNERS)
WORKING = st.builds(working, QUANTITIES, PRICES, SIDES, INSTRUMENTS, strategy_id=OWNERS, reduce_only=st.booleans())
SNAPSHOTS = st.builds(
    lambda rows, equity: snapshot(*rows, equity=equity),
    st.lists(POSITIONS | WORKING, max_size=6),
    st.integers(1, 300_000),
)
INTENTS = st.builds(
    intent, QUANTITIES, PRICES, SIDES, instrument_id=INSTRUMENTS, strategy_id=OWNERS, reduce_only=st.just(False)
)
PARAMETERS: dict[str, dict[str, Any]] = {
    "restricted_list": {"symbols": ["AAPL"]},
    "trading_hours": {"start": "09:30", "end": "16:00"},
    "max_exposure": {"measure": "net"},
    "flat_by": {"time": "20:00"},
}


def any_rule(name: str, limit: Decimal, action: Action, scope: Scope) -> RuleSpec:
    return rule(
        name,
        limit,
        key=f"rule:{name}:{action}:{scope}:{limit}",
        action=action,
        scope=scope,
        strategy_id=STRATEGY,
        instrument_id=AAPL,
        sector="Technology",
        parameters=PARAMETERS.get(name, {}),
    )


RULES = st.builds(
    any_rule,
    st.sampled_from(sorted(RULE_TYPES)),
    st.sampled_from([D(0), D("0.5"), D(5), D(80), D(400), D(20_000)]),
    st.sampled_from(list(Action)),
    st.sampled_from(list(Scope)),
)
RULE_LISTS = st.lists(RULES, max_size=6, unique_by=lambda each: each.key)


@settings(max_examples=300)
@given(order=INTENTS, account=SNAPSHOTS, rules=RULE_LISTS)
def test_an_order_that_only_reduces_is_never_blocked(
    order: OrderIntent, account: AccountSnapshot, rules: list[RuleSpec]
) -> None:
    flagged = dataclasses.replace(order, reduce_only=True)
    free = reducing_quantity(order, account)

    assert ask(flagged, *rules, of=account).quantity == flagged.quantity
    assert ask(order, *rules, of=account).quantity >= free
    broken = ask(order, *rules, of=account, reference=None, age_seconds=None, is_reconciled=False, activity=None)
    assert broken.quantity == free


@settings(max_examples=200)
@given(order=INTENTS, account=SNAPSHOTS, rules=RULE_LISTS, extra=RULES)
def test_another_rule_never_allows_more(
    order: OrderIntent, account: AccountSnapshot, rules: list[RuleSpec], extra: RuleSpec
) -> None:
    assert ask(order, *rules, extra, of=account).quantity <= ask(order, *rules, of=account).quantity


@settings(max_examples=200)
@given(order=INTENTS, account=SNAPSHOTS, rules=RULE_LISTS, data=st.data())
def test_the_order_of_rules_does_not_matter(
    order: OrderIntent, account: AccountSnapshot, rules: list[RuleSpec], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(rules))

    assert ask(order, *shuffled, of=account) == ask(order, *rules, of=account)


RESIZABLE = sorted(t.name for t in RULE_TYPES.values() if Action.RESIZE in t.actions and t.obeyed)


@settings(max_examples=200)
@given(
    order=INTENTS,
    account=SNAPSHOTS,
    name=st.sampled_from(RESIZABLE),
    limit=st.integers(0, 300),
    scope=st.sampled_from(list(Scope)),
    data=st.data(),
)
def test_a_resized_order_is_the_largest_that_fits(
    order: OrderIntent, account: AccountSnapshot, name: str, limit: int, scope: Scope, data: st.DataObject
) -> None:
    resizing = any_rule(name, D(limit), Action.RESIZE, scope)
    rejecting = any_rule(name, D(limit), Action.REJECT, scope)
    got = ask(order, resizing, of=account).quantity

    def passes(quantity: Decimal) -> bool:
        return ask(dataclasses.replace(order, quantity=quantity), rejecting, of=account).quantity == quantity

    assert got == 0 or passes(got)
    if got < order.quantity:
        more = data.draw(st.integers(int(got) + 1, int(order.quantity)))
        assert not passes(got + 1)
        assert not passes(D(more))


def _damages(order: OrderIntent, account: AccountSnapshot) -> list[tuple[OrderIntent, AccountSnapshot]]:
    nan = D("NaN")
    orders = [dataclasses.replace(order, **{name: nan}) for name in ("price", "quantity", "lot_size")]
    names = ("equity", "session_start_equity", "peak_equity")
    accounts = [dataclasses.replace(account, **{name: bad}) for name in names for bad in (nan, D("Infinity"))]
    return [*((each, account) for each in orders), *((order, each) for each in accounts)]


@settings(max_examples=40)
@given(order=INTENTS)
def test_what_can_not_be_measured_is_denied(order: OrderIntent) -> None:
    rules = [rule("max_position_size", 100), rule("max_daily_loss", 50), rule("max_drawdown", 50)]
    assert ask(dataclasses.replace(order, quantity=D(1)), *rules).quantity == 1

    for damaged, account in _damages(order, snapshot()):
        assert ask(damaged, *rules, of=account).verdict is Verdict.DENIED


# --- single cases ---------------------------------------------------------------------------------------------------


def test_every_rule_that_was_asked_answers_with_its_numbers() -> None:
    decision = ask(intent(100), rule("max_position_size", 10), rule("max_order_value", 4_000))

    said = {reason.type: reason for reason in decision.reasons}
    assert (said["max_position_size"].value, said["max_position_size"].headroom) == (D(5), D(5))
    assert said["max_position_size"].verdict is Verdict.ALLOWED
    assert (said["max_order_value"].value, said["max_order_value"].headroom) == (D(5000), D(-1000))
    assert decision.verdict is Verdict.DENIED
    assert decision.message == "max_order_value: the order's value is 5,000, above the limit of 4,000"


def test_a_value_at_its_limit_is_allowed_and_one_lot_more_is_not() -> None:
    limit = rule("max_position_size", 5, warning_at=D(1))

    assert ask(intent(100), limit).verdict is Verdict.WARNED
    assert ask(intent(101), limit).verdict is Verdict.DENIED


def test_a_loss_at_its_limit_stops_new_risk() -> None:
    account = snapshot(equity=97_000)

    assert ask(intent(1), rule("max_daily_loss", "3.01"), of=account).verdict is Verdict.WARNED
    assert ask(intent(1), rule("max_daily_loss", 3), of=account).verdict is Verdict.DENIED


@pytest.mark.parametrize(
    ("state", "verdict"), [(TradingState.REDUCING, Verdict.DENIED), (TradingState.HALTED, Verdict.DENIED)]
)
def test_an_account_that_is_not_active_only_reduces(state: TradingState, verdict: Verdict) -> None:
    account = snapshot(position(100), trading_state=state)

    assert ask(intent(1), of=account).verdict is verdict
    assert ask(intent(100, side="sell"), of=account).verdict is Verdict.ALLOWED
    turned = ask(intent(150, side="sell"), of=account)
    assert (turned.verdict, turned.quantity) == (Verdict.RESIZED, D(100))


def kill(*, forbid_all: bool) -> RuleSpec:
    parameters = {"forbid_all": forbid_all, "reason": "drill"}
    return rule("kill_switch", 0, key="kill_switch:1", source=Source.KILL_SWITCH, parameters=parameters)


def test_a_kill_switch_stops_new_risk_and_with_forbid_all_everything() -> None:
    account = snapshot(position(100))
    exit_order = intent(100, side="sell", reduce_only=True)

    assert ask(intent(1), kill(forbid_all=False), of=account).is_denied
    assert ask(exit_order, kill(forbid_all=False), of=account).verdict is Verdict.ALLOWED
    assert ask(exit_order, kill(forbid_all=True), of=account).is_denied
    assert "drill" in ask(exit_order, kill(forbid_all=True), of=account).message


@pytest.mark.parametrize(
    ("view", "type_name"),
    [
        ({"reference": None}, "price"),
        ({"reference": D(0)}, "price"),
        ({"age_seconds": None}, "stale_data"),
        ({"is_stale": True}, "stale_data"),
        ({"is_reconciled": False}, "unreconciled"),
    ],
)
def test_without_a_fresh_price_and_clear_books_there_is_no_new_risk(view: dict[str, Any], type_name: str) -> None:
    decision = ask(intent(1), **view)

    assert decision.is_denied
    assert [(r.type, r.source) for r in decision.reasons] == [(type_name, Source.PLATFORM)]


def test_an_unresolved_order_stops_new_risk_on_its_instrument_only() -> None:
    account = snapshot(working(10, unresolved=True))

    assert ask(intent(1), of=account).is_denied
    assert ask(intent(1, instrument_id=MSFT), of=account).verdict is Verdict.ALLOWED


def test_what_the_caller_could_not_find_out_denies() -> None:
    decision = evaluate(intent(1), snapshot(), (), market=market(), at=NOW, faults=("preferences are corrupt",))

    assert decision.is_denied and decision.message == "preferences are corrupt"


def test_a_rule_that_raises_denies_and_says_so() -> None:
    decision = ask(intent(1), rule("trading_hours", 0, parameters={"start": "99:99", "end": "16:00"}))

    assert decision.is_denied and "can not be measured, ValueError" in decision.message
    assert ask(intent(1), rule("no_such_type", 1)).is_denied


def test_working_orders_count_as_if_they_were_filled() -> None:
    limit = rule("max_exposure", 10)
    account = snapshot(position(50, instrument_id=XOM), working(60, instrument_id=MSFT), working(60))

    assert ask(intent(30), limit, of=account).verdict is Verdict.WARNED  # (50 + 60 + 60 + 30) × 50 = 10,000
    assert ask(intent(31), limit, of=account).is_denied


def test_reduce_only_orders_do_not_count() -> None:
    account = snapshot(position(100), working(100, side="sell", reduce_only=True))

    assert ask(intent(100), rule("max_position_size", 10), of=account).quantity == 100


def test_an_exit_that_works_already_leaves_nothing_to_reduce_twice() -> None:
    account = snapshot(position(100), working(100, side="sell"))

    decision = ask(intent(100, side="sell"), rule("max_position_size", 1, action=Action.RESIZE), of=account)

    assert (decision.verdict, decision.quantity) == (Verdict.RESIZED, D(20))  # a short of 20 × 50 is 1 % of equity


def test_the_strategys_own_position_counts_though_another_hides_it() -> None:
    account = snapshot(position(-100, strategy_id=OTHER), position(100))

    decision = ask(intent(1), rule("max_position_size", 5), of=account)

    assert decision.is_denied  # the account is flat in AAPL; the strategy would hold 101


def test_an_order_that_does_not_raise_a_broken_measure_passes() -> None:
    account = snapshot(position(300, strategy_id=OTHER), position(300, instrument_id=XOM))

    assert ask(intent(1), rule("position_limit", 1), of=account).quantity == 1
    assert ask(intent(1, instrument_id=MSFT), rule("position_limit", 1), of=account).is_denied


def test_warnings_come_before_the_limit() -> None:
    limit = rule("max_order_value", 5_000, warning_at=D("0.8"))

    assert ask(intent(79), limit).verdict is Verdict.ALLOWED
    assert ask(intent(80), limit).verdict is Verdict.WARNED


def test_the_strictest_stop_goes_with_the_entry() -> None:
    decision = ask(
        intent(1),
        rule("stop_loss", 2, key="a"),
        rule("stop_loss", "1.5", key="b", scope=Scope.INSTRUMENT, instrument_id=AAPL),
        rule("stop_loss", 1, key="c", scope=Scope.INSTRUMENT, instrument_id=MSFT),
        rule("take_profit", 6),
    )

    assert (decision.stop_loss_percent, decision.take_profit_percent) == (D("1.5"), D(6))
    assert decision.verdict is Verdict.ALLOWED


def test_an_earlier_breach_that_holds_denies_whatever_the_value() -> None:
    assert ask(intent(1), rule("max_daily_loss", 3, is_engaged=True)).is_denied
    assert ask(intent(1), rule("loss_streak", 3, is_engaged=True)).is_denied


def test_exposure_of_a_strategy_leaves_others_out() -> None:
    account = snapshot(position(1_000, strategy_id=OTHER), position(20, instrument_id=XOM))
    own = rule("max_exposure", 6, scope=Scope.STRATEGY, strategy_id=STRATEGY)

    assert ask(intent(100), own, of=account).quantity == 100
    assert ask(intent(101), own, of=account).is_denied


def test_net_exposure_offsets_and_gross_does_not() -> None:
    account = snapshot(position(-100, instrument_id=XOM))
    net = rule("max_exposure", 5, parameters={"measure": "net"})

    assert ask(intent(200), net, of=account).quantity == 200
    assert ask(intent(1), rule("max_exposure", 5), of=account).is_denied


def test_a_sell_that_turns_a_position_counts_at_its_own_price() -> None:
    account = snapshot(position(100, mark=10))

    decision = ask(intent(150, price=9, side="sell"), rule("max_order_value", 10_000), of=account)
    size = ask(intent(150, price=9, side="sell"), rule("max_position_size", 100), of=account)

    assert decision.quantity == 150
    (said,) = size.reasons
    assert said.value == D("0.45")  # short 50 × 9


def test_a_position_above_its_limit_may_not_turn_into_one_as_large() -> None:
    account = snapshot(position(100))

    for name in ("max_position_size", "max_exposure", "sector_limit"):
        decision = ask(intent(200, side="sell"), rule(name, 1, action=Action.RESIZE), of=account)
        assert decision.quantity == 120, name  # 100 reduce; a short of 20 × 50 is 1 % of equity


def test_the_side_of_an_own_resting_order_decides_a_cross() -> None:
    resting = busy(opposite_price=D(51))

    assert ask(intent(1, price=50), rule("self_cross", 0), **resting).quantity == 1
    assert ask(intent(1, price=51), rule("self_cross", 0), **resting).is_denied
    selling = intent(1, price=51, side=OrderSide.SELL)
    assert ask(selling, rule("self_cross", 0), **resting).is_denied
    assert ask(dataclasses.replace(selling, price=D(52)), rule("self_cross", 0), **resting).quantity == 1


@settings(max_examples=60)
@given(orders=st.lists(INTENTS, min_size=5, max_size=25), filled=st.lists(st.booleans(), min_size=25, max_size=25))
def test_orders_let_through_one_by_one_never_pass_a_limit_together(
    orders: list[OrderIntent], filled: list[bool]
) -> None:
    limits = (rule("max_position_size", 20, action=Action.RESIZE), rule("max_leverage", "0.5"))
    let_through = []
    for order in orders:
        granted = ask(order, *limits, of=snapshot(*let_through)).quantity
        if granted:
            let_through.append(
                working(granted, order.price, order.side, order.instrument_id, strategy_id=order.strategy_id)
            )

    # Whatever subset fills, at its own prices: gross exposure and every single position keep their limits.
    held: dict[Any, Decimal] = {}
    for row, is_filled in zip(let_through, filled, strict=False):
        if is_filled:
            held[row.instrument_id] = held.get(row.instrument_id, D(0)) + row.remaining * row.side.sign
    lowest = {key: min(o.price for o in orders if o.instrument_id == key) for key in held}
    values = [abs(quantity) * lowest[key] for key, quantity in held.items()]
    assert sum(values, D(0)) <= D(50_000)
    assert all(value <= D(20_000) for value in values)
