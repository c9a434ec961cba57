"""The ways to choose a quantity, as words that strategies, preferences and risk share; risk.sizing does the sums."""

from enum import StrEnum


class SizingMethod(StrEnum):
    """What a sizing's ``value`` means."""

    FIXED_QUANTITY = "fixed_quantity"  # units
    FIXED_VALUE = "fixed_value"  # quote currency
    PERCENT_EQUITY = "percent_equity"  # per cent of equity
    RISK_PER_TRADE = "risk_per_trade"  # per cent of equity lost when the stop is hit
    ATR_VOLATILITY = "atr_volatility"  # per cent of equity that the position moves in an average true range
    KELLY = "kelly"  # fraction of the Kelly criterion, at most 1
    EQUAL_WEIGHT = "equal_weight"  # equity shared by this many positions
