"""The table of facts that people hear about, and the words for each. Pure; a fact that is not here is not told."""

from collections.abc import Mapping
from typing import Any

from domain import events
from domain.notices import NotificationType as T
from domain.notices import Priority as P
from notifications.messages import Message, Spec, message_of
from notifications.wording import number

_ORDER = "/orders/{order_id}/"
_POSITIONS = "/positions/"
_STRATEGY = "/strategies/{strategy_id}/"
_RISK = "/risk/"
_PREFERENCES = "/preferences/"
_BREACH = "{rule}:{symbol}:{strategy_id}"


def _lost(data: Mapping[str, Any]) -> bool:
    return (number(data.get("pnl_net")) or 0) < 0


def _awaits(data: Mapping[str, Any]) -> bool:
    return data.get("outcome") == "awaiting_approval"


def _strategy(title: str, body: str, priority: P = P.LOW) -> tuple[Spec, ...]:
    status = Spec(
        type=T.STRATEGY_STATUS,
        title=title,
        body=body,
        priority=priority,
        subject="{strategy}",
        incident="strategy:{strategy_id}",
        link=_STRATEGY,
    )
    return (status,)


def _account_state(state: str, title: str, body: str, priority: P) -> Spec:
    return Spec(
        type=T.RISK_BREACH if state != "active" else T.RISK_WARNING,
        title=title,
        body=body + " {reason}{who}",
        priority=priority,
        subject="trading state",
        incident="trading-state",
        link=_RISK,
        when=lambda data: data.get("new") == state,
    )


def _kill_switch(scope: str, what: str) -> Spec:
    return Spec(
        type=T.RISK_BREACH,
        title=f"Kill switch engaged for {what}",
        body="No new order goes out. {reason}{who}",
        priority=P.CRITICAL,
        subject="kill switch",
        incident="kill-switch:{scope}:{target_id}",
        link=_RISK,
        when=lambda data: data.get("scope") == scope,
    )


_SCOPES = {
    "platform": "the whole platform",
    "user": "all your accounts",
    "account": "an account",
    "strategy": "a strategy",
}

_PREFERENCE = Spec(
    type=T.SECURITY_ALERT,
    title="A safety setting was changed: {category}",
    body="Changed: {changes}.{who} If this was not you, restore the earlier version and change your password.",
    priority=P.HIGH,
    subject="preferences",
    link=_PREFERENCES,
    when=lambda data: bool(data.get("critical")),
)

SPECS: dict[type[events.Event], tuple[Spec, ...]] = {
    events.OrderFilled: (
        Spec(
            type=T.ORDER_FILLED, title="{did} {size} {symbol}", body="Your {kind} order was filled{paid}.", link=_ORDER
        ),
    ),
    events.OrderRejected: (
        Spec(
            type=T.ORDER_REJECTED,
            title="The broker refused to {order}",
            body="Nothing was traded. {reason}",
            priority=P.MEDIUM,
            link=_ORDER,
        ),
    ),
    events.OrderDenied: (
        Spec(
            type=T.ORDER_REJECTED,
            title="Denied: {order}",
            body="Stopped here, before it reached the broker. {reason}",
            link=_ORDER,
        ),
    ),
    events.OrderCanceled: (
        Spec(
            type=T.ORDER_CANCELED,
            title="Canceled: {order}",
            body="{filled} of {size} {symbol} had been filled. {reason}",
            link=_ORDER,
        ),
    ),
    events.OrderExpired: (
        Spec(
            type=T.ORDER_CANCELED,
            title="Expired: {order}",
            body="Its time ended with {filled} of {size} {symbol} filled. {reason}",
            link=_ORDER,
        ),
    ),
    events.OrderUnresolved: (
        Spec(
            type=T.SYSTEM_ALERT,
            title="Nobody knows yet whether the order to {order} is at the broker",
            body="The broker gave no clear answer. It is not sent again, and no new risk is taken on {symbol} until the"
            " broker or an operator says what became of it. {reason}",
            priority=P.CRITICAL,
            incident="unresolved:{order_id}",
            link=_ORDER,
        ),
    ),
    events.OrderResolved: (
        Spec(
            type=T.SYSTEM_ALERT,
            title="The fate of the order to {order} is known: {status}",
            body="{symbol} may be traded again. {reason}",
            priority=P.MEDIUM,
            incident="unresolved:{order_id}",
            link=_ORDER,
        ),
    ),
    events.PositionClosed: (
        Spec(
            type=T.LARGE_LOSS,
            title="Lost {lost} on {symbol}",
            body="The position in {symbol} is closed with a result of {pnl} after fees.",
            priority=P.HIGH,
            link=_POSITIONS,
            when=_lost,
        ),
        Spec(
            type=T.POSITION_UPDATE,
            title="Closed {symbol} with {pnl}",
            body="The position in {symbol} is flat; the round trip made {pnl} after fees.",
            link=_POSITIONS,
        ),
    ),
    events.PositionUnprotected: (
        Spec(
            type=T.RISK_WARNING,
            title="No stop protects {size} {symbol}",
            body="This position has no working stop. Place one, or close the position.",
            priority=P.HIGH,
            incident="unprotected:{position_id}",
            link=_POSITIONS,
            when=lambda data: not data.get("is_alarm"),
        ),
        Spec(
            type=T.RISK_BREACH,
            title="Nothing protects {size} {symbol}",
            body="{reason} Place a stop, close the position, or sign a waiver on the risk page.",
            priority=P.CRITICAL,
            incident="unprotected:{position_id}",
            link=_POSITIONS,
            when=lambda data: bool(data.get("is_alarm")),
        ),
    ),
    events.StrategyStarted: _strategy("{strategy} is running", "It decides on every bar from now on."),
    events.StrategyPaused: _strategy(
        "{strategy} is paused", "It opens nothing; its exits and stops go on. {reason}", P.MEDIUM
    ),
    events.StrategyStopped: _strategy("{strategy} has stopped", "It trades no more. {reason}"),
    events.StrategyFailed: _strategy(
        "{strategy} failed", "It was stopped by an error; its open positions keep their stops. {reason}", P.HIGH
    ),
    events.SignalGenerated: (
        Spec(
            type=T.STRATEGY_SIGNAL,
            title="Signal to {side} {symbol}",
            body="Confidence {confidence}. {reason}",
            link="/signals/{signal_id}/",
        ),
    ),
    events.SignalSettled: (
        Spec(
            type=T.STRATEGY_SIGNAL,
            title="Waits for your approval: {side} {symbol}",
            body="Automatic execution is off. Approve or dismiss the signal. {reason}",
            priority=P.MEDIUM,
            link="/signals/{signal_id}/",
            when=_awaits,
        ),
    ),
    events.RiskWarningRaised: (
        Spec(
            type=T.RISK_WARNING,
            title="Close to a limit: {rule}",
            body="{reason} {measured}",
            priority=P.MEDIUM,
            subject="{rule}",
            incident=_BREACH,
            link=_RISK,
        ),
    ),
    events.RiskRuleBreached: (
        Spec(
            type=T.RISK_BREACH,
            title="Limit broken: {rule}",
            body="{reason} {measured}",
            priority=P.HIGH,
            subject="{rule}",
            incident=_BREACH,
            link=_RISK,
        ),
    ),
    events.RiskBreachEscalated: (
        Spec(
            type=T.RISK_BREACH,
            title="Still broken, and nobody has seen it: {rule}",
            body="{reason} {measured} Acknowledge it on the risk page.",
            priority=P.HIGH,
            subject="{rule}:{n_told_again}",
            incident=_BREACH,
            link=_RISK,
            when=lambda data: not data.get("is_critical"),
        ),
        Spec(
            type=T.RISK_BREACH,
            title="Still broken, and nobody has seen it: {rule}",
            body="{reason} {measured} Acknowledge it on the risk page.",
            priority=P.CRITICAL,
            subject="{rule}:{n_told_again}",
            incident=_BREACH,
            link=_RISK,
            when=lambda data: bool(data.get("is_critical")),
        ),
    ),
    events.RiskRuleRecovered: (
        Spec(
            type=T.RISK_WARNING,
            title="Within the limit again: {rule}",
            body="{reason} {measured}",
            subject="{rule}",
            incident=_BREACH,
            link=_RISK,
        ),
    ),
    events.TradingStateChanged: (
        _account_state(
            "halted", "Trading is halted", "Nothing new goes out; protective orders stay in force.", P.CRITICAL
        ),
        _account_state("reducing", "The account only reduces now", "Orders that add risk are not sent.", P.HIGH),
        _account_state("active", "The account trades again", "Orders may be sent.", P.MEDIUM),
    ),
    events.KillSwitchEngaged: tuple(_kill_switch(scope, what) for scope, what in _SCOPES.items()),
    events.KillSwitchRearmed: (
        Spec(
            type=T.RISK_WARNING,
            title="The kill switch was released",
            body="New orders may go out again. {reason}{who}",
            priority=P.HIGH,
            subject="kill switch",
            incident="kill-switch:{scope}:{target_id}",
            link=_RISK,
        ),
    ),
    events.ReconciliationMismatchFound: (
        Spec(
            type=T.SYSTEM_ALERT,
            title="The broker's books differ from ours: {subject}",
            body="Ours: {ours}. The broker's: {theirs}. The account only reduces until you have looked.",
            priority=P.HIGH,
            subject="{subject}",
            incident="reconciliation:{subject}",
            link=_POSITIONS,
        ),
    ),
    events.FeedStale: (
        Spec(
            type=T.SYSTEM_ALERT,
            title="No fresh prices for {symbol}",
            body="The {timeframe} feed has been silent for {age}. Nothing new is traded on it; stops stay in force.",
            priority=P.MEDIUM,
            incident="feed:{symbol}:{timeframe}",
            link="/chart/?symbol={symbol}",
        ),
    ),
    events.FeedRecovered: (
        Spec(
            type=T.SYSTEM_ALERT,
            title="Prices for {symbol} arrive again",
            body="The {timeframe} feed delivers again.",
            incident="feed:{symbol}:{timeframe}",
            link="/chart/?symbol={symbol}",
        ),
    ),
    events.PreferenceChanged: (_PREFERENCE,),
    events.PreferenceRolledBack: (_PREFERENCE,),
    events.PreferenceChangeFailed: (
        Spec(
            type=T.SYSTEM_ALERT,
            title="A change of your preferences was not applied: {category}",
            body="Nothing was changed. {reason}{who}",
            priority=P.HIGH,
            subject="preferences",
            link=_PREFERENCES,
        ),
    ),
    events.PerformanceAlertReached: (
        Spec(
            type=T.LARGE_LOSS,
            title="{account} has lost {result} in this session",
            body="That is {share} of its equity at the start; you are told from {threshold} on.",
            priority=P.HIGH,
            subject="{account}",
            incident="session-loss:{account}",
            link=_POSITIONS,
            when=lambda data: data.get("kind") == "loss",
        ),
        Spec(
            type=T.RISK_WARNING,
            title="{account} has fallen {share} from its peak",
            body="You are told from {threshold} on.",
            priority=P.MEDIUM,
            subject="{account}",
            incident="drawdown:{account}",
            link=_RISK,
            when=lambda data: data.get("kind") == "drawdown",
        ),
        Spec(
            type=T.POSITION_UPDATE,
            title="{account} has gained {result} in this session",
            body="That is {share} of its equity at the start; you are told from {threshold} on.",
            subject="{account}",
            link=_POSITIONS,
            when=lambda data: data.get("kind") == "profit",
        ),
    ),
    events.AccessTokenChanged: (
        Spec(
            type=T.SECURITY_ALERT,
            title="Access token “{token}” was {change}",
            body="It may: {scopes}. If this was not you, revoke it and change your password.",
            priority=P.HIGH,
            subject="access tokens",
            link="/keys/",
        ),
    ),
    events.LoginFailed: (
        Spec(
            type=T.SECURITY_ALERT,
            title="Somebody failed to sign in as {username}",
            body="From the address {ip}. If this was not you, look whether your password is strong.",
            priority=P.MEDIUM,
            subject="sign-in",
            incident="sign-in:{ip}",
            link="/password/",
        ),
    ),
    events.BacktestSettled: (
        Spec(
            type=T.STRATEGY_STATUS,
            title="A backtest has {status}",
            body="{reason}",
            subject="backtests",
            link="/backtests/{backtest_id}/",
            when=lambda data: data.get("status") in ("completed", "failed"),
        ),
    ),
}
"""Fact → what it may be told as, the first wanted one is sent."""

BY_NAME: dict[str, tuple[Spec, ...]] = {cls.name: specs for cls, specs in SPECS.items()}
TO_EVERYBODY = frozenset({"kill_switch.engaged", "kill_switch.rearmed", "feed.stale", "feed.recovered"})
"""Facts that concern every user when they name none."""


def messages_for(name: str, data: Mapping[str, Any]) -> tuple[Message, ...]:
    """Return what a fact may be told as, in order of preference; nothing when it is not worth telling."""
    return tuple(message_of(spec, data) for spec in BY_NAME.get(name, ()) if spec.when(data))
