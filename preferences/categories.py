"""The fields of each category (pure): typed for readers, defined for whoever sets them.

A field that nothing obeys yet says ``obeyed=False``: it keeps its default and is neither offered nor accepted.
"""
# ruff: noqa: RUF009 - each call in a default declares the dataclass field with its definition

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from domain.orders import OrderType
from preferences.definitions import Definition, Kind, setting

SIZING_METHODS = (
    "fixed_quantity",
    "fixed_value",
    "percent_equity",
    "risk_per_trade",
    "atr_volatility",
    "kelly",
    "equal_weight",
)


def _define(
    kind: Kind,
    default: Any,
    label: str,
    help: str,
    effect: str,
    *,
    minimum: Any = None,
    maximum: Any = None,
    **more: Any,
) -> Any:
    least, most = (None if bound is None else Decimal(bound) for bound in (minimum, maximum))
    return setting(
        Definition(
            kind=kind, default=default, label=label, help=help, effect=effect, minimum=least, maximum=most, **more
        )
    )


_flag = partial(_define, Kind.BOOLEAN)
_count = partial(_define, Kind.INTEGER)
_percent = partial(_define, Kind.DECIMAL, unit="%")
_number = partial(_define, Kind.DECIMAL)


def _limit(default: str, label: str, help: str, effect: str, *, ceiling: str, **more: Any) -> Any:
    """A limit of which more is laxer, with the ceiling that nobody passes without being asked."""
    bounds: dict[str, Any] = {"unit": "%", "is_limit": True, "ceiling": Decimal(ceiling), **more}
    return _define(Kind.DECIMAL, Decimal(default), label, help, effect, **bounds)


_GATE = "risk gate (every order)"
_START = "starting a strategy"
_REVIEW = "review of strategies (every minute)"
_MARKS = "marks of an account"
_PIPELINE = "trading pipeline (every signal)"


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingPreferences:
    """What happens to signals before they become orders."""

    auto_execute_signals: bool = _flag(
        True, "Trade signals by themselves", "Off: entries wait for your approval; exits go on.", _PIPELINE
    )
    min_confidence_threshold: Decimal = _number(
        Decimal("0.7"), "Least confidence", "Signals below it are skipped.", _PIPELINE, minimum=0, maximum=1
    )
    max_daily_trades: int = _count(
        50, "Most entries per session", "Further signals are skipped.", _PIPELINE, minimum=0, maximum=10_000
    )
    max_concurrent_positions: int = _count(
        10, "Most open positions", "Entries beyond it are refused.", _GATE, minimum=0, maximum=10_000, unit="positions"
    )
    preferred_order_types: tuple[str, ...] = _define(
        Kind.CHOICES,
        (OrderType.MARKET.value, OrderType.LIMIT.value),
        "Order types for entries",
        "Orders made from signals use the first of these that fits.",
        _PIPELINE,
        choices=(OrderType.MARKET.value, OrderType.LIMIT.value),
    )
    allow_after_hours: bool = _flag(False, "Trade after hours", "Entries after the session's close.", _PIPELINE)
    allow_pre_market: bool = _flag(False, "Trade before the open", "Entries before the session's open.", _PIPELINE)
    default_sizing_method: str = _define(
        Kind.CHOICE,
        "percent_equity",
        "Position sizing",
        "For signals whose strategy has no sizing of its own.",
        _PIPELINE,
        choices=SIZING_METHODS,
    )
    default_position_size_percent: Decimal = _percent(
        Decimal("2"),
        "Position size",
        "Share of equity for each entry, at risk, or moved in an average range. A fixed value is that share of the "
        "starting cash, Kelly takes that share of its fraction, equal weight as many parts as go into 100 %, a fixed "
        "quantity is that many units.",
        _PIPELINE,
        minimum="0.01",
        maximum=100,
    )
    order_timeout_seconds: int = _count(
        60,
        "Cancel unfilled entries after",
        "For limit entries made from signals.",
        "trading time-out sweep",
        minimum=1,
        maximum=86_400,
        unit="s",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskPreferences:
    """Limits, evaluated with the user's risk rules; the strictest wins."""

    max_position_size_percent: Decimal = _limit(
        "5", "Largest position", "Value of one position / equity.", _GATE, minimum="0.01", maximum=100, ceiling="25"
    )
    max_portfolio_exposure_percent: Decimal = _limit(
        "80", "Largest exposure", "Gross exposure / equity.", _GATE, minimum="0.01", maximum=1000, ceiling="200"
    )
    max_sector_concentration_percent: Decimal = _limit(
        "30",
        "Largest sector",
        "Exposure of one sector / equity; an instrument without a sector is one of its own.",
        _GATE,
        minimum="0.01",
        maximum=1000,
        ceiling="75",
    )
    stop_loss_percent: Decimal = _limit(
        "2",
        "Stop loss",
        "Loss from entry that closes a position; 0 places none.",
        "protective orders (every entry)",
        minimum=0,
        maximum=100,
        ceiling="20",
        zero_is_none=True,
    )
    take_profit_percent: Decimal = _percent(
        Decimal("6"),
        "Take profit",
        "Gain from entry that closes a position; 0 places none.",
        "protective orders (every entry)",
        minimum=0,
        maximum=10_000,
    )
    max_drawdown_percent: Decimal = _limit(
        "10",
        "Largest drawdown",
        "Fall of equity from its peak; beyond it nothing adds risk.",
        f"{_GATE}, monitoring (every mark)",
        minimum="0.01",
        maximum=100,
        ceiling="30",
    )
    max_daily_loss_percent: Decimal = _limit(
        "3",
        "Largest loss per session",
        "Loss since the session began / equity then; beyond it nothing adds risk.",
        f"{_GATE}, monitoring (every mark)",
        minimum="0.01",
        maximum=100,
        ceiling="10",
    )
    max_leverage: Decimal = _limit(
        "1", "Largest leverage", "Gross exposure / equity.", _GATE, minimum="0.01", maximum=20, unit="×", ceiling="3"
    )
    max_correlation: Decimal = _limit(
        "0.8",
        "Largest correlation",
        "Of a new instrument's last 60 daily returns with what is held, weighted by value; without 20 daily returns it "
        "is unknown, and refused. 1 sets no limit.",
        f"{_GATE}, starting a strategy",
        minimum=0,
        maximum=1,
        unit="",
        ceiling="0.95",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StrategyPreferences:
    """How many strategies there may be, how they must differ, and what becomes of bad ones."""

    max_strategies: int = _count(
        10, "Most running strategies", "Starting one more is refused.", _START, minimum=0, maximum=1000
    )
    auto_deploy_optimized: bool = _flag(
        False,
        "Deploy optimized parameters",
        "On: parameters that an optimization found better out of sample are put into a strategy that does not run; "
        "off: they are only suggested.",
        "optimization results",
    )
    suggestions_enabled: bool = _flag(
        True,
        "Suggestions",
        "Looks for settings that your own history speaks for; nothing is changed by itself.",
        "suggestions (hourly)",
    )
    performance_review_period_days: int = _count(
        30,
        "Review period",
        "A strategy is reviewed once it has run so long, by its trades of this time.",
        _REVIEW,
        minimum=1,
        maximum=3650,
        unit="days",
    )
    auto_pause_underperforming: bool = _flag(
        False, "Pause bad strategies", "Pauses a strategy whose result falls below the threshold.", _REVIEW
    )
    underperformance_threshold_percent: Decimal = _percent(
        Decimal("-5"),
        "Underperformance",
        "Result of the review period / the capital that the strategy used in it.",
        _REVIEW,
        minimum=-100,
        maximum=0,
    )
    min_uncorrelated_strategies: int = _count(
        1,
        "Least uncorrelated strategies",
        "Of the strategies that run, at least so many (or all) must be uncorrelated with each other.",
        _START,
        minimum=0,
        maximum=1000,
    )
    max_sector_concentration_percent: Decimal = _percent(
        Decimal("40"),
        "Largest sector of all strategies",
        "Share of equity that the running strategies of an account may together put into one sector.",
        _START,
        minimum=0,
        maximum=1000,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketDataPreferences:
    """Which data is used and how often pages are given it."""

    realtime_enabled: bool = _flag(
        True, "Live data", "Off: pages get no live bars; trading goes on.", "live bars (every open page)"
    )
    refresh_interval_seconds: int = _count(
        1,
        "Refresh interval",
        "Pages get new bars at most this often, all that came in between together; 1 is as they come.",
        "live bars (every open page)",
        minimum=1,
        maximum=3600,
        unit="s",
    )
    extended_hours_data: bool = _flag(
        False, "Extended hours", "On: charts show the bars before and after the session too.", "charts"
    )
    preferred_sources: tuple[str, ...] = _define(
        Kind.CHOICES,
        ("replay", "alpaca", "ccxt"),
        "Sources",
        "New feeds are opened at the first of these that delivers the instrument; without any nothing new is entered.",
        "opening a feed",
        choices=("replay", "alpaca", "ccxt"),
    )
    level2_enabled: bool = _flag(
        False, "Order book depth", "Where a source delivers it; one that lacks it says so.", "feeds"
    )
    options_data: bool = _flag(False, "Options", "Where a source delivers them; one that lacks them says so.", "feeds")
    futures_data: bool = _flag(False, "Futures", "Where a source delivers them; one that lacks them says so.", "feeds")


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformancePreferences:
    """What is measured and when a person hears of it."""

    realtime_pnl: bool = _flag(True, "Live P&L", "Off: open pages get no new equity by themselves.", _MARKS)
    profit_alert_percent: Decimal = _percent(
        Decimal("5"),
        "Tell of a gain",
        "Gain of the session / equity at its start at which you are told, once a session; 0 tells of none.",
        _MARKS,
        minimum=0,
        maximum=1000,
    )
    loss_alert_percent: Decimal = _percent(
        Decimal("2"),
        "Tell of a loss",
        "Loss of a closed position, or of the session, / equity at which you are told; 0 tells of every loss.",
        f"{_MARKS}, LARGE_LOSS notifications without conditions of their own",
        minimum=0,
        maximum=100,
    )
    drawdown_alert_percent: Decimal = _percent(
        Decimal("5"),
        "Tell of a drawdown",
        "Fall of equity from its peak at which you are told, once a session; 0 tells of none.",
        _MARKS,
        minimum=0,
        maximum=100,
    )
    benchmark_symbol: str = _define(
        Kind.TEXT,
        "SPY",
        "Benchmark",
        "The instrument that results are compared with; one without bars is said to be missing.",
        "performance comparisons",
    )
    update_interval_seconds: int = _count(
        5,
        "Update interval",
        "Open pages get an account's equity at most this often.",
        _MARKS,
        minimum=1,
        maximum=3600,
        unit="s",
    )
