"""What the portfolio API takes and answers."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from core.api.fields import DecimalString, EnumField, Identifier, Integer, Number, OneOf, Symbol, Text, UtcDateTime
from core.api.serializers import StrictSerializer
from domain.portfolio import TradingState
from portfolio.costs import (
    FEE_BOUNDS,
    FINANCING_BOUNDS,
    MAX_TIERS,
    RUN_SLIPPAGE_BOUNDS,
    SLIPPAGE_BOUNDS,
    TIER_BOUNDS,
)
from portfolio.services.accounts import MAX_CASH
from portfolio.statistics import GROUPINGS


def _rates(bounds: Mapping[str, Decimal], words: str, name: str) -> type[StrictSerializer]:
    fields: dict[str, Any] = {
        each: DecimalString(minimum=0, maximum=bound, required=each == "above") for each, bound in bounds.items()
    }
    return type(name, (StrictSerializer,), {**fields, "__doc__": words})


FeeTierInput = _rates(TIER_BOUNDS, "Rates from a value traded in the last 30 days on; others stay.", "FeeTierInput")
_Fees = _rates(FEE_BOUNDS, "Rates of each fill.", "FeeRates")
SlippageInput = _rates(
    SLIPPAGE_BOUNDS,
    "How much worse than quoted market and stop orders fill; `volume_impact` × (share of the bar's volume)², and at "
    "most `max_volume_percent` of a bar's volume is executed.",
    "SlippageInput",
)
RunSlippageInput = _rates(
    RUN_SLIPPAGE_BOUNDS,
    "How much worse than quoted market and stop orders of a backtest fill; `entry_bps` comes on top for those that may "
    "open a position. A paper account has no `entry_bps`: such a run can not be traded on paper.",
    "RunSlippageInput",
)


FinancingInput = _rates(
    FINANCING_BOUNDS,
    "Per cent a year: paid on the value of shorts, earned on cash above 0, paid on cash below 0.",
    "FinancingInput",
)


class FeesInput(_Fees):  # type: ignore[valid-type,misc]  # a class made from the table of bounds
    """What a fill costs: the sum of its parts, at least ``minimum``."""

    tiers = FeeTierInput(many=True, required=False, max_length=MAX_TIERS)


class AccountInput(StrictSerializer):
    """A paper account to be opened."""

    name = Text(max_length=64)
    broker = OneOf(choices=["paper"], required=False, default="paper")
    starting_cash = DecimalString(above=0, maximum=MAX_CASH, places=8)
    currency = Text(max_length=8, required=False, default="USD")
    fees = FeesInput(required=False)
    slippage = SlippageInput(required=False)


class AccountChangeInput(StrictSerializer):
    """What may be changed of an account."""

    name = Text(max_length=64, required=False)
    fees = FeesInput(required=False)
    slippage = SlippageInput(required=False)


class AccountOutput(StrictSerializer):
    """An account and its money now."""

    id = Identifier()
    name = Text(max_length=64)
    broker = serializers.CharField()
    environment = serializers.CharField()
    currency = serializers.CharField()
    starting_cash = DecimalString()
    cash = DecimalString()
    equity = DecimalString()
    buying_power = DecimalString()
    gross_exposure = DecimalString()
    day_pnl = DecimalString(help_text="Since the loss session began.")
    peak_equity = DecimalString()
    session_start_equity = DecimalString()
    trading_state = EnumField(TradingState)
    trading_state_reason = serializers.CharField()
    fees = FeesInput()
    slippage = SlippageInput()
    market_at = UtcDateTime(allow_null=True)
    created_at = UtcDateTime()
    updated_at = UtcDateTime()


class TradeInput(StrictSerializer):
    """What a person writes on a trade."""

    notes = Text(max_length=10_000, multiline=True, allow_blank=True, required=False)
    tags = serializers.ListField(child=Text(max_length=40), max_length=20, required=False)


class TradeOutput(StrictSerializer):
    """A round trip; one that is open has no ``closed_at``. ``mae`` and ``mfe`` are fractions of the entry price."""

    id = Identifier()
    account = Identifier(source="account_id")
    strategy = Identifier(source="strategy_id", allow_null=True)
    symbol = Symbol(source="instrument")
    side = serializers.CharField()
    quantity = DecimalString()
    entry_time = UtcDateTime(source="entry_at")
    entry_price = serializers.SerializerMethodField()
    exit_time = UtcDateTime(source="closed_at", allow_null=True)
    exit_price = serializers.SerializerMethodField()
    pnl = DecimalString()
    pnl_net = DecimalString()
    fees = DecimalString()
    mae = Number(allow_null=True)
    mfe = Number(allow_null=True)
    r_multiple = Number(allow_null=True)
    slippage = serializers.SerializerMethodField(help_text="Against the signal's price, per unit; above 0 is worse.")
    tags = serializers.ListField(child=serializers.CharField())
    notes = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """Add ``return``, which is no name in Python."""
        return {**super().get_fields(), "return": Number(source="return_fraction")}

    def get_entry_price(self, row: Any) -> str:
        """Return the average entry price to twelve places."""
        return _price(row.entry_price) or "0"

    def get_exit_price(self, row: Any) -> str | None:
        """Return the average exit price to twelve places; null before the first exit."""
        return _price(row.exit_price)

    def get_slippage(self, row: Any) -> str | None:
        """Return the slippage; null without a signal."""
        return _price(row.slippage)


def _price(value: Any) -> str | None:
    return None if value is None else DecimalString().to_representation(round(value, 12))


class StatsQuery(StrictSerializer):
    """Which trades, and how they are grouped."""

    group_by = OneOf(choices=sorted(GROUPINGS), required=False)
    account = Identifier(required=False)
    strategy = Identifier(required=False)
    symbol = Symbol(required=False)


class StatisticsOutput(StrictSerializer):
    """Closed trades of one group; intervals are 95 % (null: too few trades)."""

    group = serializers.CharField()
    trades = Integer()
    wins = Integer()
    losses = Integer()
    win_rate = Number(allow_null=True)
    win_rate_interval = serializers.ListField(child=Number(), allow_null=True)
    pnl_net = DecimalString()
    fees = DecimalString()
    expectancy = serializers.SerializerMethodField()
    expectancy_interval = serializers.ListField(child=Number(), allow_null=True)
    average_win = serializers.SerializerMethodField()
    average_loss = serializers.SerializerMethodField()
    profit_factor = Number(allow_null=True)
    average_return = Number(allow_null=True)
    average_r = Number(allow_null=True)

    def get_expectancy(self, row: Any) -> str | None:
        """Return the mean net P&L of a trade."""
        return _price(row.expectancy)

    def get_average_win(self, row: Any) -> str | None:
        """Return the mean of the winners."""
        return _price(row.average_win)

    def get_average_loss(self, row: Any) -> str | None:
        """Return the mean of the losers (below 0)."""
        return _price(row.average_loss)


class StatsOutput(StrictSerializer):
    """One row a group; there is always one page."""

    results = StatisticsOutput(many=True)
    next = serializers.CharField(allow_null=True)


class EquityQuery(StrictSerializer):
    """Which part of the curve."""

    start = UtcDateTime(required=False)
    end = UtcDateTime(required=False)
    max_points = Integer(minimum=2, maximum=10_000, required=False, default=2_000)


class BenchmarkOutput(StrictSerializer):
    """Two returns over one time, as fractions; null where there is nothing to measure, and then why."""

    benchmark_symbol = serializers.CharField()
    start = UtcDateTime(allow_null=True)
    end = UtcDateTime(allow_null=True)
    account_return = Number(allow_null=True)
    benchmark_return = Number(allow_null=True)
    message = serializers.CharField(allow_blank=True)


class EquityOutput(StrictSerializer):
    """The equity curve as columns, evenly thinned; the first and the last point are always there."""

    account = Identifier()
    currency = serializers.CharField()
    t = serializers.ListField(child=Integer(), help_text="Unix seconds of market time.")
    equity = serializers.ListField(child=DecimalString())
    cash = serializers.ListField(child=DecimalString())
