"""Who hears what: the one page that ties facts from lower floors to handlers on upper ones."""

from typing import Any

from domain import events

TELL = "notifications.handlers.on_fact"
ACCOUNT = "trading.handlers.push_to_account"
USER = "trading.handlers.push_to_user"

ON_PREFERENCES = (
    "notifications.handlers.on_preference_changed",
    "marketdata.handlers.on_preference_changed",
)

HANDLERS: dict[type[Any], tuple[str, ...]] = {
    events.BarsClosed: ("marketdata.handlers.push_bars", "trading.handlers.run_accounts_of_bars"),
    events.OrderSubmitted: (ACCOUNT,),
    events.OrderAccepted: (ACCOUNT,),
    events.OrderTriggered: (ACCOUNT,),
    events.OrderPartiallyFilled: (ACCOUNT,),
    events.FillRecorded: (ACCOUNT,),
    events.PositionOpened: (ACCOUNT,),
    events.PositionChanged: (ACCOUNT,),
    events.AccountMarked: ("trading.handlers.push_mark",),
    events.ParametersOptimized: ("trading.handlers.on_optimized",),
    events.AccountReset: (ACCOUNT,),
    events.FeedStale: (TELL,),
    events.FeedRecovered: (TELL,),
    events.SignalGenerated: (ACCOUNT, TELL),
    events.SignalSettled: (ACCOUNT, TELL),
    events.StrategyStarted: (ACCOUNT, USER, TELL),
    events.StrategyPaused: (ACCOUNT, USER, TELL),
    events.StrategyStopped: (ACCOUNT, USER, TELL),
    events.StrategyFailed: (ACCOUNT, USER, TELL),
    events.OrderDenied: (ACCOUNT, TELL),
    events.OrderFilled: (ACCOUNT, TELL),
    events.OrderCanceled: (ACCOUNT, TELL),
    events.OrderExpired: (ACCOUNT, TELL),
    events.OrderRejected: (ACCOUNT, TELL),
    events.OrderUnresolved: (ACCOUNT, TELL),
    events.OrderResolved: (ACCOUNT, TELL),
    events.PositionClosed: (ACCOUNT, TELL),
    events.PositionUnprotected: (ACCOUNT, TELL),
    events.RiskWarningRaised: (ACCOUNT, USER, TELL),
    events.RiskRuleBreached: ("trading.handlers.act_on_breach", ACCOUNT, USER, TELL),
    events.RiskBreachEscalated: (ACCOUNT, USER, TELL),
    events.RiskRuleRecovered: (ACCOUNT, USER, TELL),
    events.TradingStateChanged: (ACCOUNT, USER, TELL),
    events.KillSwitchEngaged: ("trading.handlers.stop_on_kill_switch", USER, TELL),
    events.KillSwitchRearmed: (USER, TELL),
    events.ReconciliationMismatchFound: (TELL,),
    events.PreferenceChanged: (USER, TELL, *ON_PREFERENCES),
    events.PreferenceRolledBack: (USER, TELL, *ON_PREFERENCES),
    events.PreferenceChangeFailed: (TELL,),
    events.PerformanceAlertReached: (ACCOUNT, TELL),
    events.AccessTokenChanged: (TELL,),
    events.LoginFailed: (TELL,),
    events.BacktestQueued: ("backtesting.handlers.wake_workers",),
    events.BacktestProgressed: ("backtesting.handlers.push_progress",),
    events.BacktestSettled: ("backtesting.handlers.push_settled", TELL),
}
"""Event class → dotted paths of the handlers that hear it, in the order in which they are called."""

PREFERENCE_SUBSYSTEMS: dict[str, str] = {
    "risk_engine": "risk.preference_effects.RISK_ENGINE",
    "strategy_manager": "trading.preference_effects.STRATEGY_MANAGER",
    "order_executor": "trading.preference_effects.ORDER_EXECUTOR",
    "market_data": "marketdata.preference_effects.MARKET_DATA",
    "notifications": "notifications.preference_effects.NOTIFICATIONS",
    "performance": "portfolio.preference_effects.PERFORMANCE",
}
"""System that obeys preferences → dotted path of its `preferences.subsystems.Subsystem`, in the order of asking."""

SOCKET_ACCESS: dict[str, str] = {
    "account": "tradeplatform.access.may_hear_account",
    "backtest": "tradeplatform.access.may_hear_backtest",
    "bars": "tradeplatform.access.may_hear_bars",
}
"""Kind of socket (`account`, `backtest`, `bars`) → dotted path of `function(user, key) -> bool`: may they listen?"""

SOCKET_PACE: dict[str, str] = {"bars": "marketdata.pace.bars_pace"}
"""Kind of socket → dotted path of `function(user) -> float | None`: seconds between batches, None for nothing now."""

SOCKET_TOKEN = "apikeys.selectors.user_for_token"
"""Dotted path of `function(raw, ip) -> (user, scopes) | None`, which opens a socket by its first message."""

HEALTH: dict[str, str] = {"feeds": "marketdata.health.feeds", "last_tick": "marketdata.health.last_tick"}
"""Part of the platform (`feeds`, `last_tick`) → dotted path of `function() -> {"ok": bool, ...}`."""
