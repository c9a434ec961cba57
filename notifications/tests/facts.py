"""One example of every fact that people hear about, and how to publish and tell one in a test."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.db import transaction

from core.bus import publish
from core.models import OutboxEvent
from domain import events
from domain.events import Event

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

_ORDER: dict[str, Any] = {
    "client_order_id": "tp-1",
    "strategy_id": None,
    "symbol": "AAPL",
    "side": "buy",
    "type": "limit",
    "quantity": Decimal("1250"),
    "filled_quantity": Decimal("1250"),
    "average_price": Decimal("189.2"),
    "currency": "USD",
    "status": "filled",
}
_POSITION: dict[str, Any] = {
    "strategy_id": None,
    "symbol": "AAPL",
    "quantity": Decimal(0),
    "average_price": Decimal("189.2"),
    "realized_pnl": Decimal("-1500"),
    "currency": "USD",
}
_RISK: dict[str, Any] = {
    "rule": "Daily loss",
    "type": "max_daily_loss",
    "value": 3.2,
    "limit": 3.0,
    "message": "The account lost 3.2 % since the session began; the limit is 3 %",
}
_PREFERENCE: dict[str, Any] = {
    "version": 4,
    "category": "risk_management",
    "changed": {"risk_management.max_leverage": {"old": "1", "new": "4"}},
    "by": "ada",
    "critical": True,
}
VALUES: dict[type[Event], dict[str, Any]] = {
    events.OrderFilled: _ORDER,
    events.OrderRejected: _ORDER,
    events.OrderDenied: _ORDER,
    events.OrderCanceled: _ORDER,
    events.OrderExpired: _ORDER,
    events.OrderUnresolved: _ORDER,
    events.OrderResolved: _ORDER,
    events.PositionClosed: {**_POSITION, "pnl_net": Decimal("-1520.5"), "equity": Decimal("50000")},
    events.PositionUnprotected: _POSITION,
    **{
        cls: {"strategy": "Trend, daily", "reason": "strategy_error: division by zero"}
        for cls in (events.StrategyStarted, events.StrategyPaused, events.StrategyStopped, events.StrategyFailed)
    },
    events.SignalGenerated: {
        "strategy_id": None,
        "symbol": "AAPL",
        "side": "buy",
        "confidence": 0.825,
        "reason": "SMA 20 crossed over SMA 50",
    },
    events.SignalSettled: {
        "strategy_id": None,
        "symbol": "AAPL",
        "side": "buy",
        "outcome": "awaiting_approval",
        "code": "awaiting_approval",
        "message": "",
    },
    **dict.fromkeys((events.RiskWarningRaised, events.RiskRuleBreached, events.RiskRuleRecovered), _RISK),
    events.RiskBreachEscalated: {**_RISK, "n_told_again": 1, "is_critical": False},
    events.TradingStateChanged: {"old": "active", "new": "halted", "reason": "kill_switch", "by": "ada"},
    events.KillSwitchEngaged: {"scope": "user", "target_id": None, "reason": "runaway strategy", "by": "ada"},
    events.KillSwitchRearmed: {"scope": "user", "target_id": None, "reason": "checked", "by": "ada"},
    events.ReconciliationMismatchFound: {"subject": "AAPL", "ours": "100 shares", "theirs": "90 shares"},
    events.FeedStale: {"symbol": "AAPL", "timeframe": "1m", "age_seconds": 185.0},
    events.FeedRecovered: {"symbol": "AAPL", "timeframe": "1m"},
    events.PreferenceChanged: _PREFERENCE,
    events.PreferenceRolledBack: {**_PREFERENCE, "restored_version": 2},
    events.PreferenceChangeFailed: {
        "category": "trading",
        "subsystem": "order_executor",
        "reason": "the venue takes no stop orders",
        "by": "ada",
    },
    events.PerformanceAlertReached: {
        "account": "Paper",
        "kind": "loss",
        "value": Decimal("-2.5"),
        "limit": Decimal(2),
        "amount": Decimal("-2500"),
        "currency": "USD",
    },
    events.AccessTokenChanged: {"token": "laptop", "change": "made", "scopes": ("read", "trade")},
    events.LoginFailed: {"username": "ada", "ip": "203.0.113.9"},
    events.BacktestSettled: {"status": "failed", "error": "no bars"},
}
_IDS = ("order_id", "position_id", "strategy_id", "signal_id", "breach_id", "token_id", "backtest_id")


def example(cls: type[Event], **values: Any) -> Event:
    """Make an example of a fact; what is given here comes before the table."""
    known = cls.__dataclass_fields__
    ids = {name: uuid4() for name in _IDS if name in known}
    return cls(**{"at": NOON, **ids, **VALUES.get(cls, {}), **ids, **values})


def stored(cls: type[Event], user: Any = None, **values: Any) -> OutboxEvent:
    """Publish an example for a user and return its outbox row."""
    event = example(cls, user_id=user.pk if user else None, **values)
    with transaction.atomic():
        publish(event)
    return OutboxEvent.objects.get(event_id=event.event_id)
