"""risk/rules/rehearse/ and risk/portfolio/: an account's past decisions judged again, and its portfolio risk."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import DecimalString, Identifier, Integer, Number, Text, UtcDateTime
from core.api.serializers import StrictSerializer, read, write
from core.api.views import StrictView
from domain.errors import FieldError, ValidationFailed
from portfolio import selectors as portfolio
from risk import selectors as risk
from risk.api import rule_values
from risk.rehearsal import rehearse, reproduce
from risk.serializers import RuleInput
from risk.services.rules import build_rule
from trading.portfolio_report import portfolio_report
from trading.rehearsals import records_of

MAX_SHOWN = 500


class RehearseForm(StrictSerializer):
    """A rule that need not exist (null: the rules of the time, to compare verdicts), an account, a span of time."""

    rule = serializers.DictField(required=False, allow_null=True, default=None, help_text="As for risk/rules/.")
    account = Identifier()
    start = UtcDateTime(required=False, allow_null=True, default=None)
    end = UtcDateTime(required=False, allow_null=True, default=None)


class StoppedOutput(StrictSerializer):
    """An order that the rule would have stopped or made smaller."""

    decision_id = Identifier()
    symbol = Text(max_length=32)
    side = Text(max_length=4)
    quantity = DecimalString()
    allowed = DecimalString()
    pnl = DecimalString(allow_null=True)
    message = Text(max_length=1000)


class RehearsalOutput(StrictSerializer):
    """What the rule would have done, or which recorded verdicts the rules of the time do not give again."""

    n_decisions = Integer()
    n_stopped = Integer()
    stopped = StoppedOutput(many=True)
    pnl_kept = DecimalString(allow_null=True)
    pnl_forgone = DecimalString(allow_null=True)
    n_unmeasured = Integer()
    n_unreadable = Integer()
    differing = serializers.ListField(child=Identifier())


class RehearseView(StrictView):
    """POST risk/rules/rehearse/: a rule over the account's own past orders; changes nothing."""

    bodies: ClassVar = {"POST": RehearseForm}
    answers: ClassVar = {"POST": RehearsalOutput}

    def post(self, request: Request) -> Response:
        """Return which orders would have been stopped, and the P&L kept and forgone."""
        given = self.values()
        account = portfolio.account_for(request.user, given["account"])
        if given["start"] and given["end"] and given["start"] >= given["end"]:
            raise ValidationFailed.of((FieldError("end", "out_of_range", "The end must come after the start"),))
        records = records_of(account, start=given["start"], end=given["end"])
        answer = self._reproduced(records) if given["rule"] is None else self._rehearsed(records, given["rule"])
        return Response(write(RehearsalOutput, answer, request=request))

    def _rehearsed(self, records: Any, given: dict[str, Any]) -> dict[str, Any]:
        named = {"name": "Rehearsed rule", **given}
        user = self.request.user
        rule = build_rule(user, rule_values(user, read(RuleInput, named, request=self.request)))
        found = rehearse(records, risk.spec_of(rule))
        return {
            "n_decisions": found.n_decisions,
            "n_stopped": len(found.stopped),
            "stopped": found.stopped[:MAX_SHOWN],
            "pnl_kept": found.pnl_kept,
            "pnl_forgone": found.pnl_forgone,
            "n_unmeasured": found.n_unmeasured,
            "n_unreadable": found.n_unreadable,
            "differing": [],
        }

    def _reproduced(self, records: Any) -> dict[str, Any]:
        found = reproduce(records)
        nothing: dict[str, Any] = {"n_stopped": 0, "stopped": [], "n_unmeasured": 0, "n_unreadable": 0}
        money = {"pnl_kept": None, "pnl_forgone": None}
        return {**nothing, **money, "n_decisions": found.n_decisions, "differing": found.differing[:MAX_SHOWN]}


class ExposureOutput(StrictSerializer):
    """Exposure of a group; percents of equity."""

    name = Text(max_length=128)
    gross = DecimalString()
    net = DecimalString()
    gross_percent = DecimalString(allow_null=True)
    net_percent = DecimalString(allow_null=True)


class ExposuresOutput(StrictSerializer):
    """Exposure of the whole account and of its groups."""

    total = ExposureOutput()
    by_sector = ExposureOutput(many=True)
    by_asset_class = ExposureOutput(many=True)
    by_strategy = ExposureOutput(many=True)


class TailOutput(StrictSerializer):
    """One-day value at risk and expected shortfall in the account's currency."""

    method = Text(max_length=16)
    level = Number()
    value_at_risk = Number()
    expected_shortfall = Number()


class ContributionOutput(StrictSerializer):
    """What one instrument adds to the parametric 99 % value at risk."""

    symbol = Text(max_length=32)
    marginal = Number()
    component = Number()


class BetaOutput(StrictSerializer):
    """Beta of equity to the benchmark."""

    benchmark = Text(max_length=32)
    value = Number()
    n_days = Integer()


class CorrelationOutput(StrictSerializer):
    """Correlations of daily returns, shrunk by Ledoit-Wolf, and groups chained by at least 0.7."""

    symbols = serializers.ListField(child=Text(max_length=32))
    matrix = serializers.ListField(child=serializers.ListField(child=Number()))
    shrinkage = Number()
    n_days = Integer()
    clusters = serializers.ListField(child=serializers.ListField(child=Text(max_length=32)))


class DrawdownOutput(StrictSerializer):
    """Fall of equity from its peak."""

    current_percent = DecimalString()
    worst_percent = DecimalString()
    n_points_below = Integer()


class ConcentrationOutput(StrictSerializer):
    """Herfindahl-Hirschman index of gross exposure."""

    hhi = DecimalString()
    effective_positions = DecimalString()
    largest_share = DecimalString()


class StressOutput(StrictSerializer):
    """What a crisis would do."""

    name = Text(max_length=80)
    pnl = DecimalString()
    equity_after = DecimalString()
    by_symbol = serializers.DictField(child=DecimalString())


class PositionLiquidityOutput(StrictSerializer):
    """How long an exit takes at a tenth of the usual volume."""

    symbol = Text(max_length=32)
    average_volume = DecimalString(allow_null=True)
    days_to_exit = DecimalString(allow_null=True)


class CellOutput(StrictSerializer):
    """One cell of the heat map."""

    symbol = Text(max_length=32)
    sector = Text(max_length=64)
    value = DecimalString()
    share_percent = DecimalString(allow_null=True)
    pnl = DecimalString()
    pnl_percent = DecimalString(allow_null=True)


class HeadroomOutput(StrictSerializer):
    """One limit and how much of it is used."""

    key = Text(max_length=80)
    name = Text(max_length=100)
    value = DecimalString()
    limit = DecimalString()
    used = DecimalString()
    warning_at = DecimalString()
    unit = Text(max_length=20)
    where = Text(max_length=64)


class PortfolioOutput(StrictSerializer):
    """Portfolio risk of one account at its market time."""

    account = Identifier()
    at = UtcDateTime()
    currency = Text(max_length=8)
    equity = DecimalString()
    exposures = ExposuresOutput()
    leverage = DecimalString(allow_null=True)
    value_at_risk = TailOutput(many=True)
    contributions = ContributionOutput(many=True)
    beta = BetaOutput(allow_null=True)
    correlation = CorrelationOutput(allow_null=True)
    drawdown = DrawdownOutput()
    concentration = ConcentrationOutput(allow_null=True)
    stress = StressOutput(many=True)
    liquidity = PositionLiquidityOutput(many=True)
    heat_map = CellOutput(many=True)
    headroom = HeadroomOutput(many=True)
    warnings = serializers.ListField(child=Text(max_length=300))


class PortfolioQuery(StrictSerializer):
    """Which account."""

    account = Identifier()


class PortfolioView(StrictView):
    """GET risk/portfolio/?account=: exposures, tails, comovement, stress, headroom."""

    queries: ClassVar = {"GET": PortfolioQuery}
    answers: ClassVar = {"GET": PortfolioOutput}

    def get(self, request: Request) -> Response:
        """Return the portfolio risk of an account."""
        account = portfolio.account_for(request.user, self.query["account"])
        return Response(write(PortfolioOutput, portfolio_report(account), request=request))
