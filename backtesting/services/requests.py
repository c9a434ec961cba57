"""What a user asks of a backtest, checked against types, instruments, bars and bounds before anything is queued."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

import numpy as np

from backtesting.run_settings import stored_rule, stored_trading, without_gates
from core.fields import plain
from domain.bars import BarArrays, Timeframe
from domain.errors import Conflict, FieldError, NotFound, PlatformError, StrategyError, ValidationFailed
from domain.sizing import SizingMethod
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio.costs import fee_faults, financing_faults, run_slippage_faults, stored_costs
from preferences import selectors as preferences
from risk import selectors as risk
from risk.decisions import RuleSpec
from risk.from_preferences import rules_from
from risk.services.rules import build_rule
from strategies import selectors as strategies
from strategies.base import Params
from strategies.evaluate import warmup_of
from strategies.models import Strategy
from strategies.parameters import read_parameters
from strategies.services import MAX_SIZING

T = TypeVar("T")
MAX_SYMBOLS = 500
MAX_BARS = 20_000_000  # of all instruments together
MAX_CASH = Decimal(10) ** 12
MAX_SEED = 2**31 - 1
LEAST_BARS = 2  # to decide on, after the warm-up
MINE, NONE = "mine", "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """One run as a user asks for it. ``risk_rules``: "mine", "none", or rules as the risk API takes them."""

    type: str
    symbols: Sequence[str]
    timeframe: Timeframe
    parameters: Mapping[str, Any] = field(default_factory=dict)
    start: datetime | None = None
    end: datetime | None = None
    starting_cash: Decimal = Decimal(100_000)
    fees: Mapping[str, Any] = field(default_factory=dict)
    slippage: Mapping[str, Any] = field(default_factory=dict)
    financing: Mapping[str, Any] = field(default_factory=dict)
    dividends: bool = False
    sizing_method: SizingMethod | None = None
    sizing_value: Decimal | None = None
    allow_short: bool = False
    risk_rules: str | Sequence[Mapping[str, Any]] = MINE
    benchmark: str = ""
    strategy_id: UUID | None = None
    name: str = ""
    seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A request that can be run: what it means, and which bars it covers (by symbol, warm-up not included)."""

    request: RunRequest
    params: Params
    kind: Any
    instruments: tuple[Instrument, ...]
    strategy: Strategy | None
    settings: dict[str, Any]
    bars: Mapping[str, BarArrays]
    warmup: int

    @property
    def n_bars(self) -> int:
        """Bars of all instruments together."""
        return sum(len(series) for series in self.bars.values())

    @property
    def timeline(self) -> np.ndarray:
        """Every moment at which some bar opens, ascending."""
        return np.unique(np.concatenate([series.t for series in self.bars.values()]))


def checked(user: Any, request: RunRequest) -> Checked:
    """Return a request with all that it means; raises ValidationFailed with every fault."""
    found: list[FieldError] = []
    code = _collect(found, lambda: _code(request))
    instruments = _collect(found, lambda: _instruments(request.symbols)) or ()
    strategy = _collect(found, lambda: _strategy(user, request.strategy_id))
    rules = _collect(found, lambda: _rules(user, request, strategy)) or ()
    benchmark = _collect(found, lambda: _benchmark(request.benchmark))
    sizing = _collect(found, lambda: _sizing(user, request))
    currency = _collect(found, lambda: _currency(instruments)) or "USD"
    found += [*fee_faults(request.fees), *run_slippage_faults(request.slippage)]
    found += financing_faults(request.financing)
    _collect(found, lambda: _plain_bounds(request))
    kind, params, warmup = code or (None, None, 0)
    bars = _collect(found, lambda: _bars(request, instruments, warmup)) or {}
    if found or params is None or sizing is None:
        raise ValidationFailed.of(tuple(found))
    trading = without_gates() if request.risk_rules == NONE else preferences.current(user.pk).trading
    account = strategy.account if strategy is not None else None
    settings = {
        "sizing": {"method": sizing[0].value, "value": plain(sizing[1])},
        "starting_cash": plain(request.starting_cash),
        "currency": currency,
        "fees": stored_costs(request.fees),
        "slippage": stored_costs(request.slippage),
        "financing": stored_costs(request.financing),
        "dividends": _dividends(instruments) if request.dividends else [],
        "trading": stored_trading(trading),
        "rules": [stored_rule(rule) for rule in rules],
        "allow_short": request.allow_short,
        "benchmark": benchmark.symbol if benchmark is not None else "",
        "session_zone": account.session_timezone if account is not None else "UTC",
        "session_start": (account.session_start_time if account is not None else _MIDNIGHT).isoformat(),
        "seed": request.seed,
        "warmup": warmup,
    }
    return Checked(
        request=request,
        params=params,
        kind=kind,
        instruments=tuple(instruments),
        strategy=strategy,
        settings=settings,
        bars=bars,
        warmup=warmup,
    )


_MIDNIGHT = datetime.min.time()


def _dividends(instruments: Sequence[Instrument]) -> list[tuple[str, int, str]]:
    return [(row.symbol, t, plain(amount)) for row in instruments for t, amount in market.dividends_of(row)]


def as_json(request: RunRequest, params: Params) -> dict[str, Any]:
    """Return a request as it is stored and answered, every default written out."""
    rules = request.risk_rules if isinstance(request.risk_rules, str) else [_plain_rule(r) for r in request.risk_rules]
    has_sizing = request.sizing_method is not None and request.sizing_value is not None
    return {
        "type": request.type,
        "parameters": params.model_dump(mode="json"),
        "symbols": [symbol.upper() for symbol in request.symbols],
        "timeframe": request.timeframe.value,
        "start": request.start.isoformat() if request.start else None,
        "end": request.end.isoformat() if request.end else None,
        "starting_cash": plain(request.starting_cash),
        "fees": stored_costs(request.fees),
        "slippage": stored_costs(request.slippage),
        "financing": stored_costs(request.financing),
        "dividends": request.dividends,
        "sizing": {"method": request.sizing_method, "value": plain(request.sizing_value or Decimal(0))}
        if has_sizing
        else None,
        "allow_short": request.allow_short,
        "risk_rules": rules,
        "benchmark": request.benchmark or None,
        "strategy": str(request.strategy_id) if request.strategy_id else None,
        "name": request.name,
        "seed": request.seed,
    }


def _plain_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: getattr(value, "symbol", value if isinstance(value, dict | bool | int) else str(value))
        for name, value in rule.items()
        if value is not None
    }


def _collect(found: list[FieldError], check: Callable[[], T]) -> T | None:
    """Run a check; keep its faults instead of stopping at the first."""
    try:
        return check()
    except PlatformError as error:
        found.extend(error.errors or (FieldError("", error.code, error.message),))
        return None


def _code(request: RunRequest) -> tuple[Any, Params, int]:
    try:
        kind = strategies.strategy_type(request.type)
    except (NotFound, StrategyError) as error:
        raise ValidationFailed(error.message, field="type", code=error.code) from error
    params = read_parameters(kind.strategy.Params, request.parameters)
    return kind, params, warmup_of(kind.strategy, params)


def _instruments(symbols: Sequence[str]) -> tuple[Instrument, ...]:
    wanted = list(dict.fromkeys(symbol.strip().upper() for symbol in symbols))
    if not 1 <= len(wanted) <= MAX_SYMBOLS:
        message = f"{len(wanted)} symbols; a backtest takes 1 to {MAX_SYMBOLS}."
        raise ValidationFailed(message, field="symbols", code="count")
    rows = {row.symbol: row for row in Instrument.objects.filter(symbol__in=wanted)}
    unknown = [symbol for symbol in wanted if symbol not in rows]
    if unknown:
        message = f"There is no instrument {unknown[0][:32]!r}."
        raise ValidationFailed(message, field="symbols", code="unknown_symbol")
    return tuple(rows[symbol] for symbol in sorted(wanted))


def _strategy(user: Any, strategy_id: UUID | None) -> Strategy | None:
    if strategy_id is None:
        return None
    try:
        return strategies.strategy_for(user, strategy_id)
    except NotFound as error:
        raise ValidationFailed("There is no such strategy.", field="strategy", code="unknown_strategy") from error


def _rules(user: Any, request: RunRequest, strategy: Strategy | None) -> tuple[RuleSpec, ...]:
    if request.risk_rules == NONE:
        return ()
    if request.risk_rules == MINE:
        return own_rules(user, strategy)
    if isinstance(request.risk_rules, str):
        message = f'{request.risk_rules[:40]!r} is not "mine", "none" or a list of rules.'
        raise ValidationFailed(message, field="risk_rules", code="invalid_choice")
    given = [(index, values) for index, values in enumerate(request.risk_rules) if values.get("enabled", True)]
    return tuple(_given_rule(user, index, values) for index, values in given)


def own_rules(user: Any, strategy: Strategy | None) -> tuple[RuleSpec, ...]:
    """The preferences' rules and the user's own that would concern this strategy live."""
    rows = sorted(risk.rules_of(user).filter(enabled=True), key=lambda row: row.name)  # alike in every database
    mine = [
        risk.spec_of(row)
        for row in rows
        if (row.account_id is None or (strategy is not None and row.account_id == strategy.account_id))
        and (row.strategy_id is None or (strategy is not None and row.strategy_id == strategy.pk))
    ]
    return (*rules_from(preferences.current(user.pk)), *mine)


def _given_rule(user: Any, index: int, values: Mapping[str, Any]) -> RuleSpec:
    """A rule of the request's own; its name may be that of a stored one."""
    name = str(values.get("name") or f"rule {index + 1}")
    try:
        spec = risk.spec_of(build_rule(user, {**values, "name": f"backtest rule {index + 1} of a request"}))
    except (ValidationFailed, Conflict, NotFound) as error:
        named = tuple(FieldError(f"risk_rules.{index}.{e.field}", e.code, e.message) for e in error.errors)
        raise ValidationFailed.of(named or (FieldError(f"risk_rules.{index}", error.code, error.message),)) from error
    return replace(spec, key=f"request:{index + 1:03d}", name=name)


def _benchmark(symbol: str) -> Instrument | None:
    if not symbol:
        return None
    try:
        return market.instrument(symbol)
    except NotFound as error:
        raise ValidationFailed(error.message, field="benchmark", code=error.code) from error


def _sizing(user: Any, request: RunRequest) -> tuple[SizingMethod, Decimal]:
    method, value = request.sizing_method, request.sizing_value
    if method is None and value is None:
        trading = preferences.current(user.pk).trading
        return SizingMethod(trading.default_sizing_method), trading.default_position_size_percent
    if method is None or value is None:
        raise ValidationFailed("A sizing has a method and a value.", field="sizing", code="required")
    if not 0 < value <= MAX_SIZING[method]:
        message = f"{plain(value)} lies outside what {method} takes: above 0, at most {plain(MAX_SIZING[method])}."
        raise ValidationFailed(message, field="sizing.value", code="out_of_bounds")
    return method, value


def _currency(instruments: Sequence[Instrument]) -> str:
    currencies = sorted({row.currency for row in instruments})
    if len(currencies) > 1:
        message = f"The instruments are priced in {', '.join(currencies)}; a run has one currency."
        raise ValidationFailed(message, field="symbols", code="currencies_differ")
    return currencies[0] if currencies else "USD"


def _plain_bounds(request: RunRequest) -> None:
    found: list[FieldError] = []
    if not (request.starting_cash.is_finite() and 0 < request.starting_cash <= MAX_CASH):
        text = f"The starting cash must be above 0 and at most {MAX_CASH:,}; {request.starting_cash} is not."
        found.append(FieldError("starting_cash", "out_of_range", text))
    if not 0 <= request.seed <= MAX_SEED:
        found.append(FieldError("seed", "out_of_range", f"The seed must lie between 0 and {MAX_SEED}."))
    if request.start is not None and request.end is not None and request.start >= request.end:
        text = f"The range would end ({_moment(request.end)}) before it begins ({_moment(request.start)})."
        found.append(FieldError("end", "bound", text))
    if found:
        raise ValidationFailed.of(tuple(found))


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _bars(request: RunRequest, instruments: Sequence[Instrument], warmup: int) -> dict[str, BarArrays]:
    """Return the bars in the range; every instrument needs enough of them to decide on."""
    if request.start is not None and request.end is not None and request.start >= request.end:
        return {}
    bars = {
        row.symbol: market.bar_series(row, request.timeframe, start=request.start, end=request.end)
        for row in instruments
    }
    found = [_too_few(request, row, bars[row.symbol], warmup) for row in instruments]
    if faults := [fault for fault in found if fault is not None]:
        raise ValidationFailed.of(tuple(faults[:10]))
    total = sum(len(series) for series in bars.values())
    if total > MAX_BARS:
        message = f"{total:,} bars are more than the {MAX_BARS:,} of one run; choose a shorter range or a longer bar."
        raise ValidationFailed(message, field="start", code="too_many_bars")
    return bars


def _too_few(request: RunRequest, row: Instrument, series: BarArrays, warmup: int) -> FieldError | None:
    """Name what is stored where a range has too few bars."""
    before = len(market.bar_series(row, request.timeframe, end=request.start, limit=warmup)) if request.start else 0
    missing = max(0, warmup - before) + LEAST_BARS - len(series)
    if missing <= 0:
        return None
    stored = market.bar_series(row, request.timeframe)
    if not len(stored):
        text = f"{row.symbol} has no {request.timeframe.value} bars."
        return FieldError("symbols", "no_bars", text)
    first, last = (datetime.fromtimestamp(int(stored.t[i]), tz=UTC).date() for i in (0, -1))
    span = f"{len(stored):,} {request.timeframe.value} bars of {row.symbol} are stored, from {first} to {last}"
    if not len(series):
        return FieldError("start", "no_bars", f"The range holds no bars: {span}.")
    text = (
        f"The range holds {len(series)} bars; a warm-up of {warmup} and {LEAST_BARS} to decide on are needed. {span}."
    )
    return FieldError("start", "not_enough_bars", text)
