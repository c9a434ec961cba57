"""Writes of strategies: make, change, delete, and check for look-ahead. Starting and stopping is trading's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from core.bus import publish
from core.fields import plain
from domain.bars import Timeframe
from domain.errors import Conflict, FieldError, IllegalState, NotFound, StrategyError, ValidationFailed
from domain.events import StrategyConfigured
from domain.sizing import SizingMethod
from marketdata import selectors as market
from marketdata.models import Instrument
from strategies import causality, selectors
from strategies.evaluate import warmup_of
from strategies.models import Strategy, StrategyMode
from strategies.parameters import read_parameters

MAX_SYMBOLS = 50
# The largest value that each way of sizing takes; above it is a slip of the finger.
MAX_SIZING: dict[SizingMethod, Decimal] = {
    SizingMethod.FIXED_QUANTITY: Decimal(10) ** 12,
    SizingMethod.FIXED_VALUE: Decimal(10) ** 12,
    SizingMethod.PERCENT_EQUITY: Decimal(1000),
    SizingMethod.RISK_PER_TRADE: Decimal(100),
    SizingMethod.ATR_VOLATILITY: Decimal(100),
    SizingMethod.KELLY: Decimal(1),
    SizingMethod.EQUAL_WEIGHT: Decimal(1000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that a user chooses of a strategy; without a sizing it takes the user's preference."""

    name: str
    type: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    symbols: Sequence[str]
    timeframe: Timeframe
    account_id: UUID
    sizing_method: SizingMethod | None = None
    sizing_value: Decimal | None = None
    allow_short: bool = False
    mode: str = StrategyMode.PAPER


@dataclass(frozen=True, slots=True)
class _Checked:
    parameters: dict[str, Any]
    instruments: list[Instrument]
    account: Any


@transaction.atomic
def create_strategy(user: Any, settings: Settings, *, at: datetime) -> Strategy:
    """Store a new strategy as a draft. Raises ValidationFailed with every fault, Conflict for a taken name."""
    checked = validate(user, settings)
    row = Strategy(user=user, account=checked.account)
    _write(row, settings, checked)
    _publish(row, "created", at)
    return row


@transaction.atomic
def update_strategy(row: Strategy, changes: Mapping[str, Any], *, at: datetime) -> Strategy:
    """Change the named settings. Raises IllegalState while it is running or paused (its name alone may change then)."""
    row = Strategy.objects.select_for_update().get(pk=row.pk)
    if row.is_active and set(changes) - {"name"}:
        message = f"{row.name} is {row.state}; stop it before changing its settings."
        raise IllegalState(message, code="strategy_is_active")
    settings = Settings(**{**settings_of(row), **changes})
    _write(row, settings, validate(row.user, settings))
    _publish(row, "updated", at)
    return row


@transaction.atomic
def delete_strategy(row: Strategy, *, at: datetime) -> None:
    """Remove a strategy that never traded. Raises IllegalState while it is active; what has orders stays (409)."""
    row = Strategy.objects.select_for_update().get(pk=row.pk)
    if row.is_active:
        raise IllegalState(f"{row.name} is {row.state}; stop it before deleting it.", code="strategy_is_active")
    _publish(row, "deleted", at)
    row.delete()


def settings_of(row: Strategy) -> dict[str, Any]:
    """Return a strategy's settings by the names of `Settings`."""
    return {
        "name": row.name,
        "type": row.type,
        "parameters": row.parameters,
        "symbols": row.symbols,
        "timeframe": Timeframe(row.timeframe),
        "account_id": row.account_id,
        "sizing_method": SizingMethod(row.sizing_method) if row.sizing_method else None,
        "sizing_value": row.sizing_value,
        "allow_short": row.allow_short,
        "mode": row.mode,
    }


def validate(user: Any, settings: Settings) -> _Checked:
    """Check settings against type, account and instruments; raises ValidationFailed with every fault."""
    faults: list[FieldError] = []
    parameters = _collect(faults, lambda: _parameters(settings)) or {}
    instruments = _collect(faults, lambda: _instruments(settings.symbols)) or []
    account = _collect(faults, lambda: _account(user, settings))
    _collect(faults, lambda: _sizing(settings.sizing_method, settings.sizing_value))
    if not settings.name.strip():
        faults.append(FieldError("name", "blank", "A strategy needs a name."))
    if faults:
        raise ValidationFailed.of(tuple(faults))
    return _Checked(parameters, instruments, account)


def check_causality(row: Strategy) -> dict[str, Any]:
    """Check a strategy on the stored bars of each of its symbols and store the reports on it.

    Returns `{"is_causal", "fingerprint", "reports": {symbol: report}}`; a type that does not load is a report too.
    """
    try:
        code = selectors.runnable(row)
    except StrategyError as error:
        outcome: dict[str, Any] = {"is_causal": False, "reason": error.message, "reports": {}}
        return _store_causality(row, outcome, fingerprint="")
    reports = {
        instrument.symbol: causality.check(
            code.strategy, code.params, market.bar_series(instrument, row.timeframe, limit=causality.MAX_BARS)
        )
        for instrument in row.instruments.order_by("symbol")
    }
    faults = [f"{symbol}: {p.message}" for symbol, report in reports.items() for p in report.problems]
    outcome = {
        "is_causal": bool(reports) and not faults,
        "reason": faults[0] if faults else "",
        "reports": {symbol: report.as_dict() for symbol, report in reports.items()},
    }
    return _store_causality(row, outcome, fingerprint=code.type.fingerprint)


def _store_causality(row: Strategy, outcome: dict[str, Any], *, fingerprint: str) -> dict[str, Any]:
    row.causality = {**outcome, "fingerprint": fingerprint}
    row.fingerprint = fingerprint
    row.save(update_fields=["causality", "fingerprint", "updated_at"])
    return row.causality


def _write(row: Strategy, settings: Settings, checked: _Checked) -> None:
    row.name = settings.name.strip()
    row.type, row.parameters = settings.type, checked.parameters
    row.timeframe, row.account = settings.timeframe, checked.account
    row.sizing_method, row.sizing_value = settings.sizing_method or "", settings.sizing_value
    row.allow_short, row.mode = settings.allow_short, settings.mode
    row.causality = {}
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        message = f"You have a strategy named {row.name!r} already."
        raise Conflict(message, field="name", code="name_taken") from error
    row.instruments.set(checked.instruments)


def _collect(faults: list[FieldError], check: Any) -> Any:
    """Run a check; keep its faults instead of stopping at the first."""
    try:
        return check()
    except (ValidationFailed, StrategyError, Conflict) as error:
        faults.extend(error.errors or (FieldError("", error.code, error.message),))
        return None


def _parameters(settings: Settings) -> dict[str, Any]:
    try:
        found = selectors.strategy_type(settings.type)
    except NotFound as error:
        raise ValidationFailed(error.message, field="type", code=error.code) from error
    params = read_parameters(found.strategy.Params, settings.parameters)
    warmup_of(found.strategy, params)
    return params.model_dump(mode="json")


def _instruments(symbols: Sequence[str]) -> list[Instrument]:
    wanted = list(dict.fromkeys(symbol.strip().upper() for symbol in symbols))
    if not 1 <= len(wanted) <= MAX_SYMBOLS:
        message = f"{len(wanted)} symbols; a strategy trades 1 to {MAX_SYMBOLS}."
        raise ValidationFailed(message, field="symbols", code="count")
    found = {row.symbol: row for row in Instrument.objects.filter(symbol__in=wanted)}
    unknown = [symbol for symbol in wanted if symbol not in found]
    if unknown:
        message = f"There is no instrument {unknown[0][:32]!r}."
        raise ValidationFailed(message, field="symbols", code="unknown_symbol")
    return [found[symbol] for symbol in wanted]


def _account(user: Any, settings: Settings) -> Any:
    accounts: Any = Strategy._meta.get_field("account").related_model._default_manager
    account = accounts.for_user(user).filter(pk=settings.account_id).first()
    if account is None:
        raise ValidationFailed("There is no such account.", field="account", code="unknown_account")
    if account.environment != settings.mode:
        message = f"The account {account.name} is a {account.environment} account, the strategy's mode {settings.mode}."
        raise ValidationFailed(message, field="mode", code="mode_differs")
    return account


def _sizing(method: SizingMethod | None, value: Decimal | None) -> None:
    if method is None and value is None:
        return
    if method is None or value is None:
        raise ValidationFailed("A sizing has a method and a value.", field="sizing", code="required")
    bound = MAX_SIZING[method]
    if not 0 < value <= bound:
        message = f"{plain(value)} lies outside what {method} takes: above 0, at most {plain(bound)}."
        raise ValidationFailed(message, field="sizing.value", code="out_of_bounds")


def _publish(row: Strategy, change: str, at: datetime) -> None:
    publish(
        StrategyConfigured(
            at=at,
            user_id=row.user_id,
            account_id=row.account_id,
            strategy_id=row.pk,
            strategy=row.name,
            change=change,
            settings={**settings_of(row), "timeframe": str(row.timeframe), "sizing_method": str(row.sizing_method)},
        )
    )
