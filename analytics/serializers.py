"""What the analytics API takes and answers."""

from typing import Any

from rest_framework import serializers

from analytics.metrics.catalogue import METRICS, Unit
from core.api.fields import DecimalString, Identifier, Integer, Number, Symbol, UtcDateTime
from core.api.serializers import StrictSerializer
from portfolio.serializers import StatisticsOutput


class PerformanceQuery(StrictSerializer):
    """Whose performance, over which time, against what."""

    account = Identifier(required=False, help_text="One account; without it all of yours together.")
    strategy = Identifier(required=False, help_text="One strategy: its closed trades alone.")
    start = UtcDateTime(required=False)
    end = UtcDateTime(required=False)
    benchmark = Symbol(required=False, help_text="Without it the benchmark of your preferences.")
    max_points = Integer(minimum=2, maximum=10_000, required=False, default=2_000)


class PerformanceMetricsOutput(StrictSerializer):
    """Every figure; null where it cannot be measured. Fractions, not per cent; money as decimal strings."""

    def get_fields(self) -> dict[str, Any]:
        """Return one field for each figure of the catalogue."""
        return {each.name: _field(each.unit, each.help) for each in METRICS}


def _field(unit: Unit, text: str) -> Any:
    kind: Any = {Unit.MONEY: DecimalString, Unit.COUNT: Integer}.get(unit, Number)
    return kind(allow_null=True, help_text=text)


class PerformanceBasisOutput(StrictSerializer):
    """What figures of a year are made of."""

    returns = serializers.CharField(source="name")
    periods_per_year = Integer()


class PerformanceSeriesOutput(StrictSerializer):
    """Columns at the same moments; ``pnl`` counts from the start, ``drawdown`` is a fraction, at most 0."""

    t = serializers.ListField(child=Integer(), help_text="Unix seconds of market time.")
    equity = serializers.ListField(child=DecimalString())
    pnl = serializers.ListField(child=DecimalString())
    drawdown = serializers.ListField(child=Number())
    benchmark = serializers.ListField(
        child=Number(allow_null=True), help_text="What the same money in the benchmark would be; empty without one."
    )


class PerformanceYearOutput(StrictSerializer):
    """A year's returns by month (null: no marks) and what they compound to."""

    year = Integer()
    months = serializers.ListField(child=Number(allow_null=True))
    total = Number()


class PerformanceDrawdownOutput(StrictSerializer):
    """One fall from a peak."""

    depth = Number()
    peak_at = UtcDateTime()
    trough_at = UtcDateTime()
    recovered_at = UtcDateTime(allow_null=True)
    days = Number()


class PerformanceRollingOutput(StrictSerializer):
    """Figures over a moving window of returns; null before it is full."""

    window = Integer()
    t = serializers.ListField(child=Integer())
    sharpe = serializers.ListField(child=Number(allow_null=True))
    volatility = serializers.ListField(child=Number(allow_null=True))
    beta = serializers.ListField(child=Number(allow_null=True), help_text="Empty without a benchmark.")


class PerformanceStrategyOutput(StatisticsOutput):
    """Closed trades of one strategy."""

    strategy = Identifier(allow_null=True)
    name = serializers.CharField()


class PerformanceOutput(StrictSerializer):
    """How accounts or a strategy did."""

    account = Identifier(allow_null=True)
    strategy = Identifier(allow_null=True)
    currency = serializers.CharField()
    start = UtcDateTime(allow_null=True)
    end = UtcDateTime(allow_null=True)
    benchmark = serializers.CharField()
    message = serializers.CharField(allow_blank=True, help_text="Why there is no benchmark.")
    curve_note = serializers.CharField(help_text="What the curve is made of.")
    basis = PerformanceBasisOutput()
    metrics = PerformanceMetricsOutput()
    series = PerformanceSeriesOutput()
    monthly = PerformanceYearOutput(many=True)
    drawdowns = PerformanceDrawdownOutput(many=True)
    rolling = PerformanceRollingOutput(allow_null=True)
    by_strategy = PerformanceStrategyOutput(many=True)
    by_symbol = StatisticsOutput(many=True)
