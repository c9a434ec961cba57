"""Numbers, amounts and reasons as a person reads them in a message. Pure: no Django, no clock."""

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

MINUS = "−"
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_DIGITS = {"JPY": 0, "BTC": 8, "ETH": 8}
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")


def number(value: Any) -> Decimal | None:
    """Read a finite number exactly; None for nothing and for what is no number."""
    if value is None or isinstance(value, bool) or value == "":
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def quantity(value: Any) -> str:
    """Write a count of shares or coins: ``Decimal("1250.500")`` → ``"1,250.5"``."""
    found = number(value)
    if found is None:
        return "an unknown quantity of"
    text = f"{abs(found):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{MINUS}{text}" if found < 0 else text


def money(value: Any, currency: str = "", *, signed: bool = False) -> str:
    """Write an amount with its currency: ``money("-1234.5", "USD")`` → ``"−$1,234.50"``; EUR, BTC and others alike."""
    found = number(value)
    if found is None:
        return "an unknown amount"
    digits = _DIGITS.get(currency, 2)
    rounded = found.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    sign = MINUS if rounded < 0 else "+" if signed and rounded > 0 else ""
    body = f"{abs(rounded):,f}"
    if currency in _SIGNS:
        return f"{sign}{_SIGNS[currency]}{body}"
    return f"{sign}{body} {currency}".rstrip()


def price(value: Any, currency: str = "") -> str:
    """Write a price with the decimals it has, two at least: ``price("0.00012", "USD")`` → ``"$0.00012"``."""
    found = number(value)
    if found is None:
        return "an unknown price"
    exponent = found.normalize().as_tuple().exponent
    digits = max(2, min(8, -exponent if isinstance(exponent, int) else 2))
    body = f"{abs(found):,.{digits}f}"
    sign = MINUS if found < 0 else ""
    return f"{sign}{_SIGNS[currency]}{body}" if currency in _SIGNS else f"{sign}{body} {currency}".rstrip()


def percent(fraction: Any) -> str:
    """Write a fraction as per cent: ``0.825`` → ``"82.5 %"``."""
    found = number(fraction)
    if found is None:
        return "an unknown share"
    text = f"{found * 100:,.2f}".rstrip("0").rstrip(".")
    return f"{text.replace('-', MINUS)} %"


def plain_words(text: Any) -> str:
    """Make a stored reason readable: codes lose their underscores, ids vanish, the first letter is a capital.

    >>> plain_words("daily_trade_limit")
    'Daily trade limit'
    """
    found = _UUID.sub("", str(text or ""))
    found = _CODE.sub(lambda match: match[0].replace("_", " "), found)
    found = " ".join(found.split()).strip(" ,;:")
    return found[:1].upper() + found[1:]


def sentence(text: Any) -> str:
    """Return plain words that end with a full stop ("" stays "")."""
    found = plain_words(text)
    return found if not found or found[-1] in ".!?" else f"{found}."


def listed(words: list[str]) -> str:
    """Join words as people do: ``["a", "b", "c"]`` → ``"a, b and c"``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
