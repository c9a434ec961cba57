"""What the risk API takes and answers."""

from typing import Any

from rest_framework import serializers

from core.api.fields import (
    Boolean,
    DecimalString,
    EnumField,
    Identifier,
    Integer,
    Number,
    OneOf,
    Symbol,
    Text,
    UtcDateTime,
)
from core.api.serializers import StrictSerializer
from marketdata import selectors as market
from risk.decisions import Action, Scope, Source, Verdict
from risk.models import BreachLevel, KillScope, RiskBreach
from risk.rules.table import RULE_TYPES
from risk.services.rules import MAX_LIMIT

_TYPES = sorted(RULE_TYPES)


class RuleInput(StrictSerializer):
    """A rule's values; a PATCH leaves what it does not name."""

    name = Text(max_length=80)
    type = OneOf(choices=_TYPES)
    scope = EnumField(Scope, required=False)
    account = Identifier(required=False, allow_null=True, help_text="Null: every account.")
    strategy = Identifier(required=False, allow_null=True)
    symbol = Symbol(required=False, allow_null=True, lookup=market.instrument)
    sector = Text(max_length=64, required=False, allow_null=True, allow_blank=True)
    limit = DecimalString(minimum=0, maximum=MAX_LIMIT, help_text="In the unit of the type; see risk/rules/types/.")
    parameters = serializers.DictField(required=False)
    warning_at = Number(above=0, maximum=1, required=False, help_text="Share of the limit at which a warning begins.")
    action = EnumField(Action, required=False)
    latched = Boolean(required=False)
    cool_down_seconds = Integer(minimum=0, maximum=31_536_000, required=False)
    enabled = Boolean(required=False)


class RuleOutput(StrictSerializer):
    """A rule."""

    id = Identifier()
    name = Text(max_length=80)
    type = serializers.CharField()
    scope = EnumField(Scope)
    account = Identifier(source="account_id", allow_null=True)
    strategy = Identifier(source="strategy_id", allow_null=True)
    symbol = Symbol(source="instrument", allow_null=True)
    sector = serializers.SerializerMethodField()
    limit = DecimalString()
    unit = serializers.SerializerMethodField()
    parameters = serializers.DictField()
    warning_at = Number()
    action = EnumField(Action)
    latched = Boolean()
    cool_down_seconds = Integer()
    enabled = Boolean()
    created_at = UtcDateTime()
    updated_at = UtcDateTime()

    def get_sector(self, row: Any) -> str | None:
        """Return the sector, null where the rule names none."""
        return row.sector or None

    def get_unit(self, row: Any) -> str:
        """Return the unit of the limit."""
        return RULE_TYPES[row.type].unit.value


class OperationInput(StrictSerializer):
    """One step of a bulk change."""

    op = OneOf(choices=["create", "update", "delete", "enable", "disable"])
    id = Identifier(required=False, help_text="The rule; for all but create.")
    rule = serializers.DictField(required=False, help_text="The values; for create and update.")


class BulkInput(StrictSerializer):
    """Several changes: all are made or none."""

    operations = OperationInput(many=True, allow_empty=False, max_length=200)


class BulkOutput(StrictSerializer):
    """The rules that were made or changed, in order."""

    results = RuleOutput(many=True)


class RuleTypeOutput(StrictSerializer):
    """One type of rule."""

    name = serializers.CharField()
    help = serializers.CharField()
    unit = serializers.CharField()
    phases = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField())
    actions = serializers.ListField(child=serializers.CharField())
    parameters = serializers.DictField(help_text="JSON Schema")


class RuleTypesOutput(StrictSerializer):
    """All types of rules that can be set; there is always one page."""

    results = RuleTypeOutput(many=True)
    next = serializers.CharField(allow_null=True)


class RiskReasonOutput(StrictSerializer):
    """What one rule said."""

    key = serializers.CharField()
    rule = serializers.CharField()
    type = serializers.CharField()
    source = EnumField(Source)
    value = DecimalString(allow_null=True)
    limit = DecimalString(allow_null=True)
    headroom = DecimalString(allow_null=True)
    verdict = EnumField(Verdict)
    quantity = DecimalString(allow_null=True)
    message = serializers.CharField()


class RiskDecisionOutput(StrictSerializer):
    """The gate's answer on one order."""

    id = Identifier()
    account = Identifier(source="account_id")
    symbol = Symbol(source="instrument")
    strategy = Identifier(source="strategy_id", allow_null=True)
    side = serializers.CharField()
    requested = DecimalString(allow_null=True)
    quantity = DecimalString()
    verdict = EnumField(Verdict)
    message = serializers.CharField()
    preferences_version = Integer(allow_null=True)
    decided_at = UtcDateTime()
    created_at = UtcDateTime()
    reasons = RiskReasonOutput(many=True)


class BreachOutput(StrictSerializer):
    """A limit that is near or broken, or was."""

    id = Identifier()
    account = Identifier(source="account_id")
    rule = serializers.CharField(source="rule_name")
    rule_key = serializers.CharField()
    type = serializers.CharField()
    source = EnumField(Source)
    strategy = Identifier(source="strategy_id", allow_null=True)
    symbol = serializers.CharField(allow_blank=True)
    level = OneOf(choices=BreachLevel.choices)
    action = EnumField(Action)
    value = DecimalString(allow_null=True)
    worst_value = DecimalString(allow_null=True)
    limit = DecimalString()
    message = serializers.CharField()
    raised_at = UtcDateTime()
    broken_at = UtcDateTime(allow_null=True)
    recovered_at = UtcDateTime(allow_null=True)
    holds = serializers.SerializerMethodField(help_text="Whether it still stops new risk by its latch.")
    holds_until = UtcDateTime(allow_null=True)
    acknowledged_at = UtcDateTime(allow_null=True)
    released_at = UtcDateTime(allow_null=True)
    escalation = Integer(minimum=0, help_text="How often it was told again.")
    escalates_at = UtcDateTime(allow_null=True)
    created_at = UtcDateTime()

    def get_holds(self, row: RiskBreach) -> bool:
        """Return whether a latch holds."""
        return row.is_latched and row.released_at is None and row.broken_at is not None


class AcknowledgeInput(StrictSerializer):
    """That a person has seen it; ``release`` ends its latch and cool-down."""

    release = Boolean(required=False, default=False)


class KillSwitchInput(StrictSerializer):
    """Engage or rearm; ``target`` is the account or strategy (for scope user: nothing, it is you)."""

    engaged = Boolean()
    scope = EnumField(KillScope, required=False, default=KillScope.USER)
    target = Identifier(required=False, allow_null=True, default=None)
    reason = Text(max_length=300)
    forbid_all = Boolean(required=False, default=False)
    flatten = Boolean(required=False, default=False)


class SwitchOutput(StrictSerializer):
    """One engaged kill switch."""

    id = Identifier()
    scope = serializers.CharField()
    target = Identifier(source="target_id", allow_null=True)
    reason = serializers.CharField()
    forbid_all = Boolean()
    flatten = Boolean()
    engaged_at = UtcDateTime()
    engaged_by = serializers.CharField()


class KillSwitchOutput(StrictSerializer):
    """What holds: the widest switch's scope and reason, and all of them."""

    engaged = Boolean()
    scope = serializers.CharField(allow_null=True)
    target = Identifier(allow_null=True)
    reason = serializers.CharField(allow_null=True)
    forbid_all = Boolean()
    flatten = Boolean()
    switches = SwitchOutput(many=True)
