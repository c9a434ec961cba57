"""From a run's settings and panel to the kernel's arrays; and what the kernel does not know. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from backtesting.kernel import crosses
from backtesting.kernel.gate import ACTIONS, LOOKS, NET, RESTRICTS, SCOPES, SECOND, TYPES
from backtesting.kernel.layout import (
    DENIAL,
    ENTER_LONG,
    ENTER_SHORT,
    EVENT,
    EXIT_LONG,
    EXIT_SHORT,
    FILL,
    INSTRUMENT,
    MORE,
    ORDER,
    PART,
    RULE,
    SIGNAL,
    STATE,
    TERMS,
    TRADE,
    Market,
    Records,
    Rules,
    Said,
    State,
    Written,
)
from backtesting.panel import Panel, zone_offsets
from backtesting.spec import RUN_STRATEGY, Capital, RunSpec, SizedAt
from backtesting.watch import WATCHED
from domain.bars import Ints
from domain.instruments import InstrumentSpec
from domain.orders import OrderType
from domain.sizing import SizingMethod
from marketdata.calendars import sessions
from risk import entry
from risk.decisions import Action, RuleSpec
from risk.gate import concerns_line, strictest
from risk.rules.table import RULE_TYPES
from risk.rules.types import Phase
from strategies.base import AverageCross
from strategies.evaluate import Answer, answer, warmup_of

METHODS = tuple(SizingMethod)
_SIZED_AT_FILL = (
    SizingMethod.FIXED_QUANTITY,
    SizingMethod.FIXED_VALUE,
    SizingMethod.PERCENT_EQUITY,
    SizingMethod.EQUAL_WEIGHT,
)
_LONG_AGO, _ENDLESS = -(2**62), 2**62
_EXACT_DIGITS = 9  # fees to so many digits are as good as not rounded


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """All that the kernel reads, and the answers that the events came from (None where they were compiled)."""

    market: Market
    said: Said
    instruments: Records
    terms: Records
    rules: Rules
    ordered: tuple[InstrumentSpec, ...]
    rule_specs: tuple[RuleSpec, ...]
    answers: tuple[Answer, ...] | None
    first_row: int


def unknown(spec: RunSpec, panel: Panel) -> str:
    """Return what of a run the kernel does not know ("": it knows all)."""
    checks = (
        (bool(spec.scripted), "orders placed by hand"),
        (not _knows_entries(spec), "entries of this type"),
        (bool(spec.slippage.volume_impact or spec.slippage.max_volume_percent), "fills against a bar's volume"),
        (bool(spec.fees.tiers), "fees by what was traded"),
        (not spec.financing.is_free, "interest and borrow cost"),
        (bool(spec.dividends), "dividends"),
        (_needs_extended_hours(spec), "trading outside of sessions"),
        (any(_unknown_rule(rule, panel) for rule in spec.rules), "a rule that needs past prices or the clock"),
    )
    return next((words for is_so, words in checks if is_so), "")


def _knows_entries(spec: RunSpec) -> bool:
    kind = entry.order_type_of(spec.trading)
    return kind is OrderType.MARKET or (kind is OrderType.LIMIT and spec.sizing.at is not SizedAt.FILL)


def check_research(spec: RunSpec) -> None:
    """Raise ValueError where options for research are combined with what they do not go with."""
    if spec.sizing.at is SizedAt.FILL and spec.sizing.method not in _SIZED_AT_FILL:
        raise ValueError(f"{spec.sizing.method} is worked out at the decision, it can not be sized at the fill")
    if spec.sizing.fee_for_each and spec.sizing.at is not SizedAt.FILL:
        raise ValueError("a fee set aside for each unit needs a sizing at the fill")
    if spec.capital is Capital.SPLIT and spec.sizing.at is not SizedAt.FILL:
        raise ValueError("split capital is spent at fills: it needs a sizing at the fill")
    if spec.turns_at_once and (spec.sizing.at is not SizedAt.FILL or _protects(spec)):
        raise ValueError("turning at once needs a sizing at the fill, and no stop or target")


def _protects(spec: RunSpec) -> bool:
    return any(rule.type in ("stop_loss", "take_profit") for rule in spec.rules)


def _unknown_rule(rule: RuleSpec, panel: Panel) -> bool:
    kind = RULE_TYPES.get(rule.type)
    if kind is None or rule.is_engaged:
        return True
    if rule.type in WATCHED:
        return True  # asked between orders
    if Phase.PRE_TRADE not in kind.phases:
        return False
    if rule.type == "max_correlation":
        return panel.n_instruments > 1
    return rule.type not in TYPES


def _needs_extended_hours(spec: RunSpec) -> bool:
    allows = spec.trading.allow_after_hours or spec.trading.allow_pre_market
    has_sessions = any(sessions(each.calendar) is not None for each in spec.instruments)
    return allows and spec.timeframe.is_intraday and has_sessions


def prepare(spec: RunSpec, panel: Panel) -> Prepared:
    """Return the kernel's arrays for a run. Raises StrategyError when the strategy's code fails."""
    first = first_decisions(spec, panel)
    said, answers = _said(spec, panel, first)
    return _prepared(spec, panel, said, answers, int(first.min()))


def prepare_stepped(spec: RunSpec, panel: Panel) -> Prepared:
    """Return the kernel's arrays for a run whose strategy is called at every bar."""
    nothing = Said(np.empty(0, dtype=EVENT), np.empty(0, dtype=MORE))
    return _prepared(spec, panel, nothing, None, int(first_decisions(spec, panel).min()))


def first_decisions(spec: RunSpec, panel: Panel) -> Ints:
    """Return the row of the first decision of each instrument."""
    warmup = warmup_of(spec.strategy, spec.params)
    named = spec.first_decision or {}
    return np.array([max(warmup, named.get(symbol, warmup)) for symbol in panel.symbols], dtype=np.int64)


def _prepared(spec: RunSpec, panel: Panel, said: Said, answers: tuple[Answer, ...] | None, first_row: int) -> Prepared:
    ordered = tuple(sorted(spec.instruments, key=lambda each: each.symbol))
    rules = tuple(rule for rule in spec.rules if Phase.PRE_TRADE in RULE_TYPES[rule.type].phases)
    return Prepared(
        market=_market(spec, panel, ordered[0].calendar),
        said=said,
        instruments=_instruments(spec, ordered),
        terms=_terms(spec, first_row),
        rules=_rules(rules, ordered),
        ordered=ordered,
        rule_specs=rules,
        answers=answers,
        first_row=first_row,
    )


# --- what is said ----------------------------------------------------------------------------------------------------


def _said(spec: RunSpec, panel: Panel, first: Ints) -> tuple[Said, tuple[Answer, ...] | None]:
    known = spec.strategy.compiled(spec.params)
    if known is not None and float(spec.trading.min_confidence_threshold) <= known.least_confidence:
        return Said(cross_events(known, panel, first), np.empty(0, dtype=MORE)), None
    answers = tuple(answer(spec.strategy, spec.params, panel.bars(symbol)) for symbol in panel.symbols)
    return answered(answers, first), answers


def cross_events(known: AverageCross, panel: Panel, first: Ints) -> Records:
    """Return where two averages cross."""
    room = max(1024, panel.c.size // 16)
    while True:
        events = np.empty(room, dtype=EVENT)
        if panel.n_instruments == 1:
            count = crosses.of_one(panel.c, known.fast, known.slow, int(first[0]), events)
        else:
            count = crosses.of_many(panel.c, known.fast, known.slow, first, events)
        if count <= room:
            return events[:count]
        room = count


def answered(answers: Sequence[Answer], first: Ints) -> Said:
    """Return what checked answers say, by row and then by instrument."""
    parts = [_told(said, j, int(first[j])) for j, said in enumerate(answers)]
    events, more = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    if len(answers) > 1:
        order = np.lexsort((events["col"], events["row"]))
        events, more = events[order], more[order]
    plain = {"confidence": 1.0, "stop": np.nan, "target": np.nan, "strength": 1.0}
    is_plain = all(
        np.array_equal(more[name], np.full(len(more), value), equal_nan=True) for name, value in plain.items()
    )
    return Said(events, more[:0] if is_plain else more)


def _told(said: Answer, j: int, first: int) -> tuple[Records, Records]:
    rows = np.flatnonzero(said.says_something)
    rows = rows[rows >= first]
    events, more = np.empty(len(rows), dtype=EVENT), np.empty(len(rows), dtype=MORE)
    events["row"], events["col"] = rows, j
    events["kind"] = said.enters_long[rows] * ENTER_LONG + said.enters_short[rows] * ENTER_SHORT
    events["kind"] += said.exits_long[rows] * EXIT_LONG + said.exits_short[rows] * EXIT_SHORT
    more["confidence"], more["strength"] = said.confidence[rows], said.strength[rows]
    more["stop"], more["target"] = said.stop[rows], said.take_profit[rows]
    return events, more


# --- market, instruments, terms, rules -------------------------------------------------------------------------------


def _market(spec: RunSpec, panel: Panel, calendar: str) -> Market:
    is_open = np.zeros(0, dtype=np.bool_)
    if spec.timeframe.is_intraday and sessions(calendar) is not None:
        is_open = panel.in_session
    zone = np.empty((2, 0), dtype=np.int64)
    if spec.session_zone != "UTC":
        zone = np.stack(zone_offsets(spec.session_zone))
    return Market(panel.o, panel.h, panel.l, panel.c, panel.closes, is_open, zone)


def _fraction(value: Decimal) -> tuple[float, float]:
    """Return a decimal as a fraction of whole numbers."""
    up, down = value.as_integer_ratio()
    return float(up), float(down)


def _instruments(spec: RunSpec, ordered: Sequence[InstrumentSpec]) -> Records:
    sectors = {name: k for k, name in enumerate(sorted({each.sector for each in ordered if each.sector}))}
    records = np.empty(len(ordered), dtype=INSTRUMENT)
    for record, each in zip(records, ordered, strict=True):
        record["tick_up"], record["tick_down"] = _fraction(each.tick_size)
        record["lot_up"], record["lot_down"] = _fraction(each.lot_size)
        record["sector"] = sectors.get(each.sector, -1)
        record["stop_percent"] = _percent(spec.rules, "stop_loss", each)
        record["target_percent"] = _percent(spec.rules, "take_profit", each)
    return records


def _percent(rules: Sequence[RuleSpec], kind: str, instrument: InstrumentSpec) -> float:
    if not rules:
        return np.nan
    limit = strictest([rule for rule in rules if _concerns(rule, instrument)], kind)
    return np.nan if limit is None else float(limit)


def _concerns(rule: RuleSpec, instrument: InstrumentSpec) -> bool:
    return concerns_line(rule, strategy_id=RUN_STRATEGY, instrument_id=instrument.id, sector=instrument.sector)


def _terms(spec: RunSpec, first_row: int) -> Records:
    fees, slippage, trading, start = spec.fees, spec.slippage, spec.trading, spec.session_start
    values = {
        "cash": spec.starting_cash,
        "size": spec.sizing.value,
        "fee_taker": fees.percent if fees.taker_percent is None else fees.taker_percent,
        "fee_maker": fees.percent if fees.maker_percent is None else fees.maker_percent,
        "fee_order": fees.per_order,
        "fee_share": fees.per_share,
        "fee_least": fees.minimum,
        "fee_unit": 10**fees.digits if fees.digits < _EXACT_DIGITS else 0,
        "slip_bps": slippage.bps,
        "slip_entry": slippage.bps + slippage.entry_bps,
        "slip_spread": slippage.spread,
        "confidence": trading.min_confidence_threshold,
        "method": METHODS.index(spec.sizing.method),
        "at_fill": spec.sizing.at is SizedAt.FILL,
        "fee_for_each": spec.sizing.fee_for_each,
        "is_split": spec.capital is Capital.SPLIT,
        "allows_shorts": spec.allow_short,
        "most_entries": trading.max_daily_trades if _counts_sessions(spec) else _ENDLESS,
        "most_positions": trading.max_concurrent_positions,
        "session_shift": start.hour * 3600 + start.minute * 60 + start.second,
        "first_row": first_row,
        "n_instruments": len(spec.instruments),
        "turns_at_once": spec.turns_at_once,
        "is_limit": entry.order_type_of(trading) is OrderType.LIMIT,
        "patience": trading.order_timeout_seconds,
        "counts_sessions": _counts_sessions(spec),
    }
    records = np.empty(1, dtype=TERMS)
    for name, value in values.items():
        records[name] = float(value)
    return records


def _counts_sessions(spec: RunSpec) -> bool:
    """Tell whether anything asks for a session's entries or turnover (more entries than bars never come)."""
    bars = max(1, 25 * 3600 // spec.timeframe.seconds) * len(spec.instruments)
    asks = any(rule.type in ("max_turnover", "max_session_trades") for rule in spec.rules)
    return asks or spec.trading.max_daily_trades < bars


def _rules(rules: Sequence[RuleSpec], ordered: Sequence[InstrumentSpec]) -> Rules:
    records = np.empty(len(rules), dtype=RULE)
    flags = np.zeros((len(rules), len(ordered)), dtype=np.uint8)
    for r, rule in enumerate(rules):
        records[r]["type"], records[r]["limit"] = TYPES.index(rule.type), float(rule.limit)
        records[r]["action"], records[r]["scope"] = ACTIONS.index(Action(rule.action)), SCOPES.index(rule.scope)
        records[r]["choice"] = _choice(rule)
        restricted = rule.parameters.get("symbols", ())
        for j, each in enumerate(ordered):
            flags[r, j] = LOOKS * _concerns(rule, each) + RESTRICTS * (each.symbol in restricted)
    return Rules(records, flags)


def _choice(rule: RuleSpec) -> int:
    if rule.type == "max_exposure":
        return NET if rule.parameters.get("measure", "gross") == "net" else 0
    return SECOND if rule.type == "order_rate" and rule.parameters.get("window", "minute") == "second" else 0


# --- what is written -------------------------------------------------------------------------------------------------


def new_state(spec: RunSpec, n_instruments: int, first_row: int) -> State:
    """Return the state before the first bar: all cash, nothing held."""
    cash = float(spec.starting_cash)
    state, parts = np.zeros(1, dtype=STATE), np.zeros(n_instruments, dtype=PART)
    for name in ("cash", "equity", "peak"):
        state[name] = cash
    state["session"] = state["start_session"] = _LONG_AGO
    state["peak_row"] = first_row
    parts["cash"] = cash / n_instruments
    for name in ("stop", "target", "stop_asked", "target_asked", "stop_percent", "target_percent"):
        parts[name] = np.nan
    for name in ("order", "stop_order", "target_order", "entry_fill"):
        parts[name] = -1
    return State(state, parts, np.zeros(n_instruments))


def new_tables(n_bars: int, room: int, n_rules: int) -> Written:
    """Return empty tables with room for so many orders."""
    kinds = (ORDER, FILL, SIGNAL, TRADE)
    denials = np.empty(room * 2 if n_rules else room, dtype=DENIAL)
    tables = (np.empty(room, dtype=kind) for kind in kinds)
    return Written._make((np.empty(n_bars), *tables, denials))


def grown(w: Written) -> Written:
    """Return the tables with twice the room."""
    return Written._make((w.equity, *(np.concatenate((table, np.empty_like(table))) for table in w[1:])))
