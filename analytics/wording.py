"""How figures are written for people: by their unit, with a sign and a tone where more is a gain."""

from dataclasses import dataclass

from analytics.metrics.catalogue import BY_NAME, METRICS, MetricInfo, Unit
from analytics.metrics.summary import Figures
from core.templatetags import formatting

TONED = frozenset({"total_return", "annual_return", "cagr", "alpha", "expectancy", "expectancy_return"})
HEADLINE = (
    *("total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown", "alpha", "beta"),
    *("trades", "win_rate", "average_win", "average_loss", "profit_factor", "expectancy"),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One figure as a page shows it. ``value`` is the number behind it, "" where there is none."""

    name: str
    title: str
    text: str
    value: str
    tone: str
    help: str


def shown(info: MetricInfo, value: float | int | None, currency: str) -> Shown:
    """Write one figure."""
    if value is None:
        return Shown(info.name, info.title, formatting.MISSING, "", "", info.help)
    tone = ("gain" if value > 0 else "loss" if value < 0 else "") if info.name in TONED else ""
    return Shown(info.name, info.title, _text(info, value, currency), repr(value), tone, info.help)


def all_shown(figures: Figures, currency: str) -> list[Shown]:
    """Write every figure, in the catalogue's order."""
    return [shown(info, figures[info.name], currency) for info in METRICS]


def headline(figures: Figures, currency: str) -> list[Shown]:
    """Write the figures that stand on top of a page."""
    return [shown(BY_NAME[name], figures[name], currency) for name in HEADLINE]


def _text(info: MetricInfo, value: float, currency: str) -> str:
    is_toned = info.name in TONED
    if info.unit is Unit.MONEY:
        return formatting.signed_money(value, currency) if is_toned else formatting.money(value, currency)
    if info.unit is Unit.FRACTION:
        return formatting.signed_fraction(value) if is_toned else formatting.fraction(value)
    if info.unit is Unit.COUNT:
        return f"{value:,.0f}"
    if info.unit is Unit.DAYS:
        return f"{value:,.1f}" if value < 10 else f"{value:,.0f}"
    return f"{value:,.2f}".replace("-", formatting.MINUS)
