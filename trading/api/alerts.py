"""The body of a chart's alert (as TradingView users write them), and the signal that it means."""

from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail

from core.api.fields import Number, Symbol, Text
from core.api.serializers import StrictSerializer
from domain.signals import SignalSide
from trading.services.outside import OutsideSignal

_SIDES = {
    "buy": SignalSide.BUY,
    "long": SignalSide.BUY,
    "sell": SignalSide.SELL,
    "short": SignalSide.SELL,
    "exit": SignalSide.EXIT,
    "close": SignalSide.EXIT,
    "flat": SignalSide.EXIT,
}
_INFORMATIVE = (
    "exchange", "price", "open", "high", "low", "close", "volume", "time", "timenow", "interval", "quantity", "qty",
    "contracts", "position_size", "market_position", "prev_market_position", "order_id", "id", "strategy", "currency",
)  # fmt: skip


@extend_schema_field({"type": "string"})
class ActionField(serializers.Field[Any, Any, Any, Any]):
    """buy, sell or exit, as alerts say it, in any case."""

    default_error_messages: ClassVar = {"invalid": "{value} is not one of buy, long, sell, short, exit, close, flat."}

    def to_internal_value(self, data: Any) -> SignalSide:
        """Return the side."""
        found = _SIDES.get(data.strip().lower()) if isinstance(data, str) else None
        if found is None:
            said = ascii(data[:40]) if isinstance(data, str) else repr(data)[:40]
            raise serializers.ValidationError(self.error_messages["invalid"].format(value=said), code="invalid")
        return found

    def to_representation(self, value: Any) -> str:
        """Write the side."""
        return str(value)


@extend_schema_field({"type": ["string", "number", "boolean"]})
class Ignored(serializers.Field[Any, Any, Any, Any]):
    """Something that alerts often tell and that decides nothing here: a plain value of at most 100 characters."""

    default_error_messages: ClassVar = {"invalid": "A text of at most 100 characters, or a number."}

    def to_internal_value(self, data: Any) -> Any:
        """Return the value."""
        if isinstance(data, dict | list) or (isinstance(data, str) and len(data) > 100):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        """Write the value."""
        return value


class AlertForm(StrictSerializer):
    """An alert: an action (or side) and a ticker (or symbol); price, time and the like may be told and are ignored."""

    action = ActionField(required=False)
    side = ActionField(required=False)
    ticker = Symbol(required=False, help_text="With or without its exchange: AAPL or NASDAQ:AAPL.")
    symbol = Symbol(required=False)
    confidence = Number(minimum=0, maximum=1, required=False, default=Decimal(1))
    reason = Text(max_length=300, required=False, allow_blank=True)
    comment = Text(max_length=300, required=False, allow_blank=True)
    message = Text(max_length=300, required=False, allow_blank=True)

    def get_fields(self) -> dict[str, Any]:
        """Add what may be told and is ignored."""
        ignored = {name: Ignored(required=False, allow_null=True) for name in _INFORMATIVE}
        return {**super().get_fields(), **ignored}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """An alert says what to do and with which instrument, each once."""
        faults = {
            one: [ErrorDetail(f"Give either {one} or {other}.", code="one_of")]
            for one, other in (("action", "side"), ("ticker", "symbol"))
            if (one in attrs) == (other in attrs)
        }
        if faults:
            raise serializers.ValidationError(faults)
        return attrs


def signal_of(values: dict[str, Any]) -> OutsideSignal:
    """Return the signal that an alert means."""
    symbol = str(values.get("ticker") or values["symbol"])
    return OutsideSignal(
        symbol=symbol.rpartition(":")[2],
        side=values.get("action") or values["side"],
        confidence=float(values["confidence"]),
        reason=values.get("reason") or values.get("comment") or values.get("message") or "",
        source="webhook",
    )
