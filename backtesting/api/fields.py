"""What the API of backtests takes beyond the common fields: days as times, rules of one run, costs."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from core.api.fields import UtcDateTime, _shown
from risk.serializers import RuleInput

DAY = timedelta(days=1)
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
        if not isinstance(data, str) or len(data) != 10 or not data.isascii():
            return super().to_internal_value(data)
        moment = None
        try:
            day = datetime.combine(date.fromisoformat(data), datetime.min.time(), tzinfo=UTC)
            moment = day + DAY if self.is_end else day
        except (ValueError, OverflowError):
            self.fail("invalid", value=_shown(data))
        bounded: datetime = self.bounded(moment, data)
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
        rules, faults = [], {}
        for index, given in enumerate(data):
            serializer = RunRuleInput(data=given, context=self.context)
            if serializer.is_valid():
                rules.append(dict(serializer.validated_data))
            else:
                faults[str(index)] = serializer.errors
        if faults:
            raise ValidationError(faults)
        return rules

    def to_representation(self, value: Any) -> Any:
        """Write it as it is."""
        return value
