"""GET analytics/twin/: a strategy's real life beside its shadow backtest."""

from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from analytics.twin.values import Cause, Side
from core.api.fields import DecimalString, EnumField, Identifier, Integer, Number, UtcDateTime
from core.api.serializers import StrictSerializer, write
from core.api.views import StrictView
from tradeplatform.twins import Twin, twin_of
from trading.twin_life import Life


class TwinQuery(StrictSerializer):
    """Whose twin."""

    strategy = Identifier(help_text="One of your strategies.")


class TwinSideOutput(StrictSerializer):
    """Key figures of one side; P&L is net, counts what is still open, and is what the equity changed by."""

    signals = Integer(source="n_signals")
    orders = Integer(source="n_orders", help_text="Refused ones among them.")
    fills = Integer(source="n_fills")
    trades = Integer(source="n_trades", help_text="Closed round trips.")
    pnl = DecimalString()
    fees = DecimalString()
    equity_change_percent = Number(allow_null=True, help_text="P&L by the equity at the start.")


class TwinStepOutput(StrictSerializer):
    """What one side did: an order, or a signal that became none (its outcome is then the status, its quantity 0)."""

    status = serializers.CharField()
    quantity = DecimalString()
    filled_quantity = DecimalString(source="filled")
    asked_price = DecimalString(source="level", allow_null=True)
    average_fill_price = DecimalString(source="price", allow_null=True)
    fee = DecimalString()
    filled_at = UtcDateTime(allow_null=True)
    reason = serializers.CharField(allow_blank=True)


class TwinDifferenceOutput(StrictSerializer):
    """One step that differs; a side that did not take it is null."""

    at = UtcDateTime(help_text="Market time of the decision.")
    symbol = serializers.CharField()
    role = serializers.CharField()
    side = serializers.CharField(allow_blank=True, help_text="Empty for a signal to leave.")
    differs_in = serializers.ListField(
        child=serializers.CharField(), source="fields", help_text="`missing`: one side has none of it."
    )
    cause = EnumField(Cause)
    message = serializers.CharField()
    live = TwinStepOutput(allow_null=True)
    backtest = TwinStepOutput(source="shadow", allow_null=True)


class TwinTradeOutput(StrictSerializer):
    """One round trip of one side; exits are null while it is open."""

    quantity = DecimalString()
    entry_time = UtcDateTime(source="entry_at")
    entry_price = DecimalString()
    exit_time = UtcDateTime(source="exit_at", allow_null=True)
    exit_price = DecimalString(allow_null=True)
    pnl_net = DecimalString()
    fees = DecimalString()


class TwinTradePairOutput(StrictSerializer):
    """A round trip of both sides, or of one alone; the cause is null where they agree."""

    symbol = serializers.CharField(source="any.symbol")
    side = serializers.CharField(source="any.side")
    pnl_difference = DecimalString(help_text="How much more live made.")
    cause = EnumField(Cause, allow_null=True)
    live = TwinTradeOutput(allow_null=True)
    backtest = TwinTradeOutput(source="shadow", allow_null=True)


class TwinOutput(StrictSerializer):
    """A strategy beside its shadow backtest; without sides and time where it never ran with its present settings."""

    strategy = Identifier()
    message = serializers.CharField()
    start = UtcDateTime(allow_null=True, help_text="Market time after which it decided.")
    end = UtcDateTime(allow_null=True)
    start_equity = DecimalString(allow_null=True)
    preferences_version = Integer(allow_null=True, help_text="Those that the backtest obeys: in force at the start.")
    live = TwinSideOutput(allow_null=True)
    backtest = TwinSideOutput(allow_null=True)
    matched = Integer(help_text="Steps that are alike.")
    trades = TwinTradePairOutput(many=True)
    differences = TwinDifferenceOutput(many=True)


class TwinView(StrictView):
    """GET analytics/twin/."""

    answers: ClassVar = {"GET": TwinOutput}
    queries: ClassVar = {"GET": TwinQuery}

    def get(self, request: Request) -> Response:
        """Return a strategy's life against its shadow backtest, each difference with its cause."""
        found = twin_of(request.user, self.query["strategy"])
        return Response(write(TwinOutput, _answer(found), request=request))


def _answer(twin: Twin) -> dict[str, Any]:
    told: dict[str, Any] = {"strategy": twin.strategy, "message": twin.message, "matched": 0}
    told |= dict.fromkeys(("start", "end", "start_equity", "preferences_version", "live", "backtest"))
    told |= {"trades": (), "differences": ()}
    if twin.life is not None and twin.comparison is not None:
        life, found = twin.life, twin.comparison
        told |= {"start": life.start_at, "end": life.end_at, "start_equity": life.equity}
        told |= {"preferences_version": life.preferences.version, "matched": found.n_matched}
        told |= {"live": _side(life, found.live), "backtest": _side(life, found.shadow)}
        told |= {"trades": found.trades, "differences": found.differences}
    return told


def _side(life: Life, side: Side) -> dict[str, Any]:
    names = ("n_signals", "n_orders", "n_fills", "n_trades", "pnl", "fees")
    change = side.pnl / life.equity * 100 if life.equity else None
    return {**{name: getattr(side, name) for name in names}, "equity_change_percent": change}
