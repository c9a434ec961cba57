"""From one durable fact to notifications: decide for every user it concerns, store the answer and what follows.

Idempotent by (user, event id): the decision row is written in the transaction of what it decides, under the lock of
the user's mailbox, so a fact that comes twice, or to two processes at once, is told once.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction

from core.api.render import utc_text
from core.models import OutboxEvent
from core.prepared import Prepared, insert
from domain.notices import Channel, NotificationType, Priority
from notifications import selectors
from notifications.catalogue import TO_EVERYBODY, messages_for
from notifications.messages import Message
from notifications.models import Mailbox, Notification, RoutingDecision
from notifications.policy import RATE_LIMITS, RATE_WINDOW, Check, Decision, Outcome, Situation, decide
from notifications.services import mailbox, throttle
from notifications.transports import available_channels
from notifications.wishes import Wishes, wishes_of

logger = logging.getLogger(__name__)

_NEXT_CANDIDATE = (Outcome.DISABLED, Outcome.CONDITIONS)


def route_event(event: OutboxEvent, *, at: datetime) -> list[Notification]:
    """Tell a fact to everybody whom it concerns; return what was stored now (nothing when it had been told before)."""
    return route_events([event], at=at)


def route_events(events: Sequence[OutboxEvent], *, at: datetime) -> list[Notification]:
    """Tell facts that were committed together, in one transaction; see :func:`route_event`."""
    by_user: dict[UUID, list[OutboxEvent]] = {}
    for event in events:
        for user_id in recipients(event):
            by_user.setdefault(user_id, []).append(event)
    with transaction.atomic():
        # In a fixed order, so that locks never cross.
        return [row for user_id in sorted(by_user) for row in _route_to(user_id, by_user[user_id], at)]


def recipients(event: OutboxEvent) -> list[UUID]:
    """Return whom a fact concerns: its user, or everybody."""
    if event.user_id is not None:
        return [user_id for (user_id,) in _user(pk=event.user_id)]
    if event.name not in TO_EVERYBODY:
        return []
    return list(get_user_model().objects.filter(is_active=True).values_list("pk", flat=True))


_user: Prepared[tuple[UUID]] = Prepared(
    lambda pk: get_user_model().objects.filter(pk=pk).order_by().values_list("pk"), pk=UUID
)


def _route_to(user_id: UUID, events: list[OutboxEvent], at: datetime) -> list[Notification]:
    box = mailbox.lock_mailbox(user_id)
    ids = [event.event_id for event in events]
    decided = RoutingDecision.objects.filter(user_id=user_id, event_id__in=ids)
    known = set(decided.values_list("event_id", flat=True))
    wishes = wishes_of(user_id)
    stored = []
    for event in events:
        if event.event_id in known:
            continue
        verdict = choose(user_id, _messages(event), wishes, at=at)
        row = _carry_out(box, verdict, wishes, event, at)
        record(user_id, event_id=event.event_id, event_name=event.name, verdict=verdict, notification=row, at=at)
        stored += [] if row is None else [row]
    return stored


def _messages(event: OutboxEvent) -> tuple[Message, ...]:
    """Return what the fact may be told as; a fact that our words do not fit is told plainly rather than lost."""
    try:
        return messages_for(event.name, event.payload)
    except Exception:
        logger.exception("no words for %s %s", event.name, event.event_id)
        title = event.name.replace(".", " ").replace("_", " ").capitalize()
        return (Message(type=NotificationType.SYSTEM_ALERT, title=title, body="", priority=Priority.MEDIUM),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided for one user: the message (None: nothing to tell), the decision on it, every check asked."""

    message: Message | None
    outcome: Outcome
    decision: Decision | None
    checks: tuple[tuple[str, Check], ...]
    version: int


def choose(user_id: UUID, messages: tuple[Message, ...], wishes: Wishes, *, at: datetime) -> Verdict:
    """Decide on the first message that the user wants; on the last one when none is wanted."""
    asked: list[tuple[str, Check]] = []
    message, decision = None, None
    for message in messages:
        decision = decide(message, situation(user_id, message, wishes, at=at))
        asked += [(message.type, check) for check in decision.checks]
        if decision.outcome not in _NEXT_CANDIDATE:
            break
    outcome = decision.outcome if decision else Outcome.NOTHING_TO_TELL
    return Verdict(message=message, outcome=outcome, decision=decision, checks=tuple(asked), version=wishes.version)


def situation(user_id: UUID, message: Message, wishes: Wishes, *, at: datetime) -> Situation:
    """Fetch what the policy needs to know."""
    entry = wishes.entry(message.type)
    window = throttle.window_of(user_id, message) if entry.throttle_minutes else None
    return Situation(
        at=at,
        entry=entry,
        available=available_channels(),
        reachable=wishes.reachable,
        quiet=wishes.quiet,
        muted_until=selectors.muted_until(user_id, kind=message.type, subject=message.subject),
        window_opened_at=window.opened_at if window else None,
        n_recent=_recent(user_id, entry.channels, at),
    )


def _recent(user_id: UUID, channels: Iterable[Channel], at: datetime) -> dict[Channel, int]:
    """Count what went out lately on the channels that could be used and have a limit."""
    since, available = at - RATE_WINDOW, available_channels()
    return {
        channel: selectors.recent_on(user_id, channel, since=since, at_most=RATE_LIMITS[channel])
        for channel in {*channels} & {*RATE_LIMITS} & available
    }


def _carry_out(box: Mailbox, verdict: Verdict, wishes: Wishes, event: OutboxEvent, at: datetime) -> Notification | None:
    """Store, hold or count the message, as the decision says."""
    message, decision = verdict.message, verdict.decision
    if message is None or decision is None:
        return None
    if decision.outcome is Outcome.THROTTLED:
        throttle.count_suppressed(box.user_id, message, decision.priority)
    if decision.outcome not in (Outcome.SENT, Outcome.HELD):
        return None
    told = {"event_id": event.event_id, "event_name": event.name, "happened_at": event.at}
    n_suppressed = opened(box, message, decision, wishes, at=at)
    return mailbox.put(box, message, decision, event=told, at=at, n_suppressed=n_suppressed)


def opened(box: Mailbox, message: Message, decision: Decision, wishes: Wishes, *, at: datetime) -> int:
    """Open the throttle window of a message that is sent; return how many it speaks for. CRITICAL opens none."""
    if decision.outcome is not Outcome.SENT or decision.priority is Priority.CRITICAL:
        return 0
    return throttle.open_window(box.user_id, message, wishes.entry(message.type), at=at)


def record(
    user_id: UUID,
    *,
    event_id: UUID,
    event_name: str,
    verdict: Verdict,
    notification: Notification | None,
    at: datetime,
    round: int = 0,
) -> None:
    """Write down every check's answer."""
    row = RoutingDecision(
        user_id=user_id,
        event_id=event_id,
        event_name=event_name,
        round=round,
        type=verdict.message.type if verdict.message else "",
        subject=verdict.message.subject if verdict.message else "",
        outcome=verdict.outcome,
        checks=[_plain(kind, check) for kind, check in verdict.checks],
        preferences_version=verdict.version,
        notification=notification,
        decided_at=at,
    )
    insert([row])


def _plain(kind: str, check: Check) -> Mapping[str, Any]:
    return {
        "type": kind,
        "check": check.name,
        "answer": check.answer,
        "stopped": check.outcome is not None,
        "until": utc_text(check.until) if check.until else None,
    }
