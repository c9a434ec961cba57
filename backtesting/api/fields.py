"""What the API of backtests takes beyond the common fields: days as times, rules of one run, costs."""

from datetime import date, datetime
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from core.api.fields import DAY_TEXT, UtcDateTime, _shown
from core.days import begin_of, end_of
from domain.errors import NotFound
from risk.serializers import RuleInput

MAX_RULES = 100


class MomentOrDay(UtcDateTime):
    """An RFC 3339 time, or a day (00:00 UTC); as an end a day is meant whole."""

    default_error_messages: ClassVar = {
        "invalid": "{value} is neither an RFC 3339 time with its zone (2026-01-31T14:30:00Z) nor a day (2026-01-31).",
    }

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        self.is_end = is_end
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        """Return an aware time in UTC."""
        if not isinstance(data, str) or not DAY_TEXT.fullmatch(data):
            return super().to_internal_value(data)
        try:
            day = date.fromisoformat(data)
        except ValueError:
            self.fail("invalid", value=_shown(data))
        bounded: datetime = self.bounded(end_of(day) if self.is_end else begin_of(day), data)
        return bounded


class RunRuleInput(RuleInput):
    """A rule of one run: it needs no name, and it is stored nowhere else."""

    def get_fields(self) -> dict[str, Any]:
        """Take a rule without a name too."""
        fields = super().get_fields()
        fields["name"].required = False
        return fields


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "enum": ["mine", "none"]},
            {"type": "array", "maxItems": MAX_RULES, "items": {"type": "object"}},
        ]
    }
)
class RulesField(serializers.Field[Any, Any, Any, Any]):
    """ "mine" (preferences and own rules as live), "none", or a list of rules as risk/rules/ takes them."""

    default_error_messages: ClassVar = {
        "invalid": '{value} is not "mine", "none" or a list of rules.',
        "too_many": "{value} rules are more than {bound}.",
    }

    def to_internal_value(self, data: Any) -> Any:
        """Return the word, or the validated rules."""
        if data in ("mine", "none"):
            return data
        if not isinstance(data, list):
            self.fail("invalid", value=_shown(data))
        if len(data) > MAX_RULES:
            self.fail("too_many", value=len(data), bound=MAX_RULES)
        rules: list[Any] = []
        faults: dict[str, Any] = {}
        for index, given in enumerate(data):
            serializer = RunRuleInput(data=given, context=self.context)
            try:
                serializer.is_valid(raise_exception=True)
                rules.append(dict(serializer.validated_data))
            except ValidationError as error:
                faults[str(index)] = error.detail
            except NotFound as error:  # of an instrument
                faults[str(index)] = {each.field: [ErrorDetail(each.message, each.code)] for each in error.errors}
        if faults:
            raise ValidationError(faults)
        return rules

    def to_representation(self, value: Any) -> Any:
        """Write it as it is."""
        return value
