"""strategy-types/ and strategies/: what can be used, and a user's own. start/, pause/ and stop/ are trading's."""

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Boolean, DecimalString, EnumField, Identifier, Symbol, Text, UtcDateTime
from core.api.queries import Filter
from core.api.serializers import StrictSerializer
from core.api.views import CreateMixin, DestroyMixin, OwnedReadViewSet, StrictView
from domain.bars import Timeframe
from domain.errors import FieldError, ValidationFailed
from domain.sizing import SizingMethod
from strategies import selectors, services
from strategies.catalog import BrokenType, StrategyType
from strategies.models import Strategy, StrategyMode, StrategyState
from strategies.parameters import defaults_of, schema_of


class StrategyTypeOutput(StrictSerializer):
    """One type: what it does and its parameters; a broken one says why instead."""

    name = Text(max_length=64)
    title = Text(max_length=200)
    description = Text(max_length=2000, multiline=True)
    source = Text(max_length=200, help_text="built-in, a file of the strategies folder, or a package")
    fingerprint = Text(max_length=64)
    parameters = serializers.DictField(help_text="JSON Schema of the parameters")
    defaults = serializers.DictField(help_text="Default of every parameter")
    is_usable = Boolean()
    error = Text(max_length=500)


class StrategyTypesOutput(StrictSerializer):
    """All types; there is always one page."""

    results = StrategyTypeOutput(many=True)
    next = Text(max_length=1, allow_null=True)


class StrategyTypesView(StrictView):
    """GET strategy-types/."""

    answers: ClassVar = {"GET": StrategyTypesOutput}

    def get(self, request: Request) -> Response:
        """Return every type by name, broken ones included."""
        found = selectors.catalog()
        rows = [_of_type(found.types[name]) for name in sorted(found.types)]
        return Response({"results": rows + [_of_broken(each) for each in found.broken], "next": None})


def _of_type(found: StrategyType) -> dict[str, Any]:
    strategy = found.strategy
    return {
        "name": strategy.name,
        "title": strategy.title,
        "description": strategy.description,
        "source": found.source,
        "fingerprint": found.fingerprint,
        "parameters": schema_of(strategy.Params),
        "defaults": defaults_of(strategy.Params),
        "is_usable": True,
        "error": "",
    }


def _of_broken(found: BrokenType) -> dict[str, Any]:
    empty: dict[str, Any] = {"parameters": {}, "defaults": {}, "fingerprint": "", "description": ""}
    named = {"name": found.name, "title": found.name, "source": found.source}
    return {**named, **empty, "is_usable": False, "error": found.reason}


class SizingField(StrictSerializer):
    """How large an entry is."""

    method = EnumField(SizingMethod)
    value = DecimalString(above=0)


class StrategyInput(StrictSerializer):
    """A strategy's settings."""

    name = Text(max_length=64)
    type = Text(max_length=64)
    parameters = serializers.DictField(required=False)
    symbols = serializers.ListField(child=Symbol(), min_length=1, max_length=services.MAX_SYMBOLS)
    timeframe = EnumField(Timeframe)
    account = Identifier()
    sizing = SizingField(required=False, allow_null=True, help_text="Without it the user's preference holds.")
    allow_short = Boolean(required=False)
    mode = EnumField(StrategyMode, required=False)


class StrategyOutput(StrictSerializer):
    """A strategy with its state and the report of its last causality check."""

    id = Identifier()
    name = Text(max_length=64)
    type = Text(max_length=64)
    parameters = serializers.DictField()
    symbols = serializers.ListField(child=Symbol())
    timeframe = EnumField(Timeframe)
    account = Identifier(source="account_id")
    sizing = serializers.SerializerMethodField()
    allow_short = Boolean()
    mode = EnumField(StrategyMode)
    state = EnumField(StrategyState)
    failure_reason = Text(max_length=500)
    causality = serializers.DictField(help_text="is_causal, reason, and a report for each symbol; empty when unchecked")
    fingerprint = Text(max_length=64)
    started_at = UtcDateTime(allow_null=True)
    created_at = UtcDateTime()
    updated_at = UtcDateTime()

    def get_sizing(self, row: Strategy) -> dict[str, str] | None:
        """Return method and value, or null where the preference holds."""
        if row.sizing_value is None:
            return None
        return {"method": row.sizing_method, "value": DecimalString().to_representation(row.sizing_value)}


class StrategyViewSet(CreateMixin, DestroyMixin, OwnedReadViewSet):
    """The asker's strategies."""

    model = Strategy
    output = StrategyOutput
    bodies: ClassVar = {"create": StrategyInput, "partial_update": StrategyInput}
    filters: ClassVar = {
        "account": Filter("account_id", Identifier()),
        "state": Filter("state", EnumField(StrategyState)),
        "type": Filter("type", Text(max_length=64)),
    }
    ordering: ClassVar = {"created_at": "created_at", "name": "name"}

    def rows(self) -> Any:
        """Return the asker's strategies."""
        return selectors.strategies_of(self.request.user)

    def make(self, values: dict[str, Any]) -> Strategy:
        """Store a draft."""
        settings = services.Settings(**_settings(values))
        return services.create_strategy(self.request.user, settings, at=timezone.now())

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the named settings of a strategy that does not run."""
        row = self.get_row(pk)
        values = self.values()
        if not values:
            raise ValidationFailed.of((FieldError("", "empty", "Name at least one field to change."),))
        return Response(self.write(services.update_strategy(row, _settings(values), at=timezone.now())))

    def remove(self, row: Strategy) -> None:
        """Delete it, when it never traded."""
        services.delete_strategy(row, at=timezone.now())


def _settings(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values by the names of `services.Settings`."""
    settings = {name: value for name, value in values.items() if name not in ("account", "sizing")}
    if "account" in values:
        settings["account_id"] = values["account"]
    if "sizing" in values:
        sizing = values["sizing"] or {}
        settings["sizing_method"], settings["sizing_value"] = sizing.get("method"), sizing.get("value")
    return settings
