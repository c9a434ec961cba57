"""What the frame of every signed-in page shows: mode, feed age, trading state, kill switch, and the bell.

Read only when a template asks for it: fragments that are fetched alone cost nothing here.
"""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from domain.portfolio import TradingState
from marketdata.models import Replay, ReplayState
from notifications.views import bell_panel
from portfolio import selectors as portfolio
from portfolio.models import Account, Environment
from risk import selectors as risk
from risk.models import KillScope
from users.models import User

_STRICTEST = (TradingState.HALTED, TradingState.REDUCING, TradingState.ACTIVE)
LATE_SECONDS = 10.0


def shell(request: HttpRequest) -> dict[str, Any]:
    """Give `shell` to every template; templates/shell/ says which names it may hold."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {}
    return {"shell": SimpleLazyObject(lambda: shell_of(user))}


def shell_of(user: User) -> dict[str, Any]:
    """Return the present state for a user's frame."""
    accounts = list(portfolio.accounts_of(user).order_by("created_at"))
    return {**bell_panel(user), **_account_state(accounts), **_kill_state(user), **_feed_state()} | {
        "status_url": reverse("shell_status"),
        "account_ids": [account.pk for account in accounts],
    }


def _account_state(accounts: list[Account]) -> dict[str, Any]:
    if not accounts:
        return {"mode": "", "trading_state": ""}
    live = [account for account in accounts if account.environment == Environment.LIVE]
    shown = live or accounts
    states = {account.trading_state for account in accounts}
    return {
        "mode": "live" if live else "paper",
        "account_name": shown[0].name if len(shown) == 1 else f"{len(shown)} accounts",
        "broker_name": ", ".join(sorted({account.broker for account in shown})),
        "trading_state": next(state for state in _STRICTEST if state in states),
    }


def _kill_state(user: User) -> dict[str, Any]:
    page = reverse("risk:overview")
    engaged = risk.engaged_switches(user).filter(scope__in=(KillScope.PLATFORM, KillScope.USER)).first()
    return {
        "kill_url": reverse("risk:kill"),
        "release_url": page,
        "is_killed": engaged is not None,
        "kill_reason": engaged.reason if engaged else "",
    }


def _feed_state() -> dict[str, Any]:
    """The age of the newest bar that a running clock played; a paused one is not late, only still."""
    clock = Replay.objects.filter(state=ReplayState.RUNNING, instruments__feeds__is_open=True).order_by("-updated_at")
    newest = clock.first()
    if newest is None:
        return {}
    stale_after = max(LATE_SECONDS, 5 / newest.speed)
    age = (timezone.now() - newest.updated_at).total_seconds()
    return {
        "feed_at": newest.updated_at,
        "feed_name": f"Replay {newest.speed:g}×",
        "feed_stale_after": round(stale_after),
        "is_feed_stale": age > stale_after,
    }
