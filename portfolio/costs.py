"""What an account's fills cost (pure): its stored fees and slippage as the models that the matcher takes."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from domain.errors import FieldError
from domain.matching import FeeModel, SlippageModel

# name: the largest value that makes sense (a percent, a price or basis points)
FEE_BOUNDS = {
    "percent": Decimal(10),
    "per_order": Decimal(10_000),
    "per_share": Decimal(1_000),
    "minimum": Decimal(10_000),
    "maker_percent": Decimal(10),
    "taker_percent": Decimal(10),
}
SLIPPAGE_BOUNDS = {"bps": Decimal(1_000), "spread": Decimal(10_000)}
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
    return FeeModel(**{name: Decimal(str(value)) for name, value in fees.items()}, digits=currency_digits(currency))


def slippage_model(slippage: Mapping[str, Any]) -> SlippageModel:
    """Return the slippage model of stored slippage (``{}``: none)."""
    return SlippageModel(**{name: Decimal(str(value)) for name, value in slippage.items()})


def faults(values: Mapping[str, Any], bounds: Mapping[str, Decimal], field: str) -> tuple[FieldError, ...]:
    """Return what is wrong with fees or slippage: unknown names, values out of bounds."""
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
