"""What an account's fills cost (pure): its stored fees and slippage as the models that the matcher takes."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.costs import FeeModel, FeeTier, FinancingModel, SlippageModel, rising
from domain.errors import FieldError

# name: the largest value that makes sense (a percent, a price or basis points)
FEE_BOUNDS = {
    "percent": Decimal(10),
    "per_order": Decimal(10_000),
    "per_share": Decimal(1_000),
    "minimum": Decimal(10_000),
    "maker_percent": Decimal(10),
    "taker_percent": Decimal(10),
}
SLIPPAGE_BOUNDS = {
    "bps": Decimal(1_000),
    "spread": Decimal(10_000),
    "volume_impact": Decimal(10),
    "max_volume_percent": Decimal(100),
}
RUN_SLIPPAGE_BOUNDS = {**SLIPPAGE_BOUNDS, "entry_bps": SLIPPAGE_BOUNDS["bps"]}
"""Slippage of a backtest: what an account may have, and what only a backtest can charge."""
TIER_BOUNDS = {
    "above": Decimal(10) ** 12,
    **{name: FEE_BOUNDS[name] for name in ("percent", "per_share", "maker_percent", "taker_percent")},
}
FINANCING_BOUNDS = {name: Decimal(100) for name in ("borrow_percent", "cash_percent", "margin_percent")}
TIERS = "tiers"
MAX_TIERS = 20
_CRYPTO_DIGITS = 8
_FIAT = frozenset(
    (
        *("USD", "EUR", "GBP", "JPY", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN"),
        *("CZK", "HUF", "CNY", "HKD", "SGD", "INR", "BRL", "MXN", "ZAR", "TRY", "KRW", "ILS"),
    )
)


def currency_digits(currency: str) -> int:
    """Decimal places to which fees are booked: two for state currencies, eight for crypto currencies."""
    return 2 if currency.upper() in _FIAT else _CRYPTO_DIGITS


def fee_model(fees: Mapping[str, Any], currency: str) -> FeeModel:
    """Return the fee model of stored fees (``{}``: no commission)."""
    rates = {name: Decimal(str(value)) for name, value in fees.items() if name != TIERS}
    tiers = tuple(FeeTier(**_decimals(tier)) for tier in fees.get(TIERS, ()))
    return FeeModel(**rates, tiers=tiers, digits=currency_digits(currency))


def slippage_model(slippage: Mapping[str, Any]) -> SlippageModel:
    """Return the slippage model of stored slippage (``{}``: none)."""
    return SlippageModel(**_decimals(slippage))


def financing_model(financing: Mapping[str, Any]) -> FinancingModel:
    """Return the financing model of stored rates (``{}``: nothing is paid or earned)."""
    return FinancingModel(**_decimals(financing))


def _decimals(values: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(str(value)) for name, value in values.items()}


def stored_costs(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return checked fees or slippage as plain JSON: numbers as texts, tiers in the order of their thresholds."""
    texts: dict[str, Any] = {name: _text(value) for name, value in values.items() if name != TIERS}
    if values.get(TIERS):
        texts[TIERS] = [{name: _text(value) for name, value in tier.items()} for tier in values[TIERS]]
    return texts


def _text(value: Any) -> str:
    text = format(Decimal(str(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def fee_faults(fees: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """Return what is wrong with fees: unknown names, values out of bounds, tiers that are not in rising order."""
    rates = {name: value for name, value in fees.items() if name != TIERS}
    return (*_faults(rates, FEE_BOUNDS, "fees"), *_tier_faults(fees.get(TIERS, ())))


def slippage_faults(slippage: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """Return what is wrong with an account's slippage: unknown names, values out of bounds."""
    return _faults(slippage, SLIPPAGE_BOUNDS, "slippage")


def run_slippage_faults(slippage: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """Return what is wrong with a backtest's slippage: unknown names, values out of bounds."""
    return _faults(slippage, RUN_SLIPPAGE_BOUNDS, "slippage")


def financing_faults(financing: Mapping[str, Any]) -> tuple[FieldError, ...]:
    """Return what is wrong with financing: unknown names, values out of bounds."""
    return _faults(financing, FINANCING_BOUNDS, "financing")


def _tier_faults(tiers: Sequence[Mapping[str, Any]]) -> tuple[FieldError, ...]:
    if len(tiers) > MAX_TIERS:
        return (FieldError("fees.tiers", "too_many", f"{len(tiers)} tiers are more than {MAX_TIERS}"),)
    found = [fault for i, tier in enumerate(tiers) for fault in _one_tier(tier, f"fees.tiers.{i}")]
    if not found and not rising([FeeTier(**_decimals(tier)) for tier in tiers]):
        found.append(FieldError("fees.tiers", "not_rising", "Each tier must be above the one before it"))
    return tuple(found)


def _one_tier(tier: Mapping[str, Any], field: str) -> tuple[FieldError, ...]:
    found = _faults(tier, TIER_BOUNDS, field)
    if "above" not in tier:
        return (*found, FieldError(f"{field}.above", "required", f"{field} needs the value from which it applies"))
    if len(tier) == 1:
        return (*found, FieldError(field, "required", f"{field} names no rate"))
    return found


def _faults(values: Mapping[str, Any], bounds: Mapping[str, Decimal], field: str) -> tuple[FieldError, ...]:
    found = (_fault(f"{field}.{name}", value, bounds.get(name)) for name, value in values.items())
    return tuple(fault for each in found for fault in each)


def _fault(field: str, value: Any, bound: Decimal | None) -> list[FieldError]:
    if bound is None:
        return [FieldError(field, "unknown_field", f"There is no {field} here")]
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return [FieldError(field, "invalid", f"{value!r} is not a decimal number")]
    if not number.is_finite() or not 0 <= number <= bound:
        return [FieldError(field, "out_of_range", f"{field} must lie between 0 and {bound}; {value} does not")]
    return []
