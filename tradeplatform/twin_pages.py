"""The strategy beside its backtest, for people: a page, and the same as a fragment of the strategy's page."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from analytics.twin.values import Cause, Comparison, Difference, Side, Step
from core.pages import page
from core.templatetags.formatting import price, quantity
from domain.errors import NotFound, PlatformError
from strategies import selectors as strategies
from tradeplatform.twins import twin_of

CAUSES: dict[Cause, str] = {
    Cause.MANUAL_ORDER: "Order by hand",
    Cause.CHANGED_BY_HAND: "Changed by hand",
    Cause.APPROVAL: "Waited for your approval",
    Cause.PREFERENCES_CHANGED: "Preferences changed",
    Cause.RULE_CHANGED: "Risk rule changed",
    Cause.ORDER_UNRESOLVED: "Order unresolved",
    Cause.ORDER_LATE: "Order filled late",
    Cause.LIMIT_TIMED_OUT: "Limit order timed out",
    Cause.VENUE_REFUSED: "Refused by the venue",
    Cause.STRATEGY_PAUSED: "Strategy paused",
    Cause.STRATEGY_STOPPED: "Strategy stopped",
    Cause.STRATEGY_FAILED: "Strategy failed",
    Cause.KILL_SWITCH: "Kill switch",
    Cause.TRADING_STATE: "Account restricted",
    Cause.ACCOUNT_RESET: "Account reset",
    Cause.CARRIED_POSITION: "Position from before",
    Cause.OTHER_STRATEGY: "Another strategy in the account",
    Cause.SIGNAL_SKIPPED: "Signal skipped",
    Cause.PRICE: "Other price",
    Cause.FEES: "Other fee",
    Cause.FOLLOWS: "Follows from an earlier one",
    Cause.UNEXPLAINED: "Not explained",
}
ROLES = {
    "entry": "Entry",
    "exit": "Exit",
    "stop_loss": "Stop-loss",
    "take_profit": "Take-profit",
    "manual": "Order by hand",
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One key figure of both sides; ``kind`` says how it is shown."""

    label: str
    live: Any
    shadow: Any
    kind: str = "count"

    @property
    def gap(self) -> Any:
        """How much more live has."""
        return self.live - self.shadow


@dataclass(frozen=True, slots=True)
class Line:
    """One difference in words."""

    difference: Difference
    what: str
    live: str
    shadow: str
    cause: str


@page
@require_GET
def twin(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a strategy against its backtest; what hinders the comparison is said instead of it."""
    context: dict[str, Any] = {"strategy": strategies.strategy_for(request.user, pk)}
    try:
        found = twin_of(request.user, pk)
    except NotFound:
        raise
    except PlatformError as error:
        context["problem"] = error.message
    else:
        context |= {"twin": found, "currency": found.strategy.account.currency}
        if found.comparison is not None:
            context |= _shown(found.comparison)
    is_part = getattr(request, "htmx", False)
    return render(request, "strategies/_twin.html" if is_part else "strategies/twin.html", context)


def _shown(found: Comparison) -> dict[str, Any]:
    return {
        "figures": _figures(found.live, found.shadow),
        "lines": [_line(each) for each in found.differences],
        "pairs": [(pair, CAUSES[pair.cause] if pair.cause else "") for pair in found.trades],
        "n_unexplained": sum(each.cause is Cause.UNEXPLAINED for each in found.differences),
    }


def _figures(live: Side, shadow: Side) -> list[Figure]:
    return [
        Figure("Net P&L, open positions included", live.pnl, shadow.pnl, "result"),
        Figure("Fees paid", live.fees, shadow.fees, "money"),
        Figure("Signals", live.n_signals, shadow.n_signals),
        Figure("Orders", live.n_orders, shadow.n_orders),
        Figure("Fills", live.n_fills, shadow.n_fills),
        Figure("Closed trades", live.n_trades, shadow.n_trades),
    ]


def _line(each: Difference) -> Line:
    role = ROLES.get(each.role, each.role.replace("_", " ").capitalize())
    what = f"{role}, {each.side}" if each.side else role
    return Line(each, what, _words(each.live), _words(each.shadow), CAUSES[each.cause])


def _words(step: Step | None) -> str:
    """Return what one side did."""
    if step is None:
        return "Nothing"
    status = step.status.replace("_", " ")
    if step.filled and step.price is not None:
        return f"{status.capitalize()}: {quantity(step.filled)} at {price(step.price)}"
    if step.quantity:
        return f"{status.capitalize()}: {quantity(step.quantity)}{_asked(step.level)}"
    return f"Signal {status}"


def _asked(level: Decimal | None) -> str:
    return "" if level is None else f" at {price(level)}"
