"""Stored fees, slippage and financing in words for pages and reports (pure)."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from domain.costs import TIER_DAYS
from portfolio.costs import TIERS

MONEY = "money"  # shown in the account's currency; every other unit is shown as it is
_WORDS = {
    "percent": ("Commission, of the value", "%"),
    "per_order": ("Commission, each order", MONEY),
    "per_share": ("Commission, each share", MONEY),
    "minimum": ("Least commission", MONEY),
    "maker_percent": ("Commission as maker", "%"),
    "taker_percent": ("Commission as taker", "%"),
    "bps": ("Slippage", "basis points"),
    "spread": ("Spread", MONEY),
    "entry_bps": ("Spread, at entries alone", "basis points"),
    "volume_impact": ("Volume impact", "× (share of volume)²"),
    "max_volume_percent": ("Most of a bar's volume", "%"),
    "borrow_percent": ("Borrow cost of shorts", "% a year"),
    "cash_percent": ("Interest on cash", "% a year"),
    "margin_percent": ("Interest on borrowed cash", "% a year"),
}

COSTS = frozenset(_WORDS)


def cost_rows(*models: Mapping[str, Any]) -> list[tuple[str, Decimal, str]]:
    """Return (words, number, unit) of everything that costs; the unit `MONEY` is the account's currency."""
    return [row for model in models for row in _rows(model)]


def _rows(model: Mapping[str, Any]) -> Iterator[tuple[str, Decimal, str]]:
    for name, value in model.items():
        if name == TIERS:
            for tier in value:
                yield from _tier(tier)
        elif Decimal(str(value)):
            yield (_WORDS[name][0], Decimal(str(value)), _WORDS[name][1])


def _tier(tier: Mapping[str, Any]) -> Iterator[tuple[str, Decimal, str]]:
    begins = f"from {Decimal(str(tier['above'])):,f} traded in {TIER_DAYS} days"
    for name, value in tier.items():
        if name != "above":
            words, unit = _WORDS[name]
            yield (f"{words}, {begins}", Decimal(str(value)), unit)
