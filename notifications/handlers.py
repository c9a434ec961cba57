"""Reactions of notifications to facts: enqueue a wake-up and return, so that nothing here ever delays trading."""

from core.facts import Fact
from core.jobs import wake, wake_for
from notifications import tasks


def on_fact(fact: Fact) -> None:
    """Wake whoever tells people (every fact of notifications.catalogue)."""
    wake_for(tasks.route_fact, str(fact.event_id))


def on_preference_changed(fact: Fact) -> None:
    """Wake whoever asks again for what is held: quiet hours may just have been changed."""
    if fact.user_id is not None and fact.data.get("category") in ("notifications", "all"):
        wake(tasks.ask_again, str(fact.user_id))
