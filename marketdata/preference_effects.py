"""What market data makes of preferences: sources of new feeds, the pace of live bars, the hours that charts show."""

from collections.abc import Sequence
from typing import Any

from marketdata.models import Subscription, SubscriptionKind
from marketdata.sources import SOURCES
from preferences.categories import MarketDataPreferences
from preferences.definitions import Category
from preferences.registry import Preferences
from preferences.subsystems import Step, Subsystem, Warned

_EXTRAS = {
    "level2_enabled": ("has_level2", "order book depth"),
    "options_data": ("has_options", "options"),
    "futures_data": ("has_futures", "futures"),
}


def _acknowledge(step: Step) -> str:
    chosen = step.after.market_data
    live = f"at most every {chosen.refresh_interval_seconds} s" if chosen.realtime_enabled else "not at all"
    hours = "all hours" if chosen.extended_hours_data else "the session alone"
    return f"Open pages get live bars {live}; charts show {hours}; new feeds: {', '.join(chosen.preferred_sources)}."


def _warnings(preferences: Preferences) -> Sequence[Warned]:
    chosen = preferences.market_data
    usable = [SOURCES[name] for name in chosen.preferred_sources if SOURCES[name].is_set_up]
    found = [
        Warned(field, f"{source.name} has no {words}: nothing more is shown for it.")
        for field, (ability, words) in _EXTRAS.items()
        if getattr(chosen, field)
        for source in usable
        if not getattr(source, ability)
    ]
    if not usable:
        names = ", ".join(chosen.preferred_sources)
        found.append(Warned("preferred_sources", f"None of {names} is set up on this server: no feed can be opened."))
    return found


def _impact(step: Step) -> dict[str, Any]:
    """The subscriptions of the user's pages that close, or open again; trading's own go on in any case."""
    rows = Subscription.objects.filter(user_id=step.user_id).select_related("instrument")
    pages = [_named(row) for row in rows if row.owner_kind == SubscriptionKind.PAGE]
    was, becomes = (_is_live(each) for each in (step.before, step.after))
    return {
        "subscriptions_closed": pages if was and not becomes else [],
        "subscriptions_opened": pages if becomes and not was else [],
        "subscriptions_kept": [_named(row) for row in rows if row.owner_kind != SubscriptionKind.PAGE],
    }


def _is_live(preferences: Preferences | None) -> bool:
    chosen = MarketDataPreferences() if preferences is None else preferences.market_data
    return chosen.realtime_enabled


def _named(row: Subscription) -> dict[str, str]:
    return {"symbol": row.instrument.symbol, "timeframe": row.timeframe, "owner": row.owner_label or row.owner_kind}


MARKET_DATA = Subsystem(
    categories=frozenset({Category.MARKET_DATA}), acknowledge=_acknowledge, impact=_impact, warnings=_warnings
)
