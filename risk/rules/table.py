"""The table of rule types (pure): what each measures, in which unit, when it is asked and what it may do."""

import inspect
from collections.abc import Callable
from typing import Any

from risk.decisions import Action, Scope
from risk.rules import exposure, losses, market, order_sanity, position
from risk.rules.types import Bound, Phase, RuleType, Unit

_ACCOUNT = frozenset({Scope.ACCOUNT})
_RESIZES = frozenset(Action)


def _rule(
    function: Callable[..., Any], phase: str, unit: Unit, bound: Bound, phrase: str, help: str, **more: Any
) -> RuleType:
    phases = frozenset(Phase(word) for word in phase.split())
    inputs = tuple(inspect.signature(function).parameters)
    return RuleType(
        name=function.__name__,
        function=function,
        phases=phases,
        unit=unit,
        bound=bound,
        phrase=phrase,
        help=help,
        inputs=inputs,
        **more,
    )


_TIME = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
_ZONE = {"type": "string", "minLength": 1, "maxLength": 64}
_P, _M, _B = "pre_trade", "portfolio", "pre_trade portfolio"
_EXPOSURE: dict[str, Any] = {"actions": _RESIZES, "is_additive": True}

_TYPES = (
    _rule(
        exposure.max_position_size,
        _P,
        Unit.PERCENT,
        Bound.AT_MOST,
        "the position in {symbol} would be",
        "Value of the position after the order / equity. Working orders count as if they were filled.",
        **_EXPOSURE,
    ),
    _rule(
        losses.max_daily_loss,
        _B,
        Unit.PERCENT,
        Bound.BELOW,
        "the loss since the session began is",
        "Realised and unrealised loss since the loss session began / equity then.",
        scopes=_ACCOUNT,
    ),
    _rule(
        losses.max_drawdown,
        _B,
        Unit.PERCENT,
        Bound.BELOW,
        "the fall of equity from its peak is",
        "Fall of equity from its peak / the peak.",
        scopes=_ACCOUNT,
    ),
    _rule(
        exposure.max_leverage,
        _P,
        Unit.RATIO,
        Bound.AT_MOST,
        "leverage would be",
        "Gross exposure after the order / equity, working orders included.",
        **_EXPOSURE,
    ),
    _rule(
        exposure.max_exposure,
        _P,
        Unit.PERCENT,
        Bound.AT_MOST,
        "exposure would be",
        "Gross exposure (or net, by the parameter) after the order / equity, working orders included.",
        default_parameters={"measure": "gross"},
        parameters_schema={"measure": {"enum": ["gross", "net"]}},
        **_EXPOSURE,
    ),
    _rule(
        exposure.sector_limit,
        _P,
        Unit.PERCENT,
        Bound.AT_MOST,
        "exposure to the sector {sector} would be",
        "Exposure of the order's sector after it / equity, working orders included.",
        **_EXPOSURE,
    ),
    _rule(
        exposure.position_limit,
        _P,
        Unit.COUNT,
        Bound.AT_MOST,
        "the number of open positions would be",
        "Instruments held or being entered, after the order.",
        is_additive=True,
    ),
    _rule(
        order_sanity.max_order_value,
        _P,
        Unit.CURRENCY,
        Bound.AT_MOST,
        "the order's value is",
        "Quantity × the worst price of one order.",
        actions=_RESIZES,
    ),
    _rule(
        order_sanity.max_order_quantity,
        _P,
        Unit.UNITS,
        Bound.AT_MOST,
        "the order's quantity is",
        "Quantity of one order.",
        actions=_RESIZES,
    ),
    _rule(
        order_sanity.price_collar,
        _P,
        Unit.PERCENT,
        Bound.AT_MOST,
        "the order's price differs from the last price by",
        "Distance of the order's price from the newest price of the instrument.",
    ),
    _rule(
        market.stale_data,
        _P,
        Unit.SECONDS,
        Bound.AT_MOST,
        "the newest price of {symbol} is old by",
        "Age of the instrument's newest price in market time.",
    ),
    _rule(
        market.unreconciled,
        _P,
        Unit.COUNT,
        Bound.AT_MOST,
        "orders or books of {symbol} that nobody has cleared up:",
        "Unresolved orders of the instrument, and one more while the books differ from the venue's.",
    ),
    _rule(
        order_sanity.duplicate_order,
        _P,
        Unit.SECONDS,
        Bound.AT_LEAST,
        "an identical order was placed before,",
        "Least time between two orders of the same strategy, instrument, side and quantity.",
    ),
    _rule(
        order_sanity.order_rate,
        _P,
        Unit.COUNT,
        Bound.AT_MOST,
        "orders in the window, this one included:",
        "Orders in the last second or minute.",
        scopes=_ACCOUNT,
        default_parameters={"window": "minute"},
        parameters_schema={"window": {"enum": ["second", "minute"]}},
    ),
    _rule(
        order_sanity.repeated_execution,
        _P,
        Unit.COUNT,
        Bound.AT_MOST,
        "identical entries in a row:",
        "Identical entries in a row; then a person has to look.",
    ),
    _rule(
        order_sanity.max_open_orders,
        _P,
        Unit.COUNT,
        Bound.AT_MOST,
        "working orders with this one:",
        "Working orders that may add risk.",
    ),
    _rule(
        order_sanity.max_session_trades,
        _P,
        Unit.COUNT,
        Bound.AT_MOST,
        "entries of this session with this one:",
        "Entries since the loss session began.",
        scopes=_ACCOUNT,
    ),
    _rule(
        order_sanity.max_turnover,
        _P,
        Unit.PERCENT,
        Bound.AT_MOST,
        "the session's traded value would be",
        "Value traded since the loss session began / equity.",
        scopes=_ACCOUNT,
        actions=_RESIZES,
    ),
    _rule(
        order_sanity.restricted_list,
        _P,
        Unit.FLAG,
        Bound.AT_MOST,
        "{symbol} is on the restricted list:",
        "Instruments that may not be entered.",
        parameters_schema={"symbols": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 1000}},
    ),
    _rule(
        order_sanity.trading_hours,
        _P,
        Unit.FLAG,
        Bound.AT_MOST,
        "outside the allowed hours:",
        "Times of day at which entries are allowed (from start until before end, over midnight where end is earlier).",
        default_parameters={"timezone": "UTC"},
        parameters_schema={"start": _TIME, "end": _TIME, "timezone": _ZONE},
    ),
    _rule(
        order_sanity.self_cross,
        _P,
        Unit.PRICE,
        Bound.BELOW,
        "an own resting order would trade with this one by",
        "An own resting order of the other side that would trade with this one; the limit is 0.",
    ),
    _rule(
        market.liquidity,
        _P,
        Unit.MEASURE,
        Bound.AT_MOST,
        "the order's share of volume, or the spread, is",
        "Order / average volume of a session in per cent, or the spread in basis points.",
        actions=_RESIZES,
        default_parameters={"measure": "volume_percent"},
        parameters_schema={"measure": {"enum": ["volume_percent", "spread_bps"]}},
    ),
    _rule(
        market.max_correlation,
        _P,
        Unit.CORRELATION,
        Bound.AT_MOST,
        "the correlation of {symbol} with what is held is",
        "Correlation of 60 daily returns with the positions held, weighted by their values.",
    ),
    _rule(
        market.value_at_risk,
        _B,
        Unit.PERCENT,
        Bound.AT_MOST,
        "the one-day value at risk would be",
        "One-day historical 99 % value at risk after the order / equity.",
        scopes=_ACCOUNT,
    ),
    _rule(
        losses.loss_streak,
        _M,
        Unit.COUNT,
        Bound.BELOW,
        "trades lost in a row:",
        "Losing trades in a row.",
    ),
    _rule(
        losses.reject_streak,
        _M,
        Unit.COUNT,
        Bound.BELOW,
        "orders rejected in a row:",
        "Orders that the venue rejected in a row.",
    ),
    _rule(
        losses.slippage_budget,
        _M,
        Unit.PERCENT,
        Bound.BELOW,
        "slippage in this session was",
        "Cost of slippage since the loss session began / equity.",
    ),
    _rule(
        position.stop_loss,
        "position",
        Unit.PERCENT,
        Bound.BELOW,
        "the position in {symbol} has lost",
        "Loss of a position from its entry at which it is closed: a stop order is placed with the entry.",
    ),
    _rule(
        position.take_profit,
        "position",
        Unit.PERCENT,
        Bound.BELOW,
        "the position in {symbol} has gained",
        "Gain of a position from its entry at which it is closed: a limit order is placed with the entry.",
    ),
    _rule(
        position.max_holding_time,
        "position",
        Unit.SECONDS,
        Bound.BELOW,
        "the position in {symbol} has been open for",
        "Age of a position, in market time, at which it is closed.",
    ),
    _rule(
        position.flat_by,
        "pre_trade position",
        Unit.SECONDS,
        Bound.BELOW,
        "since the time by which {symbol} is to be closed there passed",
        "Seconds after a time of day at which positions are closed (0: at that time); no entries until ``until``.",
        default_parameters={"timezone": "UTC", "until": "00:00"},
        parameters_schema={"time": _TIME, "until": _TIME, "timezone": _ZONE},
    ),
    _rule(
        position.unprotected_position,
        "position",
        Unit.CURRENCY_SECONDS,
        Bound.BELOW,
        "value × seconds that nothing protected {symbol}:",
        "Value × seconds of a position without a working stop, a stop-loss rule with a live price, or a waiver.",
    ),
)

RULE_TYPES: dict[str, RuleType] = {rule_type.name: rule_type for rule_type in _TYPES}
"""Every rule type by name. One with ``obeyed=False`` can not be set yet."""


def offered() -> dict[str, RuleType]:
    """Return the rule types that users can set."""
    return {name: rule_type for name, rule_type in RULE_TYPES.items() if rule_type.obeyed}
