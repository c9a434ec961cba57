"""What a run is told besides its strategy: as values for the engine, and as plain JSON for the job's row. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import time
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from backtesting.spec import RUN_STRATEGY, Dividend, RunSpec, Sizing
from domain.bars import Timeframe
from domain.costs import FeeModel, FinancingModel, SlippageModel
from domain.instruments import InstrumentSpec
from domain.sizing import SizingMethod
from portfolio.costs import fee_model, financing_model, slippage_model
from preferences.categories import TradingPreferences
from preferences.definitions import Category
from preferences.registry import DEFINITIONS
from risk.decisions import Action, RuleSpec, Scope, Source
from strategies.base import Params, Strategy

NO_INSTRUMENT = UUID(int=0)  # one that the run does not trade


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Everything that a run is told but its strategy, its parameters and its bars."""

    instruments: tuple[InstrumentSpec, ...]
    timeframe: Timeframe
    sizing: Sizing
    starting_cash: Decimal
    currency: str = "USD"
    fees: FeeModel
    slippage: SlippageModel
    financing: FinancingModel = field(default_factory=FinancingModel)
    dividends: tuple[Dividend, ...] = ()
    trading: TradingPreferences
    rules: tuple[RuleSpec, ...] = ()
    allow_short: bool = False
    session_zone: str = "UTC"
    session_start: time = time(0, 0)

    def spec(self, strategy: Strategy, params: Params, *, first_decision: Mapping[str, int] | None = None) -> RunSpec:
        """Return the run of a strategy with these settings."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        return RunSpec(strategy=strategy, params=params, first_decision=first_decision, **told)

    def with_costs(self, fees: FeeModel, slippage: SlippageModel) -> "RunSettings":
        """Return the same settings at other costs."""
        return replace(self, fees=fees, slippage=slippage)


def canonical(settings: RunSettings) -> RunSettings:
    """Return the same settings without what differs between databases: ids, and the order of names in objects."""
    ids = {each.id: uuid5(NAMESPACE_OID, each.symbol) for each in settings.instruments}
    return replace(
        settings,
        instruments=tuple(replace(each, id=ids[each.id]) for each in settings.instruments),
        rules=tuple(_canonical_rule(rule, ids) for rule in settings.rules),
    )


def _canonical_rule(rule: RuleSpec, ids: Mapping[UUID, UUID]) -> RuleSpec:
    parameters = json.loads(json.dumps(dict(rule.parameters), sort_keys=True, default=str))
    instrument_id = None if rule.instrument_id is None else ids.get(rule.instrument_id, NO_INSTRUMENT)
    return replace(rule, parameters=parameters, instrument_id=instrument_id)


def without_gates() -> TradingPreferences:
    """Return trading preferences that hold nothing back: what a run without rules is told."""
    return TradingPreferences(
        min_confidence_threshold=Decimal(0),
        max_daily_trades=10_000,
        max_concurrent_positions=10_000,
        preferred_order_types=("market",),
        allow_after_hours=True,
        allow_pre_market=True,
    )


def stored_trading(trading: TradingPreferences) -> dict[str, Any]:
    """Return trading preferences as plain JSON."""
    known = DEFINITIONS[Category.TRADING]
    return {name: definition.stored(getattr(trading, name)) for name, definition in known.items()}


def stored_rule(rule: RuleSpec) -> dict[str, Any]:
    """Return a rule as plain JSON."""
    return {
        "key": rule.key,
        "name": rule.name,
        "type": rule.type,
        "limit": str(rule.limit),
        "scope": rule.scope.value,
        "strategy_id": str(rule.strategy_id) if rule.strategy_id else None,
        "instrument_id": str(rule.instrument_id) if rule.instrument_id else None,
        "sector": rule.sector,
        "parameters": dict(rule.parameters),
        "warning_at": str(rule.warning_at),
        "action": rule.action.value,
        "source": rule.source.value,
    }


def restored(stored: Mapping[str, Any], instruments: Sequence[InstrumentSpec], timeframe: str) -> RunSettings:
    """Return the settings of a job from its row; raises ValueError or KeyError for what is no such row."""
    return RunSettings(
        instruments=tuple(instruments),
        timeframe=Timeframe(timeframe),
        sizing=Sizing(SizingMethod(stored["sizing"]["method"]), Decimal(stored["sizing"]["value"])),
        starting_cash=Decimal(stored["starting_cash"]),
        currency=stored["currency"],
        fees=fee_model(stored["fees"], stored["currency"]),
        slippage=slippage_model(stored["slippage"]),
        financing=financing_model(stored.get("financing", {})),
        dividends=tuple(Dividend(each[0], each[1], Decimal(each[2])) for each in stored.get("dividends", ())),
        trading=_trading(stored["trading"]),
        rules=tuple(_rule(each, stored["currency"], place) for place, each in enumerate(stored["rules"], 1)),
        allow_short=bool(stored["allow_short"]),
        session_zone=stored["session_zone"],
        session_start=time.fromisoformat(stored["session_start"]),
    )


def _trading(stored: Mapping[str, Any]) -> TradingPreferences:
    known = DEFINITIONS[Category.TRADING]
    values: dict[str, Any] = {name: known[name].clean(value) for name, value in stored.items() if name in known}
    return TradingPreferences(**values)


def _rule(stored: Mapping[str, Any], currency: str, place: int) -> RuleSpec:
    """A rule of one strategy is, in a run of that strategy, a rule of the run's own.

    It is named by its place: what several rules say of an order is told in the order of their keys, and the key of a
    stored rule is another in every database.
    """
    return RuleSpec(
        key=stored["key"] if stored["source"] == Source.PREFERENCES else f"rule:{place:03d}",
        name=stored["name"],
        type=stored["type"],
        limit=Decimal(stored["limit"]),
        scope=Scope(stored["scope"]),
        strategy_id=RUN_STRATEGY if stored["strategy_id"] else None,
        instrument_id=UUID(stored["instrument_id"]) if stored["instrument_id"] else None,
        sector=stored["sector"],
        parameters=stored["parameters"],
        warning_at=Decimal(stored["warning_at"]),
        action=Action(stored["action"]),
        source=Source(stored["source"]),
        currency=currency,
    )
