"""What the order road does when others tell a fact, and what browsers hear of its own facts."""

from uuid import UUID

from core import pacing
from core.api.render import utc_text
from core.facts import Fact
from core.jobs import wake
from preferences import selectors as preferences
from realtime import push, topics
from trading.models import AccountCursor
from trading.services import safety
from trading.tasks import push_equity, run_account, take_optimized


def run_accounts_of_bars(fact: Fact) -> None:
    """Wake the pipeline of every account that follows one of the instruments whose bars closed."""
    instruments = {instrument_id for instrument_id, _ in fact.data["items"]}
    rows = AccountCursor.objects.filter(instrument_id__in=instruments)
    for account_id in rows.values_list("account_id", flat=True).distinct():
        wake(run_account, str(account_id))


def stop_on_kill_switch(fact: Fact) -> None:
    """Cancel what works, and close what is held where that was asked, at once and without the queue."""
    target = fact.data["target_id"]
    safety.stop_orders(
        scope=fact.data["scope"],
        target_id=UUID(target) if target else None,
        reason=fact.data["reason"],
        flatten=fact.data["flatten"],
        forbid_all=fact.data["forbid_all"],
        key=str(fact.event_id),
    )


def act_on_breach(fact: Fact) -> None:
    """Do what a broken rule asks of orders, positions and strategies."""
    if fact.data.get("breach_id"):
        safety.act_on_breach(UUID(fact.data["breach_id"]), key=str(fact.event_id))


def push_to_account(fact: Fact) -> None:
    """Tell the browsers that look at the account what changed."""
    if fact.account_id is None:
        return
    data = {**fact.data, "account_id": str(fact.account_id), "at": utc_text(fact.at), "event_id": str(fact.event_id)}
    push.send(topics.account_topic(fact.account_id), fact.name, data)


def push_mark(fact: Fact) -> None:
    """Tell the browsers an account's new equity, as often as its user wants; the last of a burst is never lost."""
    if fact.account_id is None or fact.user_id is None:
        return
    wishes = preferences.current(fact.user_id).performance
    if not wishes.realtime_pnl:
        return
    pause = wishes.update_interval_seconds
    if pacing.is_due(f"mark:{fact.account_id}", pause):
        push_to_account(fact)
    elif pacing.is_due(f"mark-later:{fact.account_id}", pause):
        wake(push_equity, str(fact.account_id), countdown=float(pause))


def on_optimized(fact: Fact) -> None:
    """Wake whoever deploys, or only suggests, parameters that an optimisation found better."""
    wake(take_optimized, str(fact.event_id))


def push_to_user(fact: Fact) -> None:
    """Tell all of a user's pages what changed (strategies, trading state, kill switches)."""
    if fact.user_id is None:
        return
    data = {**fact.data, "at": utc_text(fact.at), "event_id": str(fact.event_id)}
    push.send(topics.user_topic(fact.user_id), fact.name, data)
