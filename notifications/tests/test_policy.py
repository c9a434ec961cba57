"""The policy: each check in its order, with its answer."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.notices import Channel, NotificationType, Priority
from notifications.messages import Message
from notifications.policy import CHECKS, RATE_LIMITS, Decision, Entry, Outcome, Situation, decide
from notifications.quiet import QuietHours

AT = datetime(2026, 1, 10, 23, 0, tzinfo=UTC)
NIGHT = QuietHours(time(22), time(7), "UTC")
MORNING = datetime(2026, 1, 11, 7, 0, tzinfo=UTC)


def message(kind: NotificationType = NotificationType.LARGE_LOSS, **values: Any) -> Message:
    fields = {"loss_amount": Decimal("1500"), "symbol": "SPY"}
    given = {"title": "Lost", "body": "", "priority": Priority.HIGH, "subject": "SPY", "fields": fields, **values}
    return Message(type=kind, **given)


def ask(entry: Entry, told: Message | None = None, **values: Any) -> Decision:
    return decide(told or message(), Situation(at=AT, entry=entry, **values))


def test_a_wanted_message_passes_every_check_in_order() -> None:
    decision = ask(Entry())

    assert decision.outcome is Outcome.SENT
    assert [check.name for check in decision.checks] == [name for name, _ in CHECKS]
    assert all(check.answer for check in decision.checks)


def test_a_channel_without_a_contact_point_is_left_out_and_named() -> None:
    entry = Entry(channels=(Channel.SMS, Channel.WEBHOOK))
    everything = frozenset(Channel)

    nowhere = ask(entry, available=everything, reachable=frozenset({Channel.EMAIL}))
    assert nowhere.channels == (Channel.IN_APP,)
    assert "You gave no contact point for SMS and webhooks" in nowhere.checks[-1].answer

    with_phone = ask(entry, available=everything, reachable=frozenset({Channel.SMS}))
    assert with_phone.channels == (Channel.SMS,)
    assert ask(entry, reachable=everything).channels == (Channel.IN_APP,)  # no transport for either


def test_a_disabled_type_stops_first() -> None:
    decision = ask(Entry(enabled=False, conditions={"symbol": {"in": ["IBM"]}}))

    assert decision.outcome is Outcome.DISABLED
    assert decision.checks[-1].answer == "Large loss is switched off."


@pytest.mark.parametrize(
    ("conditions", "outcome"),
    [
        ({"loss_amount": {"min": 1000}}, Outcome.SENT),
        ({"loss_amount": {"min": 1500}}, Outcome.SENT),
        ({"loss_amount": {"min": Decimal("1500.01")}}, Outcome.CONDITIONS),
        ({"loss_amount": {"min": 1000}, "symbol": {"in": ["IBM"]}}, Outcome.CONDITIONS),
        ({"any": [{"symbol": {"in": ["IBM"]}}, {"not": {"loss_amount": {"max": 1000}}}]}, Outcome.SENT),
        ({"all": [{"strategy": {"equals": "x"}}]}, Outcome.CONDITIONS),
    ],
)
def test_conditions_are_asked(conditions: dict[str, Any], outcome: Outcome) -> None:
    assert ask(Entry(conditions=conditions)).outcome is outcome


@pytest.mark.parametrize("broken", [{"loss_amount": {"nonsense": 1}}, {"all": 5}, {"symbol": "SPY"}, {"not": [1]}])
def test_conditions_that_can_not_be_read_lose_nothing(broken: dict[str, Any]) -> None:
    decision = ask(Entry(conditions=broken))

    assert decision.outcome is Outcome.SENT
    assert "can not be read" in decision.checks[1].answer


def test_a_mute_holds_until_its_end_and_stops_even_critical() -> None:
    critical = message(priority=Priority.CRITICAL)

    assert ask(Entry(), critical, muted_until=AT + timedelta(seconds=1)).outcome is Outcome.MUTED
    assert ask(Entry(), critical, muted_until=AT).outcome is Outcome.SENT


def test_quiet_hours_hold_until_morning() -> None:
    decision = ask(Entry(), quiet=NIGHT)

    assert decision.outcome is Outcome.HELD
    assert (decision.held_by, decision.held_until) == ("quiet_hours", MORNING)


def test_critical_goes_straight_on() -> None:
    full = dict(RATE_LIMITS.items())
    decision = ask(
        Entry(throttle_minutes=60),
        message(priority=Priority.CRITICAL),
        quiet=NIGHT,
        window_opened_at=AT,
        n_recent=full,
    )

    assert decision.outcome is Outcome.SENT
    assert [check.answer for check in decision.checks[3:6]] == ["Critical: not asked."] * 3


def test_the_user_may_make_a_type_critical_but_a_critical_fact_not_less() -> None:
    assert ask(Entry(priority=Priority.CRITICAL)).priority is Priority.CRITICAL
    assert ask(Entry(priority=Priority.LOW)).priority is Priority.LOW
    assert ask(Entry(priority=Priority.LOW), message(priority=Priority.CRITICAL)).priority is Priority.CRITICAL
    assert ask(Entry()).priority is Priority.HIGH


def test_a_throttle_lets_one_pass_in_each_window() -> None:
    entry = Entry(throttle_minutes=15)

    assert ask(entry).outcome is Outcome.SENT
    assert ask(entry, window_opened_at=AT - timedelta(minutes=14, seconds=59)).outcome is Outcome.THROTTLED
    assert ask(entry, window_opened_at=AT - timedelta(minutes=15)).outcome is Outcome.SENT
    assert ask(Entry(), window_opened_at=AT).outcome is Outcome.SENT


def test_a_full_channel_holds_for_a_minute() -> None:
    decision = ask(Entry(), n_recent={Channel.IN_APP: RATE_LIMITS[Channel.IN_APP]})

    assert (decision.outcome, decision.held_by) == (Outcome.HELD, "rate_limit")
    assert decision.held_until == AT + timedelta(minutes=1)


def test_a_channel_without_transport_is_named_and_never_used() -> None:
    decision = ask(Entry(channels=(Channel.EMAIL, Channel.IN_APP)))

    assert decision.channels == (Channel.IN_APP,)
    assert decision.checks[-1].answer == "Goes to the application. Not set up on this server: e-mail."


def test_nothing_is_lost_when_no_wanted_channel_exists() -> None:
    assert ask(Entry(channels=(Channel.EMAIL, Channel.SMS))).channels == (Channel.IN_APP,)


def test_security_alerts_can_not_be_switched_off_muted_or_conditioned() -> None:
    entry = Entry(enabled=False, conditions={"symbol": {"in": ["IBM"]}})
    security = message(NotificationType.SECURITY_ALERT)

    assert ask(entry, security, muted_until=AT + timedelta(days=1)).outcome is Outcome.SENT


def test_a_held_message_goes_on_at_the_check_that_held_it() -> None:
    situation = Situation(at=MORNING, entry=Entry(enabled=False, throttle_minutes=5), quiet=NIGHT)

    decision = decide(message(), situation, resume_at="quiet_hours")

    assert decision.outcome is Outcome.SENT
    assert [check.name for check in decision.checks] == ["quiet_hours", "throttle", "rate_limit", "routes"]
