"""How rules speak (pure): measured values and limits in plain words with their numbers."""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

from risk.decisions import OrderIntent, RuleSpec
from risk.rules.types import Bound, RuleType, Unit

_UNITS = {
    Unit.PERCENT: " %",
    Unit.RATIO: "×",
    Unit.SECONDS: " s",
}
_SHOWN = Decimal("0.0001")
_COARSE = frozenset({Unit.PERCENT, Unit.RATIO, Unit.CURRENCY})  # nobody reads more than two decimals of these
_HUNDREDTH = Decimal("0.01")
_BOUND_WORDS = {
    Bound.AT_MOST: "above the limit of",
    Bound.BELOW: "at or above the limit of",
    Bound.AT_LEAST: "below the limit of",
}


def unit_words(rule_type: RuleType) -> str:
    """What follows a number of this type."""
    return _UNITS.get(rule_type.unit, "")


def plain(value: Decimal) -> str:
    """Write a number for people: at most four decimal places, no trailing zeros."""
    try:
        return _PLAIN[value]  # equal numbers are written alike, and thousands of decisions name the same limits
    except (KeyError, TypeError):  # not written yet; a signalling NaN can not be looked up
        pass
    if not value.is_finite() or value.adjusted() > 20:
        return str(value)
    if len(_PLAIN) >= _MOST_PLAIN:
        _PLAIN.clear()
    text = _PLAIN[value] = _plain(value)
    return text


_PLAIN: dict[Decimal, str] = {}
_MOST_PLAIN = 8_192


def _plain(value: Decimal) -> str:
    text = format(value.quantize(_SHOWN, ROUND_HALF_EVEN), "f")
    text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def grouped(value: Decimal) -> str:
    """Write a number for a sentence: as ``plain`` does, with thousands apart."""
    return _grouped(plain(value))


@lru_cache(maxsize=8192)
def _grouped(text: str) -> str:
    whole, point, rest = text.partition(".")
    digits = whole.removeprefix("-")
    return f"{whole[: len(whole) - len(digits)]}{int(digits):,}{point}{rest}" if digits.isdecimal() else text


def _measured(rule: RuleSpec, rule_type: RuleType, value: Decimal) -> tuple[str, str, str]:
    """Return a rule's value and limit in words, and the unit of both; they differ wherever the numbers do."""
    unit = f" {rule.currency}" if rule_type.unit is Unit.CURRENCY and rule.currency else unit_words(rule_type)
    is_money = rule_type.unit is Unit.CURRENCY
    shown, limit = _rounded(rule_type, value), _rounded(rule_type, rule.limit) if is_money else grouped(rule.limit)
    if shown == limit:  # the difference is smaller than what is shown
        shown, limit = grouped(value), grouped(rule.limit)
    if shown == limit:
        shown, limit = format(value, ",f"), format(rule.limit, ",f")
    return shown, limit, unit


def _rounded(rule_type: RuleType, value: Decimal) -> str:
    """Write a number with at most two decimals where its unit is read so; money has both or none."""
    if rule_type.unit not in _COARSE or not value.is_finite() or value.adjusted() >= 20:
        return grouped(value)
    nearest = value.quantize(_HUNDREDTH, ROUND_HALF_EVEN)
    if rule_type.unit is Unit.CURRENCY and nearest != nearest.to_integral_value():
        return format(nearest, ",f")
    return grouped(nearest)


def _phrase(rule_type: RuleType, intent: OrderIntent | None, symbol: str = "") -> str:
    sector = ""
    if intent is not None:
        symbol, sector = intent.symbol, intent.sector or "(none)"
    return rule_type.phrase.format(symbol=symbol, sector=sector)


def broken_words(
    rule: RuleSpec, rule_type: RuleType, intent: OrderIntent | None, value: Decimal, *, symbol: str = ""
) -> str:
    """Say which limit an order (or without one, the account or the position in ``symbol``) breaks and by how much."""
    shown, limit, unit = _measured(rule, rule_type, value)
    phrase = _phrase(rule_type, intent, symbol)
    if rule.is_engaged:
        return f"{rule.name}: an earlier breach still holds; now {phrase} {shown}{unit}"
    return f"{rule.name}: {phrase} {shown}{unit}, {_BOUND_WORDS[rule_type.bound]} {limit}{unit}"


def near_words(rule: RuleSpec, rule_type: RuleType, value: Decimal, *, symbol: str = "") -> str:
    """Say which limit an account, or the position in ``symbol``, comes near."""
    shown, limit, unit = _measured(rule, rule_type, value)
    return f"{rule.name}: {_phrase(rule_type, None, symbol)} {shown}{unit}, near the limit of {limit}{unit}"


def held_words(rule: RuleSpec, rule_type: RuleType) -> str:
    """Say what a rule does that watches positions rather than orders."""
    kind = {"stop_loss": "A stop", "take_profit": "A target"}.get(rule_type.name)
    if kind is None:
        return f"{rule.name}: watched while the position is open"
    return f"{rule.name}: {kind} {plain(rule.limit)} % from the entry goes with the position"
