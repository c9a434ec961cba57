"""The twin of a strategy: what disturbs its life is named as the cause, each produced for real."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from analytics.twin.values import Cause
from domain.bars import Timeframe
from domain.errors import BrokerError
from domain.orders import EventSource, ExecutionReport, OrderSide, OrderSpec, OrderType
from domain.portfolio import TradingState
from portfolio.models import Position
from portfolio.services.accounts import configure_account, set_trading_state
from preferences.definitions import Category
from preferences.services import change
from risk.models import RiskRule
from risk.services.kill_switches import engage_kill_switch, rearm_kill_switch
from risk.services.rules import create_rule, delete_rule
from strategies import services as strategy_services
from strategies.models import Strategy
from tests.parity_ways import OPENED_AT, instrument_of, strategy_of
from tests.test_parity_orders import minutes
from tests.twin_scene import CASE, WIDE, causes, committed, made, now, own_bars, play, started, twin
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

__all__ = ["own_bars"]  # the fixture that keeps the bars of these tests apart

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300), pytest.mark.long]


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
