"""The sections of a result's page: which each kind of job has, in the order in which a trader reads them.

The first is what is shown without a choice; each has an address of its own (`?section=trades`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from backtesting.models import JobKind

RUN, SWEEP, WALK = JobKind.BACKTEST.value, JobKind.SWEEP.value, JobKind.WALK_FORWARD.value


@dataclass(frozen=True, slots=True)
class Section:
    """One section: its word in the address, its title, the template of its content.

    ``counted`` names the number that stands beside the title.
    """

    name: str
    title: str
    template: str
    counted: str = ""


def _section(name: str, title: str, template: str = "", counted: str = "") -> Section:
    return Section(name, title, f"backtesting/sections/{template or name}.html", counted)


_TRADES = _section("trades", "Trades", counted="n_trades")
_ORDERS = _section("orders", "Orders", counted="n_orders")
_REFUSED = _section("refused", "Refused orders", counted="n_refused")
_RETURNS = _section("returns", "Returns and drawdowns")
_LUCK = _section("luck", "Luck or skill")
_COSTS = _section("costs", "Costs")
_FIGURES = _section("figures", "All figures")
_SETTINGS = _section("settings", "Settings and notes")

SECTIONS: Mapping[str, tuple[Section, ...]] = {
    RUN: (
        _section("overview", "Overview"),
        *(_TRADES, _ORDERS, _REFUSED, _RETURNS, _LUCK, _COSTS, _FIGURES, _SETTINGS),
    ),
    SWEEP: (
        _section("overview", "Overview", "overview_sweep"),
        _section("trials", "Trials", counted="n_trials"),
        *(_RETURNS, _TRADES, _LUCK, _COSTS, _FIGURES, _SETTINGS),
    ),
    WALK: (
        _section("overview", "Overview", "overview_walk"),
        _section("windows", "Windows", counted="n_windows"),
        *(_RETURNS, _TRADES, _LUCK, _FIGURES, _SETTINGS),
    ),
}


def sections_of(kind: str, *, is_of_paths: bool = False) -> tuple[Section, ...]:
    """Return a kind's sections; a cross-validation has paths in place of windows and trades."""
    return tuple(each for each in SECTIONS[kind] if not is_of_paths or each.name not in ("windows", "trades"))


def section_of(kind: str, name: str) -> Section:
    """Return a kind's section by its name; the first for a name that the kind does not have."""
    found = SECTIONS[kind]
    return next((each for each in found if each.name == name), found[0])
