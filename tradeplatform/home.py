"""The panels of the home page: what each reads, when it is read again, and how a user arranged them."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from domain.errors import NotFound
from domain.orders import FINAL
from marketdata.models import Replay
from notifications import selectors as notifications
from portfolio import selectors as portfolio
from portfolio.models import Account
from strategies import selectors as strategies
from tradeplatform.models import HomeLayout
from trading import overviews
from trading import selectors as trading
from trading.risk_report import risk_report
from users.models import User

N_SIGNALS, N_ORDERS, N_LIMITS, N_INCIDENTS, MAX_POINTS = 8, 12, 5, 5, 400
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: `live` are the events after which it is read again, `wait` the least pause in between (ms)."""

    name: str
    title: str
    read: Callable[[User], dict[str, Any]]
    live: str
    width: int = 12
    wait: int = 1000
    is_flush: bool = True
    link: str = ""

    @property
    def template(self) -> str:
        """Its fragment."""
        return f"home/_{self.name}.html"

    @property
    def href(self) -> str:
        """The page that shows more of it."""
        return reverse(self.link) if self.link else ""


def _accounts(user: User) -> dict[str, Any]:
    return {"cards": [_card(account) for account in overviews.accounts(user)]}


def _card(account: Account) -> dict[str, Any]:
    peak, start = account.peak_equity, account.session_start_equity
    return {
        "account": account,
        "day_fraction": account.day_pnl / start if start > 0 else None,
        "total_fraction": account.equity / account.starting_cash - 1,
        "cash_fraction": account.cash / account.equity if account.equity > 0 else None,
        "drawdown": max(ZERO, 1 - account.equity / peak) if peak > 0 else None,
    }


def _equity(user: User) -> dict[str, Any]:
    accounts = overviews.accounts(user)
    curves = [(account, portfolio.equity_curve(account, max_points=MAX_POINTS)) for account in accounts]
    data = [
        {
            "type": "scatter",
            "mode": "lines",
            "line": {"shape": "hv"},  # while nothing is held equity stands still
            "name": account.name,
            "x": [point.at.isoformat() for point in points],
            "y": [round(float(point.equity / points[0].equity) - 1, 6) for point in points],
            "hovertemplate": "%{y:+.2%}",
        }
        for account, points in curves
        if len(points) > 1 and points[0].equity > 0
    ]
    axis = {"tickformat": "+.1~%", "zeroline": True, **_range_of(data)}
    layout = {"showlegend": len(data) > 1, "yaxis": axis, "uirevision": "equity"}
    summaries = [
        (account, points[0], points[-1], points[-1].equity / points[0].equity - 1)
        for account, points in curves
        if len(points) > 1 and points[0].equity > 0
    ]
    return {"figure": {"data": data, "layout": layout} if data else None, "summaries": summaries}


def _range_of(data: list[dict[str, Any]]) -> dict[str, Any]:
    """Show the curves' own range with a little air."""
    values = [value for curve in data for value in curve["y"]]
    if not values:
        return {}
    low, high = min(values), max(values)
    margin = (high - low) * 0.08 or 0.01
    return {"range": [low - margin, high + margin]}


def _positions(user: User) -> dict[str, Any]:
    return {"held": overviews.held(user)}


def _orders(user: User) -> dict[str, Any]:
    rows = trading.orders_of(user).filter(account__is_archived=False).exclude(status__in=FINAL)
    return {"orders": list(rows.order_by("-created_at")[:N_ORDERS]), "n_orders": rows.count()}


def _strategies(user: User) -> dict[str, Any]:
    return {"rows": overviews.strategy_rows(user)}


def _signals(user: User) -> dict[str, Any]:
    return {"signals": trading.signals_of(user).order_by("-created_at")[:N_SIGNALS]}


def _limits(user: User) -> dict[str, Any]:
    found = [
        (each, report.account) for report in map(risk_report, overviews.accounts(user)) for each in report.headroom
    ]
    return {"limits": sorted(found, key=lambda pair: -pair[0].used)[:N_LIMITS]}


def _incidents(user: User) -> dict[str, Any]:
    rows = notifications.unread(user, at=timezone.now()).order_by("-seq")
    return {"incidents": rows[:N_INCIDENTS], "n_unread": rows.count()}


def _feeds(user: User) -> dict[str, Any]:
    return {"clocks": Replay.objects.filter(instruments__feeds__is_open=True).distinct().order_by("-created_at")[:6]}


_MONEY = "account.* fill.* position.*"
PANELS: dict[str, Panel] = {
    panel.name: panel
    for panel in (
        Panel("accounts", "Accounts", _accounts, f"{_MONEY} trading_state.* kill_switch.*", is_flush=False),
        Panel("equity", "Equity", _equity, "account.*", width=8, wait=2000, is_flush=False),
        Panel("limits", "Nearest limits", _limits, f"{_MONEY} order.* risk.*", 4, 1500, False, "risk:overview"),
        Panel("positions", "Open positions", _positions, _MONEY, width=6),
        Panel("orders", "Working orders", _orders, "order.*", width=6),
        Panel("strategies", "Strategies", _strategies, f"{_MONEY} strategy.* signal.*", width=6, wait=1500),
        Panel("signals", "Latest signals", _signals, "signal.*", width=6),
        Panel("incidents", "Unread", _incidents, "notification.*", 6, 1000, True, "notifications:list"),
        Panel("feeds", "Market clocks", _feeds, "bar.* account.marked", 6, 2000, True, "marketdata:data"),
    )
}


def panel_named(name: str) -> Panel:
    """Return a panel. Raises NotFound."""
    if name not in PANELS:
        raise NotFound("There is no such panel")
    return PANELS[name]


def arranged(user: User) -> tuple[list[Panel], list[Panel]]:
    """Return the user's panels in their order, and the hidden ones. Panels that are new come last."""
    layout = HomeLayout.objects.filter(user=user).first()
    order = _order_of(layout)
    hidden = set(layout.hidden if layout else ())
    return [PANELS[n] for n in order if n not in hidden], [PANELS[n] for n in order if n in hidden]


def _order_of(layout: HomeLayout | None) -> list[str]:
    kept = [name for name in (layout.order if layout else ()) if name in PANELS]
    return [*kept, *(name for name in PANELS if name not in kept)]


@transaction.atomic
def rearrange(user: User, name: str, move: str) -> None:
    """Move a panel up or down among the shown ones, hide it or show it again; `reset` forgets the arrangement."""
    HomeLayout.objects.get_or_create(user=user)
    layout = HomeLayout.objects.select_for_update().get(user=user)
    order, hidden = _order_of(layout), [n for n in layout.hidden if n in PANELS]
    if move == "reset":
        order, hidden = list(PANELS), []
    elif move == "hide":
        hidden = [*(n for n in hidden if n != name), name]
    elif move == "show":
        hidden = [n for n in hidden if n != name]
    else:
        order = _moved(order, hidden, name, up=move == "up")
    layout.order, layout.hidden = order, hidden
    layout.save(update_fields=["order", "hidden", "updated_at"])


def _moved(order: list[str], hidden: list[str], name: str, *, up: bool) -> list[str]:
    shown = [each for each in order if each not in hidden]
    if name not in shown:
        return order
    index = shown.index(name)
    other = index - 1 if up else index + 1
    if 0 <= other < len(shown):
        shown[index], shown[other] = shown[other], shown[index]
    return [*shown, *(each for each in order if each in hidden)]


def first_steps(user: User) -> list[dict[str, Any]]:
    """Return what a new user does first, each with whether it is done; empty once a strategy has run."""
    rows = strategies.strategies_of(user)
    accounts = portfolio.accounts_of(user).exists()
    has_strategy, has_run = rows.exists(), rows.filter(started_at__isnull=False).exists()
    if has_run or (accounts and trading.orders_of(user).exists()):
        return []
    return [
        {"name": "account", "is_done": accounts},
        {"name": "chart", "is_done": has_strategy},
        {"name": "strategy", "is_done": has_strategy},
        {"name": "start", "is_done": has_run},
    ]
