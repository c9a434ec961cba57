"""What the API of backtests takes and answers."""

from typing import Any

from rest_framework import serializers

from backtesting.api.fields import MomentOrDay, RulesField
from backtesting.models import JobStatus
from backtesting.services.requests import MAX_CASH, MAX_SEED, MAX_SYMBOLS
from core.api.fields import Boolean, DecimalString, EnumField, Identifier, Integer, Number, Symbol, Text, UtcDateTime
from core.api.serializers import StrictSerializer
from domain.bars import Timeframe
from domain.sizing import SizingMethod
from portfolio.serializers import FeesInput, FinancingInput, RunSlippageInput


class SizingInput(StrictSerializer):
    """How large an entry is."""

    method = EnumField(SizingMethod)
    value = DecimalString(above=0)


class BacktestInput(StrictSerializer):
    """One run: strategy, instruments, range, money, costs, rules."""

    type = Text(max_length=64)
    parameters = serializers.DictField(required=False)
    symbols = serializers.ListField(child=Symbol(), min_length=1, max_length=MAX_SYMBOLS)
    timeframe = EnumField(Timeframe)
    start = MomentOrDay(required=False, allow_null=True, help_text="First bar's open; without it the first stored bar.")
    end = MomentOrDay(
        is_end=True, required=False, allow_null=True, help_text="Bars open before it; a day counts whole."
    )
    starting_cash = DecimalString(above=0, maximum=MAX_CASH, required=False, help_text="100000 without it.")
    fees = FeesInput(required=False)
    slippage = RunSlippageInput(required=False)
    financing = FinancingInput(required=False)
    dividends = Boolean(required=False, help_text="Credit the dividends that are known; a paper account gets none.")
    sizing = SizingInput(required=False, allow_null=True, help_text="Without it the preference holds.")
    allow_short = Boolean(required=False)
    risk_rules = RulesField(required=False, help_text='"mine" without it.')
    benchmark = Symbol(required=False, allow_null=True, help_text="Without it: holding the instruments themselves.")
    strategy = Identifier(required=False, allow_null=True, help_text="An own strategy whose research this is.")
    name = Text(max_length=120, required=False, allow_blank=True)
    seed = Integer(minimum=0, maximum=MAX_SEED, required=False)


class JobOutput(StrictSerializer):
    """What every job has: what was asked, how far it is, and at its end the result."""

    id = Identifier()
    kind = serializers.CharField()
    name = Text(max_length=120)
    status = EnumField(JobStatus)
    progress = Number(help_text="0..1")
    type = Text(max_length=64)
    parameters = serializers.SerializerMethodField()
    symbols = serializers.ListField(child=serializers.CharField())
    timeframe = EnumField(Timeframe)
    start = UtcDateTime(source="start_at", help_text="Open of the first bar.")
    end = UtcDateTime(source="end_at", help_text="Every bar opens before it.")
    starting_cash = serializers.SerializerMethodField()
    fees = FeesInput(source="settings.fees")
    slippage = RunSlippageInput(source="settings.slippage")
    financing = FinancingInput(source="settings.financing", required=False)
    dividends = Boolean(source="request.dividends", required=False)
    sizing = serializers.SerializerMethodField()
    allow_short = serializers.SerializerMethodField()
    risk_rules = serializers.SerializerMethodField()
    benchmark = serializers.SerializerMethodField()
    seed = serializers.SerializerMethodField()
    strategy = Identifier(source="strategy_id", allow_null=True)
    metrics = serializers.DictField(help_text="Figures (fractions, not per cent); empty until it is completed.")
    warnings = serializers.ListField(child=serializers.DictField(), help_text="code, severity, message.")
    fingerprint = serializers.CharField(help_text="Of code, data, parameters and seed; equal ones give equal results.")
    result_digest = serializers.CharField(source="digest", help_text="SHA-256 of the stored result.")
    runs = Integer(source="n_runs")
    bars = Integer(source="n_bars")
    estimated_seconds = Number()
    seconds = Number(help_text="What it took to calculate.")
    error = Text(max_length=500)
    error_code = Text(max_length=40)
    created_at = UtcDateTime()
    started_at = UtcDateTime(allow_null=True)
    ended_at = UtcDateTime(allow_null=True)

    def get_parameters(self, row: Any) -> dict[str, Any]:
        """Return the parameters, every default written out."""
        return dict(row.request["parameters"])

    def get_starting_cash(self, row: Any) -> str:
        """Return the starting cash."""
        return str(row.settings["starting_cash"])

    def get_sizing(self, row: Any) -> dict[str, str]:
        """Return the sizing that held."""
        return dict(row.settings["sizing"])

    def get_allow_short(self, row: Any) -> bool:
        """Tell whether it may sell short."""
        return bool(row.settings["allow_short"])

    def get_risk_rules(self, row: Any) -> Any:
        """Return what was asked for: "mine", "none" or rules."""
        return row.request["risk_rules"]

    def get_benchmark(self, row: Any) -> str | None:
        """Return the benchmark's symbol; null: holding the instruments themselves."""
        return row.settings["benchmark"] or None

    def get_seed(self, row: Any) -> int:
        """Return the seed."""
        return int(row.settings["seed"])


class BacktestOutput(JobOutput):
    """One run."""

    trial_count = serializers.SerializerMethodField(help_text="Runs of this type that you have had calculated.")
    summary = serializers.DictField(help_text="Causality, warm-up, counts of orders and signals, cost sensitivity.")

    def get_trial_count(self, row: Any) -> int:
        """Return how many runs of the type there have been, as it was when the job ended."""
        return int(row.summary.get("trial_count", 0))


class CostOutput(StrictSerializer):
    """What a job would cost."""

    runs = Integer(source="n_runs")
    bars = Integer(source="n_bars")
    estimated_seconds = Number(source="seconds")


class RunTradeOutput(StrictSerializer):
    """One round trip of a run; one that is open at the end has no exit. Excursions are fractions of the entry price."""

    symbol = serializers.CharField()
    side = serializers.CharField()
    quantity = serializers.CharField()
    entry_time = UtcDateTime()
    entry_price = serializers.CharField()
    exit_time = UtcDateTime(allow_null=True)
    exit_price = serializers.CharField(allow_null=True)
    exit_role = serializers.CharField(help_text="What closed it: exit, stop_loss, take_profit …")
    pnl = serializers.CharField()
    pnl_net = serializers.CharField()
    mae = Number(allow_null=True)
    mfe = Number(allow_null=True)
    initial_stop = serializers.CharField(
        allow_null=True, help_text="Of its first protective stop; null without one, and for runs of older versions."
    )
    r_multiple = Number(allow_null=True, help_text="Net P&L by |entry price - initial stop| x quantity.")
    fees = serializers.CharField()
    is_closed = Boolean()
    tags = serializers.ListField(child=serializers.CharField())
    notes = serializers.CharField()

    def get_fields(self) -> dict[str, Any]:
        """Add ``return``, which is no name in Python."""
        return {**super().get_fields(), "return": Number(source="return_fraction", allow_null=True)}


class RunOrderOutput(StrictSerializer):
    """One order of a run; a denied one says which rule refused it."""

    number = Integer()
    symbol = serializers.CharField()
    side = serializers.CharField()
    type = serializers.CharField()
    role = serializers.CharField()
    status = serializers.CharField()
    quantity = serializers.CharField()
    requested_quantity = serializers.CharField()
    filled_quantity = serializers.CharField()
    average_fill_price = serializers.CharField(allow_null=True)
    limit_price = serializers.CharField(allow_null=True)
    stop_price = serializers.CharField(allow_null=True)
    created_at = UtcDateTime()
    closed_at = UtcDateTime(allow_null=True)
    reason = serializers.CharField()


class RunEquityOutput(StrictSerializer):
    """The curve as columns: one value a close; drawdown and exposure are fractions."""

    t = serializers.ListField(child=Integer(), help_text="Unix seconds.")
    equity = serializers.ListField(child=Number())
    cash = serializers.ListField(child=Number())
    drawdown = serializers.ListField(child=Number())
    exposure = serializers.ListField(child=Number())
    benchmark = serializers.ListField(child=Number(allow_null=True), help_text="Equity of the benchmark.")
    points = Integer(help_text="Of the whole curve.")
    next = serializers.CharField(allow_null=True)


class NoteInput(StrictSerializer):
    """A note."""

    text = Text(max_length=4000, multiline=True)


class NoteOutput(StrictSerializer):
    """A note beside a run."""

    id = Identifier()
    text = Text(max_length=4000)
    created_at = UtcDateTime()


class NotesOutput(StrictSerializer):
    """All notes beside a run; there is always one page."""

    results = NoteOutput(many=True)
    next = serializers.CharField(allow_null=True)


class DeployInput(StrictSerializer):
    """Where the paper strategy trades: an own paper account, or a new one with the run's cash, costs and rules."""

    account = Identifier(required=False, allow_null=True)
    name = Text(max_length=64, required=False, allow_blank=True)


class DeployOutput(StrictSerializer):
    """The strategy that was made; it is a draft."""

    strategy = Identifier()
    account = Identifier(source="account_id")
    name = Text(max_length=64)
    differences = serializers.ListField(
        child=serializers.CharField(), help_text="What it does otherwise than the run, in sentences."
    )


class ComparedOutput(StrictSerializer):
    """One of the compared runs."""

    id = Identifier()
    name = Text(max_length=120)
    type = Text(max_length=64)
    symbols = serializers.ListField(child=serializers.CharField())
    timeframe = serializers.CharField()
    start = UtcDateTime(source="start_at")
    end = UtcDateTime(source="end_at")
    parameters = serializers.DictField()
    metrics = serializers.DictField()
    fingerprint = serializers.CharField()
    equity = serializers.DictField(help_text="t and equity as columns, thinned for drawing.")


class ComparisonOutput(StrictSerializer):
    """Runs side by side: what differs in their parameters and settings, and trades that only some made."""

    results = ComparedOutput(many=True)
    differences = serializers.DictField(help_text="Setting or parameter → its value in each run, where they differ.")
    trade_differences = serializers.ListField(child=serializers.DictField(), help_text="Against the first run.")
