"""What an unknown symbol most likely is, told by its name and its bars. Pure."""

import re
from decimal import Decimal

import numpy as np

from domain.bars import BarArrays, Floats, Timeframe
from domain.instruments import BAR_STEPS_PER_TICK, AssetClass
from marketdata.calendars import ALWAYS, DAY, WEEKDAYS, is_trading_day

NEW_YORK = "XNYS"
_FIAT = ("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "TRY",
         "ZAR", "MXN", "SGD", "HKD", "CNH", "CNY", "INR", "KRW", "XAU", "XAG")  # fmt: skip
_QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI", "BTC", "ETH", "BNB", *_FIAT)
_COINS = ("BTC", "XBT", "ETH", "LTC", "XMR", "XRP", "ADA", "SOL", "DOGE", "DOT", "BNB", "BCH", "TRX", "LINK", "AVAX")
_ETFS = frozenset({"SPY", "QQQ", "IWM", "DIA", "VTI", "VOO", "IEF", "TLT", "VNQ", "GLD", "SLV", "EEM", "EFA", "AGG",
                   "LQD", "HYG", "XLF", "XLK", "XLE", "XLV", "SHY", "VEA", "VWO"})  # fmt: skip
_MAX_DECIMALS = 12
_EXECUTION_DECIMALS = 4  # US shares execute in steps of 0.0001


def asset_class_of(symbol: str) -> AssetClass:
    """Guess by the symbol: EURUSD is fx, BTCUSDT and ETH/BTC are crypto, a known fund is an etf, else an equity."""
    name = re.sub(r"[/_:\-]", "", symbol.upper())
    if len(name) == 6 and name[:3] in _FIAT and name[3:] in _FIAT:
        return AssetClass.FX
    is_pair = re.search(r"[/_\-]", symbol) is not None and symbol.upper().endswith(_QUOTES)
    if is_pair or any(name == coin + quote for coin in _COINS for quote in _QUOTES) or name.endswith(_QUOTES[:5]):
        return AssetClass.CRYPTO
    return AssetClass.ETF if name in _ETFS else AssetClass.EQUITY


def currency_of(symbol: str, asset_class: AssetClass) -> str:
    """Return the quote currency of a pair; US dollars for shares."""
    if asset_class in (AssetClass.EQUITY, AssetClass.ETF):
        return "USD"
    name = re.sub(r"[/_:\-]", "", symbol.upper())
    return next((quote for quote in _QUOTES if name.endswith(quote)), "USD")


def calendar_of(bars: BarArrays, timeframe: Timeframe, asset_class: AssetClass) -> str:
    """Return the session calendar that the bars keep to: New York's, weekdays, or always."""
    if asset_class is AssetClass.CRYPTO:
        return ALWAYS
    days = np.unique(bars.t // DAY * DAY)
    if asset_class is AssetClass.FX or timeframe is Timeframe.W1:
        return WEEKDAYS if asset_class is AssetClass.FX else NEW_YORK
    if is_trading_day(days, NEW_YORK).mean() >= 0.97:
        return NEW_YORK
    return WEEKDAYS if is_trading_day(days, WEEKDAYS).mean() >= 0.95 else ALWAYS


def tick_of(bars: BarArrays, asset_class: AssetClass) -> Decimal:
    """Return the smallest price step: what the prices' decimals show.

    Shares have 0.01 as long as no price is finer than the 0.0001 at which they execute; finer ones (split-adjusted
    prices) have a hundredth of their last decimal. Noise of 32-bit floats and of binary fractions does not count.
    """
    prices = np.concatenate((bars.o, bars.h, bars.l, bars.c))
    few = prices[:: max(1, len(prices) // 1000)]
    decimals = next((n for n in range(_MAX_DECIMALS) if _fits(few, n) and _fits(prices, n)), _MAX_DECIMALS)
    if BAR_STEPS_PER_TICK[asset_class] == 100:
        return Decimal(1).scaleb(-max(2, decimals - 2))
    half = decimals - 1 if decimals and _fits(prices * 2, decimals - 1) else decimals  # mids lie on half a tick
    return Decimal(1).scaleb(-half)


def lot_of(asset_class: AssetClass) -> Decimal:
    """Return the usual smallest quantity step: whole shares, 1,000 units of currency, 8 decimals of a coin."""
    return {AssetClass.CRYPTO: Decimal("0.00000001"), AssetClass.FX: Decimal(1)}.get(asset_class, Decimal(1))


def _fits(prices: Floats, decimals: int) -> bool:
    nearest = np.round(prices, decimals)
    with np.errstate(over="ignore"):
        is_single = prices.astype(np.float32) == nearest.astype(np.float32)
    close = np.abs(prices - nearest) <= np.abs(prices) * 1e-11
    return bool((close | (is_single & (decimals <= _EXECUTION_DECIMALS - 2))).all())
