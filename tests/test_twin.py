"""The twin of a strategy: undisturbed its life is that of its backtest, and what disturbs it is named as the cause."""

import pickle
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import TestCase, override_settings

from analytics.twin.comparing import compare
from analytics.twin.values import Cause
from backtesting import engine
from backtesting.services import shadowing
from backtesting.services.shadowing import ShadowRequest
from backtesting.shadow import compiled, shadow_side
from backtesting.spec import RunSpec, Sizing
from backtesting.tables import Result
from core.embedded.children import ChildStoppedError
from core.testing import api_client, assert_owner_only, assert_page_owner_only, assert_problem, make_user, page_client
from domain.bars import Timeframe
from domain.errors import BrokerError, Conflict
from domain.orders import EventSource, ExecutionReport, OrderSide, OrderSpec, OrderType
from domain.portfolio import TradingState
from domain.sizing import SizingMethod
from marketdata import replay_services as replays
from marketdata.models import Replay
from portfolio.models import Account, Position, Trade
from portfolio.services.accounts import configure_account, set_trading_state
from preferences.definitions import Category
from preferences.services import change
from risk.models import RiskRule
from risk.services.kill_switches import engage_kill_switch, rearm_kill_switch
from risk.services.rules import create_rule, delete_rule
from strategies import services as strategy_services
from strategies.models import Strategy
from tests.parity_bars import walk
from tests.parity_ways import LOOSE, OPENED_AT, Case, instrument_of, strategy_of
from tests.test_parity_orders import minutes
from tradeplatform.twins import Twin, twin_of
from trading import pipeline
from trading.brokers.base import BrokerOrder
from trading.brokers.paper import PaperBroker
from trading.brokers.registry import ADAPTERS
from trading.models import Order, OrderEvent, Signal
from trading.services import approvals, bulk
from trading.services.orders import cancel_order, submit_order
from trading.services.reconcile import reconcile
from trading.services.resets import reset_account
from trading.services.strategies import fail_strategy, pause_strategy, start_strategy, stop_strategy

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300)]

CASE = Case(
    "sma_cross",
    {"fast": 2, "slow": 4},
    sizing=Sizing(SizingMethod.PERCENT_EQUITY, Decimal(5)),
    limits=LOOSE,
    fees={"per_share": "0.01"},
    slippage={"bps": "2"},
)
WIDE = {
    **LOOSE,
    "max_position_size_percent": Decimal(60),
    "max_portfolio_exposure_percent": Decimal(100),
    "max_sector_concentration_percent": Decimal(100),
}
N_BARS = 90


@pytest.fixture(autouse=True)
def own_bars(tmp_path: Any) -> Iterator[None]:
    with override_settings(BARS_URL=str(tmp_path / "bars")):
        yield


def made(case: Case = CASE, *, seed: int = 1, symbol: str = "ONE") -> Strategy:
    return strategy_of(case, [instrument_of(walk(N_BARS, seed=seed), symbol)])


def play(strategy: Strategy, n: int = N_BARS) -> None:
    """Play bars through the pipeline, with all that follows from them."""
    clock = Replay.objects.get(instruments=strategy.instruments.first())
    for _ in range(n):
        with committed():
            replays.play(clock)
        with committed():
            pipeline.run_account(strategy.account_id)


def committed() -> Any:
    """Run what waits for a commit at the end of the block, as outside a test."""
    return TestCase.captureOnCommitCallbacks(execute=True)


def now(strategy: Strategy) -> Any:
    return Replay.objects.get(instruments=strategy.instruments.first()).market_time


def twin(strategy: Strategy) -> Twin:
    found = twin_of(strategy.user, strategy.pk)
    assert found.comparison is not None
    return found


def causes(strategy: Strategy) -> list[Cause]:
    """Return the causes of the differences in the order of their first time; nothing may be unexplained."""
    found = twin(strategy).comparison
    assert found is not None
    told = [each.cause for each in found.differences]
    assert Cause.UNEXPLAINED not in told, [each for each in found.differences if each.cause is Cause.UNEXPLAINED]
    assert all(each.message for each in found.differences)
    return list(dict.fromkeys(told))


def started(case: Case = CASE, n: int = 30) -> Strategy:
    strategy = made(case)
    start_strategy(strategy, by="test")
    play(strategy, n)
    return strategy


# --- undisturbed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [30, N_BARS], ids=["half way", "to the end"])
def test_an_undisturbed_strategy_differs_in_nothing(n: int) -> None:
    strategy = started(n=n)

    found = twin(strategy).comparison

    assert found is not None and found.differences == ()
    assert found.n_matched >= 10 and len(found.trades) >= 3
    assert {pair.cause for pair in found.trades} == {None}
    assert found.live.pnl == found.shadow.pnl != 0 and found.live.fees == found.shadow.fees > 0
    names = ("n_signals", "n_orders", "n_fills", "n_trades")
    assert [getattr(found.live, name) for name in names] == [getattr(found.shadow, name) for name in names]
    account = Account.objects.get(pk=strategy.account_id)
    assert found.live.pnl == account.equity - account.starting_cash


def test_shorts_limits_and_two_instruments_differ_in_nothing() -> None:
    case = Case(
        "sma_cross",
        {"fast": 3, "slow": 8, "reverse": True},
        allow_short=True,
        rules=({"name": "Few", "type": "max_position_size", "limit": Decimal(4), "action": "resize"},),
    )
    rows = [instrument_of(walk(N_BARS, seed=seed), symbol) for seed, symbol in ((1, "ONE"), (2, "TWO"))]
    strategy = strategy_of(case, rows)
    change(strategy.user, Category.TRADING, {"preferred_order_types": ["limit"]})
    start_strategy(strategy, by="test")
    play(strategy)

    found = twin(strategy).comparison

    assert found is not None and found.differences == () and found.n_matched > 20


def test_a_strategy_that_starts_in_the_middle_of_its_accounts_life_is_measured_from_its_equity_then() -> None:
    strategy = made()
    start_strategy(strategy, by="test")
    play(strategy, 30)
    stop_strategy(strategy, by="test")
    for position in Position.objects.filter(account=strategy.account, is_open=True):
        with committed():
            bulk.close_position(position)
    play(strategy, 3)
    strategy.refresh_from_db()
    strategy = strategy_services.update_strategy(strategy, {"parameters": {"fast": 3, "slow": 6}}, at=OPENED_AT)
    start_strategy(strategy, by="test")
    play(strategy, 30)

    found = twin(strategy)

    assert found.life is not None and found.comparison is not None
    assert (
        found.life.equity == Account.objects.get(pk=strategy.account_id).equity - found.comparison.live.pnl != 100_000
    )
    assert found.comparison.differences == () and found.comparison.n_matched > 3


# --- each cause, produced for real ----------------------------------------------------------------------------------


def test_a_manual_order_in_the_account_is_named() -> None:
    strategy = started(replace(CASE, limits=WIDE), n=10)
    spec = OrderSpec(symbol="ONE", side=OrderSide.BUY, quantity=Decimal(500), type=OrderType.MARKET)
    with committed():
        assert submit_order(strategy.account_id, spec, at=now(strategy)).status != "denied"
    play(strategy)

    found = causes(strategy)

    assert found == [Cause.MANUAL_ORDER]
    assert any(
        "by hand" in each.message and "500 ONE" in each.message for each in twin(strategy).comparison.differences
    )  # type: ignore[union-attr]  # there is one here, or the test fails


def test_a_position_closed_by_hand_is_named() -> None:
    strategy = started(n=1)
    while not Position.objects.filter(account=strategy.account, is_open=True).exists():
        play(strategy, 1)
    with committed():
        bulk.close_position(Position.objects.get(account=strategy.account, is_open=True))
    play(strategy, 20)

    assert causes(strategy)[0] is Cause.MANUAL_ORDER


def test_a_stop_that_a_person_took_away_is_named() -> None:
    strategy = started(n=1)
    while not Order.objects.filter(strategy=strategy, role="stop_loss", status="accepted").exists():
        play(strategy, 1)
    stop = Order.objects.get(strategy=strategy, role="stop_loss", status="accepted")
    cancel_order(stop.pk, at=now(strategy), source=EventSource.OPERATOR, reason="you canceled it")
    play(strategy, 1)

    found = twin(strategy).comparison

    assert found is not None
    [difference] = [each for each in found.differences if each.role == "stop_loss"]
    assert difference.cause is Cause.CHANGED_BY_HAND and "you canceled it" in difference.message


def test_changed_preferences_are_named_with_their_version_and_values() -> None:
    strategy = started(n=10)
    change(
        strategy.user, Category.TRADING, {"max_concurrent_positions": 1, "min_confidence_threshold": Decimal("0.99")}
    )
    change(strategy.user, Category.RISK_MANAGEMENT, {"max_position_size_percent": Decimal(1)})
    play(strategy)

    found = twin(strategy)

    assert causes(strategy) == [Cause.PREFERENCES_CHANGED]
    message = found.comparison.differences[0].message  # type: ignore[union-attr]  # there is one here, or the test fails
    assert "version" in message and "→ 1" in message
    assert found.life is not None and found.life.preferences.version == 1


def test_a_new_rule_is_named_and_one_that_is_gone_is_still_obeyed_by_the_shadow() -> None:
    strategy = made()
    small = {"name": "Small", "type": "max_position_size", "limit": Decimal(2), "action": "resize"}
    create_rule(strategy.user, small, at=OPENED_AT)
    start_strategy(strategy, by="test")
    play(strategy, 25)
    assert causes(strategy) == []

    delete_rule(RiskRule.objects.get(name="Small"), at=now(strategy))
    play(strategy)

    assert causes(strategy) == [Cause.RULE_CHANGED]
    first = twin(strategy).comparison.differences[0]  # type: ignore[union-attr]  # there is one here, or the test fails
    assert "'Small' was deleted" in first.message and "quantity" in first.fields
    assert first.live.quantity > first.shadow.quantity  # type: ignore[union-attr]  # there is one here, or the test fails


def test_a_pause_is_named_and_after_it_the_rest_follows() -> None:
    strategy = started(n=10)
    pause_strategy(strategy, by="test", reason="a holiday")
    play(strategy, 30)
    strategy.refresh_from_db()
    start_strategy(strategy, by="test")
    play(strategy)

    found = twin(strategy).comparison

    assert found is not None
    assert causes(strategy)[0] is Cause.STRATEGY_PAUSED
    assert set(causes(strategy)) <= {Cause.STRATEGY_PAUSED, Cause.FOLLOWS}
    assert any("a holiday" in each.message or "paused" in each.message for each in found.differences)
    alone = [pair for pair in found.trades if pair.live is None]
    assert alone and {pair.cause for pair in alone} <= {Cause.STRATEGY_PAUSED, Cause.FOLLOWS}


@pytest.mark.parametrize("end", ["stopped", "failed"])
def test_a_stop_or_failure_is_named(end: str) -> None:
    strategy = started(n=10)
    low = OrderSpec(symbol="ONE", side=OrderSide.BUY, quantity=Decimal(1), type=OrderType.LIMIT, limit_price=Decimal(1))
    with committed():
        submit_order(strategy.account_id, low, at=now(strategy))  # keeps the account at this market
    with committed():
        if end == "stopped":
            stop_strategy(strategy, by="test", reason="no luck")
        else:
            fail_strategy(strategy, reason="division by zero", at=now(strategy))
    play(strategy)

    found = twin(strategy).comparison

    assert found is not None
    assert causes(strategy)[0] is (Cause.STRATEGY_STOPPED if end == "stopped" else Cause.STRATEGY_FAILED)
    assert any("no luck" in each.message or "division by zero" in each.message for each in found.differences)


def test_a_kill_switch_is_named_as_long_as_it_stood() -> None:
    strategy = started(n=10)
    given = {"scope": "strategy", "target_id": strategy.pk, "by": "test", "at": now(strategy)}
    engage_kill_switch(reason="the news", **given)
    play(strategy, 25)
    rearm_kill_switch(reason="over", **given)
    play(strategy, 20)

    found = twin(strategy).comparison

    assert found is not None and causes(strategy)[0] is Cause.KILL_SWITCH
    assert set(causes(strategy)) <= {Cause.KILL_SWITCH, Cause.FOLLOWS}
    assert any("the news" in each.message for each in found.differences)


def test_a_restricted_account_is_named() -> None:
    strategy = started(n=10)
    set_trading_state(strategy.account, TradingState.REDUCING, reason="careful", by="test", at=now(strategy))
    play(strategy)

    assert causes(strategy)[0] is Cause.TRADING_STATE


def test_another_strategy_in_the_account_is_named() -> None:
    strategy = started(replace(CASE, limits=WIDE), n=10)
    settings = strategy_services.settings_of(strategy)
    other = strategy_services.create_strategy(
        strategy.user,
        strategy_services.Settings(
            **{**settings, "name": "Rival", "type": "buy_and_hold", "parameters": {}, "sizing_value": Decimal(30)}
        ),
        at=OPENED_AT,
    )
    start_strategy(other, by="test")
    play(strategy)

    found = causes(strategy)

    assert found and set(found) == {Cause.OTHER_STRATEGY}
    assert any("'Rival'" in each.message for each in twin(strategy).comparison.differences)  # type: ignore[union-attr]  # there is one here, or the test fails


def test_a_signal_that_waited_for_approval_and_was_dismissed_is_named() -> None:
    strategy = made()
    change(strategy.user, Category.TRADING, {"auto_execute_signals": False})
    start_strategy(strategy, by="test")
    while not Signal.objects.filter(outcome="awaiting_approval").exists():
        play(strategy, 1)
    approvals.dismiss(Signal.objects.get(outcome="awaiting_approval").pk, at=now(strategy))
    play(strategy, 3)

    assert causes(strategy)[0] is Cause.APPROVAL


def test_a_limit_order_that_timed_out_is_named() -> None:
    """The patience of the preferences is read anew at every bar: it was shortened while the order waited."""
    case = replace(CASE, timeframe=Timeframe.M1, parameters={"fast": 2, "slow": 3})
    strategy = strategy_of(case, [instrument_of(minutes(3, seed=5), "ONE", timeframe=Timeframe.M1)])
    change(strategy.user, Category.TRADING, {"preferred_order_types": ["limit"], "order_timeout_seconds": 86_400})
    start_strategy(strategy, by="test")
    play(strategy, 4)
    change(strategy.user, Category.TRADING, {"order_timeout_seconds": 1})
    play(strategy, 175)

    assert OrderEvent.objects.filter(message__startswith="not filled within").exists()
    assert causes(strategy)[0] is Cause.LIMIT_TIMED_OUT


class Venue(PaperBroker):
    """The paper venue on a bad day: the third entry does not come through as it should."""

    n_taken = 0

    def submit(self, order: BrokerOrder) -> ExecutionReport:
        """Take an order; the third entry with trouble."""
        is_entry = order.side is OrderSide.BUY and len(order.client_order_id) == len("s-") + 32
        if is_entry and self._find(order.client_order_id) is None:
            type(self).n_taken += 1
            if type(self).n_taken == 3:
                return self.trouble(order)
        return super().submit(order)

    def trouble(self, order: BrokerOrder) -> ExecutionReport:
        """What goes wrong."""
        raise NotImplementedError


class Silent(Venue):
    """It does not answer, and has not heard the order."""

    def trouble(self, order: BrokerOrder) -> ExecutionReport:
        """Say nothing."""
        raise BrokerError("no answer within 10 seconds", unresolved=True)


class Refusing(Venue):
    """It refuses the order."""

    def trouble(self, order: BrokerOrder) -> ExecutionReport:
        """Refuse."""
        raise BrokerError("not allowed to trade this today")


class Slow(Venue):
    """The order lies about for days before it takes part in the market."""

    def trouble(self, order: BrokerOrder) -> ExecutionReport:
        """Take it later."""
        return super(Venue, self).submit(replace(order, at=order.at + timedelta(days=4)))


@pytest.mark.parametrize(
    ("venue", "cause"),
    [(Silent, Cause.ORDER_UNRESOLVED), (Refusing, Cause.VENUE_REFUSED), (Slow, Cause.ORDER_LATE)],
    ids=["silent", "refusing", "slow"],
)
def test_trouble_at_the_venue_is_named(venue: type[Venue], cause: Cause, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ADAPTERS, "paper", venue)
    monkeypatch.setattr(venue, "n_taken", 0)
    strategy = started(n=10)
    for _ in range(8):
        play(strategy, 3)
        reconcile(strategy.account_id, grace=timedelta(0))

    assert causes(strategy)[0] is cause


def test_a_signal_on_bars_that_were_too_old_is_named() -> None:
    """Its market has no clock any more: bars that come late, as after an outage of a live feed, are traded no more."""
    strategy = started(n=10)
    strategy.instruments.update(replay=None)
    with committed():
        pipeline.run_account(strategy.account_id)

    assert causes(strategy)[0] is Cause.SIGNAL_SKIPPED


def test_another_fee_is_named() -> None:
    strategy = started(n=30)
    configure_account(strategy.account, fees={"per_share": "0.02"})
    strategy.refresh_from_db()

    found = causes(strategy)

    assert found[0] is Cause.FEES


def test_other_slippage_is_named() -> None:
    strategy = started(n=30)
    configure_account(strategy.account, slippage={"bps": "40"})
    strategy.refresh_from_db()

    found = causes(strategy)

    assert found[0] is Cause.PRICE


def test_a_position_from_before_is_named() -> None:
    strategy = started(n=1)
    while not Position.objects.filter(account=strategy.account, is_open=True).exists():
        play(strategy, 1)
    stop_strategy(strategy, by="test")
    strategy.refresh_from_db()
    strategy = strategy_services.update_strategy(strategy, {"parameters": {"fast": 2, "slow": 5}}, at=OPENED_AT)
    start_strategy(strategy, by="test")
    play(strategy)

    found = causes(strategy)

    assert found and found[0] is Cause.CARRIED_POSITION


def test_a_reset_begins_a_new_life() -> None:
    strategy = started(n=20)
    reset_account(strategy.account)
    strategy = Strategy.objects.get(pk=strategy.pk)
    play(strategy, 30)

    found = twin(strategy)

    assert found.life is not None and found.life.equity == 100_000
    assert set(causes(strategy)) <= {Cause.ACCOUNT_RESET, Cause.FOLLOWS}


# --- many bars: the compiled engine in a process of its own ----------------------------------------------------------


def asked(strategy: Strategy) -> ShadowRequest:
    life = twin(strategy).life
    assert life is not None
    return ShadowRequest(
        strategy=strategy,
        start_at=life.start_at,
        end_at=life.end_at,
        equity=life.equity,
        preferences=life.preferences,
        own_rules=(),
    )


def test_the_compiled_engine_lives_the_same_shadow() -> None:
    request = asked(started())
    assignment = pickle.loads(pickle.dumps(shadowing.assignment_of(request)))

    found = compare(shadow_side(assignment), compiled(assignment))

    assert found.differences == () and found.n_matched >= 10 and found.live.pnl == found.shadow.pnl


def test_many_bars_are_calculated_in_a_child_and_a_busy_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = started()
    request = asked(strategy)
    monkeypatch.setattr(shadowing, "AT_ONCE", 10)
    used = []

    def child(function: Any, *args: Any, should_stop: Any) -> Any:
        used.append(should_stop())
        return function(*args)

    def busy(*args: Any, **more: Any) -> Any:
        raise ChildStoppedError("canceled before it began")

    assert shadowing.shadow_of(request, child).n_fills > 0 and used == [False]
    with pytest.raises(Conflict, match="Ask again") as told:
        shadowing.shadow_of(request, busy)
    assert told.value.code == "busy"
    monkeypatch.setattr(shadowing, "MAX_BARS", 20)
    answer = api_client(strategy.user).get(f"/api/v1/analytics/twin/?strategy={strategy.pk}")
    assert_problem(answer, 400, field="strategy", code="too_many_bars")
    page = page_client(strategy.user).get(f"/strategies/{strategy.pk}/twin/")
    assert "are more than the 20 that can be compared" in page.content.decode()


# --- API and page ---------------------------------------------------------------------------------------------------


def test_the_api_answers_the_owner_alone_and_says_what_is_wrong() -> None:
    strategy = started(n=30)
    stranger = make_user()
    url = f"/api/v1/analytics/twin/?strategy={strategy.pk}"

    body = assert_owner_only(url, owner=strategy.user, stranger=stranger).json()

    assert body["differences"] == [] and body["matched"] >= 10 and "All" in body["message"]
    assert body["live"]["pnl"] == body["backtest"]["pnl"] and body["live"]["trades"] == body["backtest"]["trades"]
    pair = body["trades"][0]
    assert pair["cause"] is None and pair["live"] == pair["backtest"] and pair["pnl_difference"] == "0"
    assert body["start_equity"] == "100000" and body["start"].endswith("Z") and body["preferences_version"] == 1

    client = api_client(strategy.user)
    assert_problem(client.get("/api/v1/analytics/twin/"), 400, field="strategy", code="required")
    assert_problem(client.get("/api/v1/analytics/twin/?strategy=x"), 400, field="strategy")
    assert_problem(client.get(f"{url}&depth=3"), 400, field="depth", code="unknown_field")


def test_the_api_writes_differences_of_steps_that_one_side_lacks() -> None:
    strategy = started(n=10)
    pause_strategy(strategy, by="test")
    play(strategy, 30)

    body = api_client(strategy.user).get(f"/api/v1/analytics/twin/?strategy={strategy.pk}").json()

    alone = [each for each in body["differences"] if each["differs_in"] == ["missing"]]
    assert alone and {each["cause"] for each in alone} <= {"strategy_paused", "follows"}
    assert all((each["live"] is None) != (each["backtest"] is None) for each in alone)


def test_a_strategy_that_never_ran_has_an_empty_answer() -> None:
    strategy = made()

    body = api_client(strategy.user).get(f"/api/v1/analytics/twin/?strategy={strategy.pk}").json()

    assert "has not been started" in body["message"]
    assert (body["live"], body["backtest"], body["trades"], body["differences"]) == (None, None, [], [])
    page = page_client(strategy.user).get(f"/strategies/{strategy.pk}/twin/")
    assert page.status_code == 200 and b"Nothing to compare yet" in page.content


def test_the_page_is_the_owners_alone_and_tells_causes_in_words() -> None:
    strategy = started(n=10)
    pause_strategy(strategy, by="test")
    play(strategy, 30)

    page = assert_page_owner_only(f"/strategies/{strategy.pk}/twin/", owner=strategy.user, stranger=make_user())

    text = page.content.decode()
    assert "Strategy paused." in text and "Key figures of both" in text and "Nothing" in text
    assert "strategy_paused" not in text and str(strategy.account_id) not in text
    part = page_client(strategy.user).get(f"/strategies/{strategy.pk}/twin/", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode() and "Strategy paused." in part.content.decode()


# --- R multiples ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True], ids=["kernel", "exact"])
def test_the_journal_and_both_engines_measure_r_alike(exact: bool) -> None:
    strategy = started(n=N_BARS)
    results: list[Result] = []

    def noted(spec: RunSpec, bars: Any) -> Result:
        results.append(engine.run(spec, bars, exact=exact))
        return results[-1]

    shadow_side(shadowing.assignment_of(asked(strategy)), noted)

    trades = results[0].trades
    closed = [row for row in trades.rows() if row["is_closed"]]
    journal = list(Trade.objects.filter(strategy_id=strategy.pk, closed_at__isnull=False).order_by("closed_at"))
    assert results[0].path == ("exact" if exact else "kernel") and len(journal) == len(closed) >= 3
    for mine, theirs in zip(journal, closed, strict=True):
        assert mine.initial_stop is not None and mine.r_multiple is not None
        assert float(mine.initial_stop) == pytest.approx(theirs["initial_stop"], abs=1e-9)
        assert float(mine.r_multiple) == pytest.approx(theirs["r_multiple"], rel=1e-9)
    answer = api_client(strategy.user).get("/api/v1/trades/?limit=500").json()["results"]
    assert all(isinstance(each["r_multiple"], float) for each in answer) and len(answer) >= len(journal)
