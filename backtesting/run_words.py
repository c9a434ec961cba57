"""A run's settings, rules and trading preferences in words, for the section that lists them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from analytics.charts.picture import written
from backtesting.models import Job
from preferences.definitions import Category
from preferences.registry import DEFINITIONS
from risk.rules.table import RULE_TYPES
from risk.rules.types import Unit
from risk.words import grouped, unit_words

_RULES = {"mine": "Those in force when it was asked for", "none": "None"}


def settings_told(job: Job) -> list[tuple[str, str]]:
    """Return what a run was told besides its parameters and its costs: (what, value)."""
    settings, causality = job.settings, job.summary.get("causality") or {}
    asked = job.request.get("risk_rules")
    return [
        ("Instruments", ", ".join(job.symbols)),
        ("Benchmark", settings.get("benchmark") or "Holding the instruments themselves"),
        ("Short selling", "Allowed" if settings.get("allow_short") else "Not allowed"),
        ("Warm-up", f"{causality.get('warmup', settings.get('warmup', 0))} bars"),
        ("Risk rules", _RULES.get(asked, "Written for this run") if isinstance(asked, str) else "Written for this run"),
        ("Seed", str(settings.get("seed", 0))),
        *([] if asked == "none" else _preferences(settings.get("trading") or {})),  # without rules nothing is gated
    ]


def holding_words(benchmark: str, gained: float, held: float) -> str:
    """Return the sentence for a promising result that earned less than holding did; nothing for one that earned more.

    gained, held : total returns of the run and of its benchmark, as fractions
    """
    if gained >= held:
        return ""
    name = benchmark if benchmark.startswith("Holding ") else f"Holding {benchmark or 'the benchmark'}"
    return (
        f"{name} earned more: {written(held)} against {written(gained)}. Promising judges the return for the risk that "
        "was taken, with what the market gave taken off; it does not say that more was earned."
    )


def _preferences(stored: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the trading preferences that gate signals. How signals are carried out and sized says nothing of a run."""
    known = DEFINITIONS[Category.TRADING]
    shown = ("min_confidence_threshold", "max_daily_trades", "max_concurrent_positions")
    return [
        (known[name].label, f"{_number(stored[name])} {known[name].unit}".strip())
        for name in shown
        if name in stored and name in known
    ]


def _number(value: Any) -> str:
    return grouped(Decimal(str(value)))


def rules_told(stored: Sequence[Mapping[str, Any]], currency: str) -> list[dict[str, str]]:
    """Return the rules that were in force: name, limit with its unit, what happens when it is broken."""
    return [
        {
            "name": str(rule["name"]),
            "limit": _limit(rule, currency),
            "action": str(rule["action"]).replace("_", " ").capitalize(),
            "source": "Preferences" if rule.get("source") == "preferences" else "Rule",
        }
        for rule in stored
    ]


def _limit(rule: Mapping[str, Any], currency: str) -> str:
    kind = RULE_TYPES.get(rule["type"])
    if kind is None or kind.unit == Unit.FLAG:
        return "–"
    unit = f" {currency}" if kind.unit == Unit.CURRENCY else unit_words(kind)
    return f"{_number(rule['limit'])}{unit}"
