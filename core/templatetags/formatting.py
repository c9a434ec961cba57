"""Template filters that turn exact values into what a person reads: money, quantities, percents, prices and times.

A missing value is always an en dash, never a zero. Minus is U+2212; the machine-readable form
stays in `data-value` attributes.
"""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from domain.bars import TIMEFRAME_SECONDS, Timeframe

register = template.Library()

Number = Decimal | int | float | str | None

MISSING = "–"
MINUS = "−"
PER_CENT = "\N{NO-BREAK SPACE}%"  # a sign that stands alone on the next line reads as nothing
SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
DIGITS = {"JPY": 0, "BTC": 8, "ETH": 8}
SHAPES = {"datetime": "%d %b %Y %H:%M:%S", "minute": "%d %b %Y %H:%M", "date": "%d %b %Y", "time": "%H:%M:%S"}
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def as_decimal(value: Number) -> Decimal | None:
    """Read a number exactly; None for nothing, text that is no number, NaN and infinities."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def grouped(number: Decimal, digits: int) -> str:
    """Write the absolute value with thousands separators and `digits` decimals."""
    step = Decimal(1).scaleb(-digits)
    return f"{abs(number).quantize(step, ROUND_HALF_UP):,f}"


def sign_of(number: Decimal, digits: int, *, plus: bool) -> str:
    """Give the sign of the ROUNDED value, so that a loss of 0.001 is not shown as minus zero."""
    rounded = number.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    if rounded < 0:
        return MINUS
    return "+" if plus and rounded > 0 else ""


def _money(value: Number, currency: str, *, plus: bool) -> str:
    number = as_decimal(value)
    if number is None:
        return MISSING
    code = (currency or "USD").upper()
    digits = DIGITS.get(code, 2)
    amount = grouped(number, digits)
    sign = sign_of(number, digits, plus=plus)
    return f"{sign}{SYMBOLS[code]}{amount}" if code in SYMBOLS else f"{sign}{amount} {code}"


@register.filter
def money(value: Number, currency: str = "USD") -> str:
    """Show an amount: `{{ account.equity|money:account.currency }}` gives $12,345.60."""
    return _money(value, currency, plus=False)


@register.filter
def signed_money(value: Number, currency: str = "USD") -> str:
    """Show a gain or loss with its sign: +$120.00, −$35.10."""
    return _money(value, currency, plus=True)


@register.filter
def quantity(value: Number) -> str:
    """Show a quantity with thousands separators and without trailing zeros: 1,250 or 0.0125."""
    number = as_decimal(value)
    if number is None:
        return MISSING
    text = f"{abs(number):,f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if number < 0 else text


@register.filter
def capped(count: int, most: int = 99) -> str:
    """Show a count that has little room: 7, but 99+ for 2,340."""
    return f"{most}+" if count > most else str(count)


@register.filter
def price(value: Number, tick: Number = None) -> str:
    """Show a price with as many decimals as its tick size has, at least two."""
    number = as_decimal(value)
    if number is None:
        return MISSING
    step = as_decimal(tick) or number
    exponent = step.normalize().as_tuple().exponent
    digits = max(2, min(8, -exponent if isinstance(exponent, int) else 2))
    return f"{sign_of(number, digits, plus=False)}{grouped(number, digits)}"


def _percent(value: Number, digits: int, *, scale: int, plus: bool) -> str:
    number = as_decimal(value)
    if number is None:
        return MISSING
    number *= scale
    return f"{sign_of(number, digits, plus=plus)}{grouped(number, digits)}{PER_CENT}"


@register.filter
def percent(value: Number, digits: int = 2) -> str:
    """Show a value that is in per cent already (fields named `_percent`)."""
    return _percent(value, int(digits), scale=1, plus=False)


@register.filter
def signed_percent(value: Number, digits: int = 2) -> str:
    """Show a change that is in per cent already, with its sign."""
    return _percent(value, int(digits), scale=1, plus=True)


@register.filter
def fraction(value: Number, digits: int = 2) -> str:
    """Show a fraction (fields named `_fraction`, backtest metrics) as per cent: 0.0213 gives 2.13 %."""
    return _percent(value, int(digits), scale=100, plus=False)


@register.filter
def unbroken(text: object) -> str:
    """Return prose whose per cent signs stay on the line of their numbers."""
    return re.sub(r"(?<=\d) %", PER_CENT, str(text))


@register.filter
def signed_fraction(value: Number, digits: int = 2) -> str:
    """Show a fraction as per cent with its sign."""
    return _percent(value, int(digits), scale=100, plus=True)


@register.filter
def signed_number(value: Number, digits: int = 2) -> str:
    """Show a bare number with its sign, such as an R multiple: +3.00, −1.05."""
    number = as_decimal(value)
    if number is None:
        return MISSING
    return f"{sign_of(number, int(digits), plus=True)}{grouped(number, int(digits))}"


@register.filter
def signed(value: Number) -> str:
    """Give the css class of a value's sign: gain, loss or flat."""
    number = as_decimal(value)
    if number is None or number == 0:
        return "flat"
    return "gain" if number > 0 else "loss"


@register.filter
def plain(value: Number) -> str:
    """Give the machine-readable number for a `data-value` attribute; empty when there is none."""
    number = as_decimal(value)
    return "" if number is None else f"{number:f}"


def age_text(seconds: float) -> str:
    """Say an age in one unit: 4 s, 12 min, 3 h, 2 d. A moment in the future counts as now."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return "now"


@register.filter
def age(seconds: float | None) -> str:
    """Say a number of seconds as an age."""
    return MISSING if seconds is None else age_text(float(seconds))


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if timezone.is_naive(moment) else moment.astimezone(UTC)


@register.simple_tag
def when(moment: datetime | None, style: str = "datetime") -> SafeString | str:
    """Show a moment in the user's zone with UTC on hover; style is datetime, minute, date or time.

    The active Django time zone is the user's; `time.js` rewrites nothing, so that print-outs and tests read the same.
    """
    if moment is None:
        return MISSING
    utc = _utc(moment)
    return format_html(
        '<time datetime="{}" data-value="{}" title="{} UTC">{}</time>',
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        int(utc.timestamp()),
        utc.strftime("%Y-%m-%d %H:%M:%S"),
        timezone.localtime(utc).strftime(SHAPES[style]),
    )


@register.filter
def stamped(moment: datetime | None, style: str = "datetime") -> str:
    """Write a moment in the user's zone as bare text, for paper; styles as `when` has them."""
    return MISSING if moment is None else timezone.localtime(_utc(moment)).strftime(SHAPES[style])


@register.simple_tag
def ago(moment: datetime | None, stale_after: int = 0) -> SafeString | str:
    """Show how long ago a moment was; `time.js` keeps counting and greys it after `stale_after` seconds."""
    if moment is None:
        return MISSING
    utc = _utc(moment)
    seconds = (timezone.now() - utc).total_seconds()
    text = age_text(seconds)
    return format_html(
        '<time class="age{}" datetime="{}" data-value="{}" data-age data-stale-after="{}" title="{} UTC">{}</time>',
        " is-stale" if stale_after and seconds > stale_after else "",
        utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        int(utc.timestamp()),
        stale_after,
        utc.strftime("%Y-%m-%d %H:%M:%S"),
        text if text == "now" else f"{text} ago",
    )


@register.filter
def bars_words(timeframe: str) -> str:
    """Name bars by their timeframe: `1d` gives `1-day bars`; an unknown one is left as it is."""
    known = Timeframe(timeframe).words if timeframe in TIMEFRAME_SECONDS else str(timeframe)
    return f"{known} bars"
