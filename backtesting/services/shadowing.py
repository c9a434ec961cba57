"""Running a strategy's shadow: small ones at once, large ones in a calculating process, within a time that is bound."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np

from analytics.twin.values import Side
from backtesting.run_settings import RunSettings
from backtesting.shadow import ShadowAssignment, compiled, shadow_side
from backtesting.spec import RUN_STRATEGY, Sizing
from backtesting.warming import calculated
from core.embedded import children
from domain.bars import BarArrays, Timeframe
from domain.errors import Conflict, ValidationFailed
from domain.sizing import SizingMethod
from marketdata import selectors as market
from marketdata.calendars import close_times
from marketdata.models import Instrument
from portfolio.costs import fee_model, slippage_model
from preferences.registry import Preferences
from risk.decisions import RuleSpec
from risk.from_preferences import rules_from
from risk.sizing_inputs import preferred_value
from strategies import selectors as strategies
from strategies.models import Strategy

HISTORY = 400  # bars before its start that rules on past prices may look at, beyond the warm-up
AT_ONCE = 3_000  # bars that the plain engine runs while a person waits (a second)
MAX_BARS = 2_000_000
MAX_SECONDS = 15.0  # a page gives up after 20
Calculate = Callable[..., Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRequest:
    """A strategy, the market time after which it decided and until which it went, and what held when it began."""

    strategy: Strategy
    start_at: datetime
    end_at: datetime
    equity: Decimal
    preferences: Preferences
    own_rules: tuple[RuleSpec, ...]


def shadow_of(request: ShadowRequest, calculate: Calculate = children.run) -> Side:
    """Return what the strategy would have done alone in its account, by the rules of its beginning.

    Raises StrategyError where its code fails, ValidationFailed for too many bars, Conflict (busy) where no calculating
    process had time for it.
    """
    assignment = assignment_of(request)
    if assignment.n_bars <= AT_ONCE:
        return shadow_side(assignment)
    if assignment.n_bars > MAX_BARS:
        message = f"{assignment.n_bars:,} bars since the start are more than the {MAX_BARS:,} that can be compared."
        raise ValidationFailed(message, field="strategy", code="too_many_bars")
    until = time.monotonic() + MAX_SECONDS
    try:
        side: Side = calculate(calculated, compiled, assignment, should_stop=lambda: time.monotonic() > until)
    except children.ChildStoppedError as error:
        message = f"The comparison was not ready within {MAX_SECONDS:.0f} seconds: backtests are running. Ask again."
        raise Conflict(message, code="busy") from error
    return side


def assignment_of(request: ShadowRequest) -> ShadowAssignment:
    """Return a shadow's settings and bars as plain values."""
    strategy = request.strategy
    code = strategies.runnable(strategy)
    rows = list(strategy.instruments.order_by("symbol"))
    return ShadowAssignment(
        folder=str(strategies.strategies_folder()),
        type=strategy.type,
        parameters=strategy.parameters,
        settings=_settings(request, rows),
        bars={row.symbol: _bars(row, request, code.warmup) for row in rows},
        start_at=request.start_at,
    )


def _settings(request: ShadowRequest, rows: list[Instrument]) -> RunSettings:
    strategy, account, trading = request.strategy, request.strategy.account, request.preferences.trading
    method, percent = trading.default_sizing_method, trading.default_position_size_percent
    value = preferred_value(method, percent, starting_cash=account.starting_cash)
    if strategy.sizing_method and strategy.sizing_value is not None:
        method, value = strategy.sizing_method, strategy.sizing_value
    own = tuple(replace(rule, strategy_id=RUN_STRATEGY) if rule.strategy_id else rule for rule in request.own_rules)
    return RunSettings(
        instruments=tuple(market.spec(row) for row in rows),
        timeframe=Timeframe(strategy.timeframe),
        sizing=Sizing(SizingMethod(method), value),
        starting_cash=request.equity,
        currency=account.currency,
        fees=fee_model(account.fees, account.currency),
        slippage=slippage_model(account.slippage),
        trading=trading,
        rules=(*rules_from(request.preferences), *own),
        allow_short=strategy.allow_short,
        session_zone=account.session_timezone,
        session_start=account.session_start_time,
    )


def _bars(row: Instrument, request: ShadowRequest, warmup: int) -> BarArrays:
    """Return the bars that closed by the end, with as many before the start as the code and the rules look at."""
    timeframe = Timeframe(request.strategy.timeframe)
    bars = market.bar_series(row, timeframe, as_of=request.end_at)
    closes = close_times(bars.t, timeframe, row.calendar)
    first = int(np.searchsorted(closes, request.start_at.timestamp(), side="right"))
    return bars.slice(max(0, first - warmup - HISTORY), len(bars))
