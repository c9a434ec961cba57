"""Whether, when and where one message goes to one user, with the answer of every check. Pure: all state is handed in.

Order: enabled, conditions, mute; CRITICAL then goes straight on; quiet hours (held), throttle (counted), the channels'
rate limit (held a minute), routes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.notices import Channel, NotificationType, Priority
from notifications.messages import Message
from notifications.quiet import QuietHours, quiet_until
from notifications.wording import listed
from preferences.conditions import holds

RATE_WINDOW = timedelta(minutes=1)
RATE_LIMITS: dict[Channel, int] = {Channel.IN_APP: 600}


class Outcome(StrEnum):
    """What became of a message for a user."""

    SENT = "sent"
    HELD = "held"
    THROTTLED = "throttled"
    MUTED = "muted"
    DISABLED = "disabled"
    CONDITIONS = "conditions"
    NOTHING_TO_TELL = "nothing_to_tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a user set for one notification type."""

    enabled: bool = True
    channels: tuple[Channel, ...] = (Channel.IN_APP,)
    priority: Priority | None = None
    throttle_minutes: int = 0
    conditions: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything else that a decision depends on."""

    at: datetime
    entry: Entry
    available: frozenset[Channel] = frozenset({Channel.IN_APP})
    reachable: frozenset[Channel] = frozenset(Channel)
    quiet: QuietHours | None = None
    muted_until: datetime | None = None
    window_opened_at: datetime | None = None
    n_recent: Mapping[Channel, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check's answer in plain words. ``outcome`` is set where the message stops, ``until`` when it is held."""

    name: str
    answer: str
    outcome: Outcome | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The verdict on one message, with every check that was asked."""

    outcome: Outcome
    priority: Priority
    channels: tuple[Channel, ...]
    checks: tuple[Check, ...]
    held_by: str = ""
    held_until: datetime | None = None


def priority_of(message: Message, entry: Entry) -> Priority:
    """Return the user's priority for the type; a fact's own CRITICAL is never made less."""
    if entry.priority is None or message.priority is Priority.CRITICAL:
        return message.priority
    return entry.priority


def decide(message: Message, situation: Situation, *, resume_at: str = "enabled") -> Decision:
    """Ask every check in order, from ``resume_at`` on (a held message goes on at the check that held it)."""
    priority = priority_of(message, situation.entry)
    channels = routes(situation)
    asked: list[Check] = []
    for name, ask in CHECKS[[known for known, _ in CHECKS].index(resume_at) :]:
        if priority is Priority.CRITICAL and name in _PASSED_BY_CRITICAL:
            asked.append(Check(name=name, answer="Critical: not asked."))
            continue
        asked.append(ask(message, situation))
        if outcome := asked[-1].outcome:
            is_held = outcome is Outcome.HELD
            return Decision(
                outcome=outcome,
                priority=priority,
                channels=channels,
                checks=tuple(asked),
                held_by=name if is_held else "",
                held_until=asked[-1].until if is_held else None,
            )
    return Decision(outcome=Outcome.SENT, priority=priority, channels=channels, checks=tuple(asked))


def routes(situation: Situation) -> tuple[Channel, ...]:
    """Return the wanted channels that exist and reach the user; where none does, the application: nothing is lost."""
    usable = situation.available & (situation.reachable | {Channel.IN_APP})
    wanted = dict.fromkeys(situation.entry.channels)
    return tuple(channel for channel in wanted if channel in usable) or (Channel.IN_APP,)


def _enabled(message: Message, situation: Situation) -> Check:
    if message.type is NotificationType.SECURITY_ALERT:
        return Check(name="enabled", answer="Security alerts are always on.")
    if situation.entry.enabled:
        return Check(name="enabled", answer="Switched on.")
    return Check(name="enabled", answer=f"{_name(message)} is switched off.", outcome=Outcome.DISABLED)


def _conditions(message: Message, situation: Situation) -> Check:
    if message.type is NotificationType.SECURITY_ALERT or not situation.entry.conditions:
        return Check(name="conditions", answer="No conditions.")
    try:
        is_met = holds(situation.entry.conditions, message.fields)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return Check(name="conditions", answer="Your conditions can not be read; sent rather than lost.")
    if is_met:
        return Check(name="conditions", answer="Your conditions are met.")
    return Check(name="conditions", answer="Your conditions are not met.", outcome=Outcome.CONDITIONS)


def _mute(message: Message, situation: Situation) -> Check:
    until = situation.muted_until
    if message.type is NotificationType.SECURITY_ALERT or until is None or until <= situation.at:
        return Check(name="mute", answer="Not muted.")
    return Check(name="mute", answer="You muted it.", outcome=Outcome.MUTED, until=until)


def _quiet_hours(message: Message, situation: Situation) -> Check:
    until = quiet_until(situation.quiet, situation.at)
    if until is None:
        return Check(name="quiet_hours", answer="Outside your quiet hours.")
    return Check(name="quiet_hours", answer="Held until your quiet hours end.", outcome=Outcome.HELD, until=until)


def _throttle(message: Message, situation: Situation) -> Check:
    minutes, opened = situation.entry.throttle_minutes, situation.window_opened_at
    if not minutes or opened is None or situation.at >= (until := opened + timedelta(minutes=minutes)):
        return Check(name="throttle", answer="Not throttled.")
    about = f" about {message.subject}" if message.subject else ""
    answer = f"Your limit is one{about} in {minutes} minutes; this one is counted in the next."
    return Check(name="throttle", answer=answer, outcome=Outcome.THROTTLED, until=until)


def _rate_limit(message: Message, situation: Situation) -> Check:
    for channel in routes(situation):
        limit = RATE_LIMITS.get(channel)
        if limit is not None and situation.n_recent.get(channel, 0) >= limit:
            answer = f"There were {limit} in a minute already on {_CHANNEL_WORDS[channel]}; held for a minute."
            return Check(name="rate_limit", answer=answer, outcome=Outcome.HELD, until=situation.at + RATE_WINDOW)
    return Check(name="rate_limit", answer="Within the channel's rate limit.")


def _routes(message: Message, situation: Situation) -> Check:
    found = routes(situation)
    wanted = tuple(dict.fromkeys(situation.entry.channels))
    missing = [channel for channel in wanted if channel not in situation.available]
    lacking = f" Not set up on this server: {_named(missing)}." if missing else ""
    unknown = [channel for channel in wanted if channel not in situation.reachable | {Channel.IN_APP}]
    lacking += f" You gave no contact point for {_named(unknown)}." if unknown else ""
    return Check(name="routes", answer=f"Goes to {_named(found)}.{lacking}")


def _named(channels: Iterable[Channel]) -> str:
    return listed([_CHANNEL_WORDS[channel] for channel in channels])


_CHANNEL_WORDS = {
    Channel.EMAIL: "e-mail",
    Channel.SMS: "SMS",
    Channel.PUSH: "push",
    Channel.IN_APP: "the application",
    Channel.WEBHOOK: "webhooks",
}


def _name(message: Message) -> str:
    return message.type.replace("_", " ").capitalize()


CHECKS: tuple[tuple[str, Callable[[Message, Situation], Check]], ...] = (
    ("enabled", _enabled),
    ("conditions", _conditions),
    ("mute", _mute),
    ("quiet_hours", _quiet_hours),
    ("throttle", _throttle),
    ("rate_limit", _rate_limit),
    ("routes", _routes),
)
_PASSED_BY_CRITICAL = frozenset({"quiet_hours", "throttle", "rate_limit"})
