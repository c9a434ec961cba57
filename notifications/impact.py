"""What other preferences would have made of the last week's facts: the routing policy asked again, fact by fact."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from core.models import OutboxEvent
from domain.notices import Priority
from notifications.catalogue import BY_NAME, messages_for
from notifications.messages import Message
from notifications.policy import Decision, Outcome, Situation, decide
from notifications.transports import available_channels
from notifications.wishes import Wishes, wishes_from
from preferences.registry import Preferences
from preferences.subsystems import Step

WEEK = timedelta(days=7)
MAX_FACTS = 2_000
_NEXT = (Outcome.DISABLED, Outcome.CONDITIONS)


@dataclass(slots=True)
class Rehearsal:
    """Facts put to the policy in their order, with throttle windows of its own."""

    wishes: Wishes
    windows: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def outcome(self, messages: Iterable[Message], at: datetime) -> Outcome:
        """Return what becomes of a fact that may be told as these messages."""
        found = Outcome.NOTHING_TO_TELL
        for message in messages:
            decision = self._decide(message, at)
            found = decision.outcome
            if found not in _NEXT:
                self._note(message, decision, at)
                break
        return found

    def _decide(self, message: Message, at: datetime) -> Decision:
        situation = Situation(
            at=at,
            entry=self.wishes.entry(message.type),
            available=available_channels(),
            reachable=self.wishes.reachable,
            quiet=self.wishes.quiet,
            window_opened_at=self.windows.get((message.type, message.subject)),
        )
        return decide(message, situation)

    def _note(self, message: Message, decision: Decision, at: datetime) -> None:
        is_throttled = self.wishes.entry(message.type).throttle_minutes > 0
        if is_throttled and decision.outcome is Outcome.SENT and decision.priority is not Priority.CRITICAL:
            self.windows[message.type, message.subject] = at


def impact_of(step: Step) -> dict[str, Any]:
    """Return how many facts of the last week would have been sent, held or not sent, before and after a step."""
    since = timezone.now() - WEEK
    rows = OutboxEvent.objects.filter(user_id=step.user_id, name__in=BY_NAME, created_at__gte=since).order_by("-seq")
    facts = list(rows[:MAX_FACTS])[::-1]
    told = [(messages_for(row.name, row.payload), row.created_at) for row in facts]
    before, after = (outcomes(told, each) for each in (step.before or Preferences(), step.after))
    changed = [(row, old, new) for row, old, new in zip(facts, before, after, strict=True) if old != new]
    return {
        "facts": len(facts),
        "before": _counted(before),
        "after": _counted(after),
        "changed": len(changed),
        "examples": [
            {"event": row.name, "at": row.created_at.isoformat(), "before": old.value, "after": new.value}
            for row, old, new in changed[-10:]
        ],
    }


def outcomes(told: Iterable[tuple[tuple[Message, ...], datetime]], preferences: Preferences) -> list[Outcome]:
    """Return what becomes of each fact (its messages and its time) under some preferences."""
    rehearsal = Rehearsal(wishes_from(preferences))
    return [rehearsal.outcome(messages, at) for messages, at in told]


def _counted(found: list[Outcome]) -> dict[str, int]:
    sent, held = found.count(Outcome.SENT), found.count(Outcome.HELD) + found.count(Outcome.THROTTLED)
    nothing = found.count(Outcome.NOTHING_TO_TELL)
    return {"sent": sent, "held": held, "not_sent": len(found) - sent - held - nothing}
