"""The facts that apps tell each other: frozen, typed, named ``aggregate.past_tense``.

A durable fact becomes a row of the outbox in the transaction of what it tells (and so a link of the audit chain); a
transient one is handed on in memory after commit and never stored. Payload values are plain: str, int, bool, float,
None, UUID, Decimal, datetime, and tuples or dicts of those.
"""

from domain.facts.accounts import (
    AccountMarked,
    AccountOpened,
    AccountReset,
    PerformanceAlertReached,
    PositionChanged,
    PositionClosed,
    PositionOpened,
    PositionUnprotected,
    ReconciliationMismatchFound,
)
from domain.facts.base import Event
from domain.facts.market import (
    BarGapDetected,
    BarsClosed,
    FeedRecovered,
    FeedStale,
)
from domain.facts.orders import (
    FillRecorded,
    OrderAccepted,
    OrderCanceled,
    OrderDenied,
    OrderExpired,
    OrderFact,
    OrderFilled,
    OrderPartiallyFilled,
    OrderRejected,
    OrderResolved,
    OrderSubmitted,
    OrderTriggered,
    OrderUnresolved,
)
from domain.facts.people import (
    AccessTokenChanged,
    LoginFailed,
    NotificationAcknowledged,
    NotificationStored,
    PreferenceChanged,
    PreferenceChangeFailed,
    PreferenceRolledBack,
)
from domain.facts.risk import (
    KillSwitchEngaged,
    KillSwitchRearmed,
    RiskBreachEscalated,
    RiskRuleBreached,
    RiskRuleChanged,
    RiskRuleRecovered,
    RiskWarningRaised,
    TradingStateChanged,
)
from domain.facts.signals import (
    BacktestProgressed,
    BacktestQueued,
    BacktestSettled,
    ParametersOptimized,
    SignalGenerated,
    SignalSettled,
    StrategyConfigured,
    StrategyFailed,
    StrategyPaused,
    StrategyStarted,
    StrategyStopped,
)

__all__ = [
    "AccessTokenChanged",
    "AccountMarked",
    "AccountOpened",
    "AccountReset",
    "BacktestProgressed",
    "BacktestQueued",
    "BacktestSettled",
    "BarGapDetected",
    "BarsClosed",
    "Event",
    "FeedRecovered",
    "FeedStale",
    "FillRecorded",
    "KillSwitchEngaged",
    "KillSwitchRearmed",
    "LoginFailed",
    "NotificationAcknowledged",
    "NotificationStored",
    "OrderAccepted",
    "OrderCanceled",
    "OrderDenied",
    "OrderExpired",
    "OrderFact",
    "OrderFilled",
    "OrderPartiallyFilled",
    "OrderRejected",
    "OrderResolved",
    "OrderSubmitted",
    "OrderTriggered",
    "OrderUnresolved",
    "ParametersOptimized",
    "PerformanceAlertReached",
    "PositionChanged",
    "PositionClosed",
    "PositionOpened",
    "PositionUnprotected",
    "PreferenceChangeFailed",
    "PreferenceChanged",
    "PreferenceRolledBack",
    "ReconciliationMismatchFound",
    "RiskBreachEscalated",
    "RiskRuleBreached",
    "RiskRuleChanged",
    "RiskRuleRecovered",
    "RiskWarningRaised",
    "SignalGenerated",
    "SignalSettled",
    "StrategyConfigured",
    "StrategyFailed",
    "StrategyPaused",
    "StrategyStarted",
    "StrategyStopped",
    "TradingStateChanged",
    "by_name",
]


def _subclasses(cls: type[Event]) -> set[type[Event]]:
    direct = set(cls.__subclasses__())
    return direct.union(*(_subclasses(c) for c in direct)) if direct else set()


def by_name() -> dict[str, type[Event]]:
    """Map each event name to its class (used to hand a stored fact to its handlers again)."""
    return {c.name: c for c in _subclasses(Event) if c.name}
