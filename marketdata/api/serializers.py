"""What the market data endpoints take and give."""

import json
from typing import Any

from rest_framework import serializers

from core.api.fields import DecimalString, EnumField, Identifier, Integer, Number, OneOf, Symbol, Text, UtcDateTime
from core.api.serializers import StrictSerializer
from domain.bars import Timeframe
from domain.instruments import AssetClass
from marketdata import selectors
from marketdata.charts import MAX_BARS
from marketdata.models import Replay
from marketdata.providers.layout import PriceSide
from marketdata.providers.times import DateOrder


class InstrumentOutput(StrictSerializer):
    """One instrument."""

    id = Identifier()
    symbol = Symbol()
    name = Text(max_length=120)
    venue = Text(max_length=32)
    asset_class = EnumField(AssetClass)
    currency = Text(max_length=8)
    sector = Text(max_length=64)
    tick_size = DecimalString()
    lot_size = DecimalString()
    calendar = Text(max_length=16)


class InstrumentDetail(InstrumentOutput):
    """One instrument with what is stored of it."""

    bars = serializers.SerializerMethodField(help_text="Number of stored bars by timeframe.")
    market_time = serializers.SerializerMethodField(help_text="Time of its replay clock; null without one.")

    def get_bars(self, row: Any) -> dict[str, int]:
        """Count the stored bars."""
        return selectors.bar_counts(row)

    def get_market_time(self, row: Any) -> str | None:
        """Return the clock's time."""
        moment = selectors.visible_until(row)
        return None if moment is None else UtcDateTime().to_representation(moment)


class RangeQuery(StrictSerializer):
    """A range of bars of one instrument."""

    timeframe = EnumField(Timeframe, required=False, default=Timeframe.D1)
    start = UtcDateTime(required=False)
    end = UtcDateTime(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The end lies after the start."""
        if "start" in attrs and "end" in attrs and attrs["start"] >= attrs["end"]:
            raise serializers.ValidationError({"end": ["end must lie after start."]}, code="bound")
        return attrs


class BarsQuery(RangeQuery):
    """Bars with indicators."""

    symbol = Symbol(lookup=selectors.instrument)
    timeframe = EnumField(Timeframe)
    limit = Integer(minimum=1, maximum=MAX_BARS, required=False)
    indicators = Text(max_length=1000, required=False, default="", help_text="sma:20,rsi:14,macd:12:26:9,bb:20:2")
    hours = OneOf(
        ("all", "session", "mine"),
        required=False,
        default="all",
        help_text="Intraday bars of all hours, of the session alone, or as the preference extended_hours_data says.",
    )


class BarsOutput(StrictSerializer):
    """Columns of equal length; `t` in unix seconds of the open."""

    symbol = Symbol()
    timeframe = EnumField(Timeframe)
    t = serializers.ListField(child=serializers.IntegerField())
    o = serializers.ListField(child=serializers.FloatField())
    h = serializers.ListField(child=serializers.FloatField())
    l = serializers.ListField(child=serializers.FloatField())  # noqa: E741  the column's name in api.md
    c = serializers.ListField(child=serializers.FloatField())
    v = serializers.ListField(child=serializers.FloatField())
    indicators = serializers.DictField(child=serializers.ListField(child=serializers.FloatField(allow_null=True)))


class ImportInput(StrictSerializer):
    """A file of bars and what is known about it; what is left out is inferred."""

    file = serializers.FileField(allow_empty_file=True, help_text="CSV, gzipped CSV or Parquet.")
    symbol = Symbol(required=False, help_text="Not needed for a file with one column per symbol.")
    timeframe = EnumField(Timeframe)
    timezone = Text(max_length=64, required=False, default="UTC", help_text="Zone of times that name none.")
    price = EnumField(PriceSide, required=False, default=PriceSide.MID, help_text="Of bid and ask bars.")
    stamp = OneOf(("start", "end"), required=False, default="start")
    date_order = EnumField(DateOrder, required=False)
    column_map = Text(max_length=2000, required=False, help_text='JSON: {"close": "Adj Close"}')
    replace = serializers.BooleanField(required=False, default=False, help_text="Rows may replace stored bars.")
    venue = Text(max_length=32, required=False)
    asset_class = EnumField(AssetClass, required=False)
    currency = Text(max_length=8, required=False)
    tick_size = DecimalString(above=0, required=False)
    lot_size = DecimalString(above=0, required=False)
    calendar = Text(max_length=16, required=False)

    def validate_column_map(self, text: str) -> dict[str, str]:
        """Read the map from role to column name."""
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
            raise serializers.ValidationError('A JSON object such as {"close": "Adj Close"} was expected.')
        return found


class RejectedOutput(StrictSerializer):
    """A line that was not stored."""

    line = Integer()
    reason = Text(max_length=500)


class GapOutput(StrictSerializer):
    """Bars that the calendar expects and that are missing."""

    symbol = Symbol()
    to = UtcDateTime()
    missing = Integer()

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which is no Python name."""
        return {**super().get_fields(), "from": UtcDateTime()}


class ImportOutput(StrictSerializer):
    """What happened to the rows of a file; at most 1,000 rejected lines are listed."""

    rows_read = Integer()
    rows_stored = Integer()
    rows_replaced = Integer()
    rows_unchanged = Integer()
    rejected = RejectedOutput(many=True)
    rejected_count = Integer()
    rejected_not_listed = Integer()
    gaps = GapOutput(many=True)
    gaps_count = Integer()
    symbols = serializers.ListField(child=Symbol())
    notes = serializers.ListField(child=Text(max_length=200))


class QuoteOutput(StrictSerializer):
    """Best bid and ask (null: the source has none) and the last price with its age in market time."""

    symbol = Symbol()
    bid = DecimalString(allow_null=True)
    ask = DecimalString(allow_null=True)
    bid_size = DecimalString(allow_null=True)
    ask_size = DecimalString(allow_null=True)
    spread_bps = Number(allow_null=True)
    last = DecimalString()
    at = UtcDateTime()
    age_seconds = Number()
    stale = serializers.BooleanField()
    source = Text(max_length=32)


class ProfileQuery(RangeQuery):
    """A range and the number of price bins."""

    bins = Integer(minimum=5, maximum=500, required=False, default=50)


class ProfileOutput(StrictSerializer):
    """Volume by price; empty and null without volume."""

    symbol = Symbol()
    timeframe = EnumField(Timeframe)
    price = serializers.ListField(child=serializers.FloatField())
    volume = serializers.ListField(child=serializers.FloatField())
    point_of_control = Number(allow_null=True)
    value_area_low = Number(allow_null=True)
    value_area_high = Number(allow_null=True)


class LiquidityQuery(StrictSerializer):
    """Over how many of the newest bars."""

    timeframe = EnumField(Timeframe, required=False, default=Timeframe.D1)
    bars = Integer(minimum=2, maximum=5000, required=False, default=60)


class LiquidityOutput(StrictSerializer):
    """Liquidity as far as the sources tell it; spread and depth are null without quotes."""

    symbol = Symbol()
    timeframe = EnumField(Timeframe)
    bars = Integer()
    average_volume = Number(allow_null=True)
    average_value = DecimalString(allow_null=True)
    amihud = Number(allow_null=True, help_text="Mean |return| per million of value traded.")
    spread_bps = Number(allow_null=True)
    spread_history = serializers.ListField(child=Number())
    depth = serializers.ListField(child=Number(), allow_null=True)


class SubscriptionOutput(StrictSerializer):
    """Who needs which bars."""

    id = Identifier()
    owner_kind = Text(max_length=16)
    owner_id = Text(max_length=64)
    owner_label = Text(max_length=120)
    symbol = Symbol(source="instrument")
    timeframe = EnumField(Timeframe)
    created_at = UtcDateTime()


class ReplayInput(StrictSerializer):
    """Instruments that are to be played on one clock."""

    symbols = serializers.ListField(child=Symbol(lookup=selectors.instrument), min_length=1, max_length=50)
    timeframe = EnumField(Timeframe)
    start = UtcDateTime(required=False, allow_null=True, default=None, help_text="Market time to begin at.")
    speed = Number(minimum=0.1, maximum=1000, required=False, default=1, help_text="Bars a second.")


class ReplayChange(StrictSerializer):
    """Speed and state."""

    speed = Number(minimum=0.1, maximum=1000, required=False)
    state = OneOf(("running", "paused"), required=False)


class ReplayOutput(StrictSerializer):
    """One market clock."""

    id = Identifier()
    state = Text(max_length=8)
    speed = Number()
    market_time = UtcDateTime()
    start_time = UtcDateTime()
    restarts = Integer()
    feeds = serializers.SerializerMethodField()
    created_at = UtcDateTime()

    def get_feeds(self, row: Replay) -> list[dict[str, Any]]:
        """List the feeds that the clock plays."""
        return [
            {"symbol": feed.instrument.symbol, "timeframe": feed.timeframe, "is_open": feed.is_open}
            for instrument in row.instruments.all()
            for feed in instrument.feeds.all()
        ]
