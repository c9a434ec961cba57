"""The list of pages in the order of the side navigation. A page that has no address yet is not shown."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Page:
    """One entry: where it leads, its icon, and the letter that follows `g`."""

    url_name: str
    label: str
    icon: str
    key: str = ""
    is_short: bool = False
    is_staff: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A page as one request sees it."""

    url: str
    label: str
    icon: str
    key: str
    is_current: bool


GROUPS: tuple[tuple[str, tuple[Page, ...]], ...] = (
    (
        "",
        (
            Page("home", "Home", "home", "h", is_short=True),
            Page("marketdata:chart", "Chart", "chart", "c", is_short=True),
        ),
    ),
    (
        "Trading",
        (
            Page("strategies:list", "Strategies", "strategies", "s"),
            Page("trading:orders", "Orders", "orders", "o", is_short=True),
            Page("portfolio:positions", "Positions", "positions", "p", is_short=True),
            Page("portfolio:accounts", "Accounts", "account", "t"),
            Page("portfolio:journal", "Journal", "journal", "j"),
            Page("risk:overview", "Risk", "risk", "r"),
        ),
    ),
    (
        "Research",
        (
            Page("marketdata:data", "Market data", "data", "m"),
            Page("backtesting:list", "Backtests", "backtests", "b"),
            Page("analytics:overview", "Analytics", "analytics", "a"),
        ),
    ),
    (
        "Settings",
        (
            Page("notifications:list", "Notifications", "notifications", "n"),
            Page("preferences:overview", "Preferences", "preferences", "e"),
            Page("apikeys:list", "API keys", "keys", "k"),
            Page("users:account", "Account and security", "security", "u"),
            Page("admin:index", "Admin", "admin", "d", is_staff=True),
        ),
    ),
)
PERSONAL = (
    Page("users:account", "Account and security", "security"),
    Page("users:password_change", "Change password", "keys"),
    Page("preferences:overview", "Preferences", "preferences"),
)


def address(url_name: str, *args: object) -> str:
    """Return a page's address, or nothing when that page does not exist."""
    try:
        return reverse(url_name, args=args)
    except NoReverseMatch:
        return ""


def entries(request: HttpRequest, pages: tuple[Page, ...]) -> list[Entry]:
    """Return the pages that exist and that this user may open."""
    may_administer = bool(getattr(request.user, "is_staff", False))
    found = ((page, address(page.url_name)) for page in pages if may_administer or not page.is_staff)
    return [
        Entry(url, page.label, page.icon, page.key, is_current=_is_current(request.path, url))
        for page, url in found
        if url
    ]


def navigation(request: HttpRequest) -> dict[str, Any]:
    """Give `navigation` to every template: groups, short (the bottom bar), all, personal and fixed addresses."""
    if not hasattr(request, "user"):  # an error below the sign-in middleware
        return {}
    every = tuple(page for _, pages in GROUPS for page in pages)
    groups = [{"label": label, "entries": entries(request, pages)} for label, pages in GROUPS]
    return {
        "navigation": {
            "groups": [group for group in groups if group["entries"]],
            "short": entries(request, tuple(page for page in every if page.is_short)),
            "all": entries(request, every),
            "personal": entries(request, PERSONAL),
            "sign_out_url": address("users:sign_out"),
            "search_url": address("search"),
        }
    }


def _is_current(path: str, url: str) -> bool:
    return path == url or (url != "/" and path.startswith(url))
