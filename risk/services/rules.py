"""Rules: make, change, remove, many at once or none. Every change is told and waits for orders under way.

Once a change has answered, no order passes under the old rules: each one locks the accounts that it concerns, and an
order is decided with its account's row locked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import jsonschema
from django.db import transaction
from django.db.models import Q

from core.bus import publish
from core.fields import plain
from domain.errors import Conflict, FieldError, NotFound, ValidationFailed
from domain.events import RiskRuleChanged
from portfolio.models import Account
from risk.decisions import Action, Scope
from risk.models import RiskBreach, RiskRule
from risk.rules.table import offered
from risk.rules.types import RuleType, Unit
from strategies.models import Strategy

MAX_RULES = 500
MAX_LIMIT = Decimal(10) ** 15
_FIELDS = (
    *("name", "type", "account", "scope", "strategy_id", "instrument", "sector", "limit", "parameters"),
    *("warning_at", "action", "latched", "cool_down_seconds", "enabled"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One step of a bulk change: create, update, delete, enable or disable; ``rule_id`` for all but create."""

    op: str
    rule_id: UUID | None = None
    values: Mapping[str, Any] | None = None


@transaction.atomic
def create_rule(user: Any, values: Mapping[str, Any], *, at: datetime) -> RiskRule:
    """Make a rule; publishes RiskRuleChanged. Raises ValidationFailed, Conflict for a taken name or too many rules."""
    if RiskRule.objects.for_user(user).count() >= MAX_RULES:
        raise Conflict(f"There may be at most {MAX_RULES} rules", code="too_many")
    rule = RiskRule(user=user)
    _assign(rule, values)
    _lock_accounts(user)
    rule.save()
    _tell(rule, "created", at=at, old=None, new=summary(rule))
    return rule


@transaction.atomic
def update_rule(rule: RiskRule, values: Mapping[str, Any], *, at: datetime) -> RiskRule:
    """Change the named fields of a rule; publishes RiskRuleChanged. Raises ValidationFailed, Conflict."""
    _lock_accounts(rule.user)
    rule.refresh_from_db()
    old = summary(rule)
    _assign(rule, values)
    rule.save()
    _tell(rule, "updated", at=at, old=old, new=summary(rule))
    return rule


@transaction.atomic
def delete_rule(rule: RiskRule, *, at: datetime) -> None:
    """Remove a rule; its past decisions and breaches stay. Publishes RiskRuleChanged."""
    _lock_accounts(rule.user)
    _tell(rule, "deleted", at=at, old=summary(rule), new=None)
    RiskBreach.objects.filter(rule_key=rule.key, recovered_at=None).update(recovered_at=at)
    RiskBreach.objects.filter(rule_key=rule.key).update(is_latched=False, holds_until=None)
    rule.delete()


@transaction.atomic
def change_rules(user: Any, operations: Sequence[Operation], *, at: datetime) -> list[RiskRule]:
    """Carry out all operations or none; return the rules that were made or changed, in order.

    An error names its operation: ``operations.2.limit``.
    """
    done: list[RiskRule] = []
    for index, operation in enumerate(operations):
        try:
            changed = _carry_out(user, operation, at)
        except ValidationFailed as error:
            named = tuple(FieldError(f"operations.{index}.{e.field}", e.code, e.message) for e in error.errors)
            raise ValidationFailed.of(named) from error
        if changed is not None:
            done.append(changed)
    return done


def _carry_out(user: Any, operation: Operation, at: datetime) -> RiskRule | None:
    if operation.op == "create":
        return create_rule(user, operation.values or {}, at=at)
    rule = RiskRule.objects.for_user(user).filter(Q(pk=operation.rule_id)).first()  # no id: no rule
    if rule is None:
        raise NotFound("There is no such rule")
    if operation.op == "delete":
        delete_rule(rule, at=at)
        return None
    values = {"enabled": operation.op == "enable"} if operation.op in ("enable", "disable") else operation.values or {}
    return update_rule(rule, values, at=at)


def _lock_accounts(user: Any) -> None:
    """Wait for orders under way: whoever decides one holds its account's row."""
    list(Account.objects.for_user(user).select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))


def build_rule(user: Any, values: Mapping[str, Any]) -> RiskRule:
    """Return an unsaved rule of these values, checked (the tester's). Raises ValidationFailed."""
    rule = RiskRule(user=user)
    _assign(rule, values)
    return rule


def _assign(rule: RiskRule, values: Mapping[str, Any]) -> None:
    for name in _FIELDS:
        if name in values:
            setattr(rule, name, values[name])
    faults = _faults(rule)
    if faults:
        raise ValidationFailed.of(tuple(faults))
    taken = RiskRule.objects.for_user(rule.user_id).filter(name=rule.name).exclude(pk=rule.pk)
    if taken.exists():
        raise Conflict(f"You have a rule named {rule.name!r} already", field="name", code="name_taken")


def _faults(rule: RiskRule) -> list[FieldError]:
    rule_type = offered().get(rule.type)
    if rule_type is None:
        return [FieldError("type", "invalid_choice", f"{rule.type!r} is not one of {', '.join(sorted(offered()))}")]
    faults = [*_limit_faults(rule, rule_type), *_scope_faults(rule, rule_type), *_parameter_faults(rule, rule_type)]
    if not rule.name.strip():
        faults.append(FieldError("name", "blank", "The rule needs a name"))
    if rule.action not in rule_type.actions:
        words = ", ".join(sorted(rule_type.actions))
        faults.append(FieldError("action", "not_allowed", f"A {rule.type} rule can not {rule.action}; it can: {words}"))
    if not 0 < rule.warning_at <= 1:
        faults.append(FieldError("warning_at", "out_of_range", f"{rule.warning_at} must lie above 0 and at most at 1"))
    return faults


def _limit_faults(rule: RiskRule, rule_type: RuleType) -> list[FieldError]:
    limit = rule.limit
    if limit is None or not limit.is_finite() or not 0 <= limit <= MAX_LIMIT:
        text = f"The limit must lie between 0 and {MAX_LIMIT:,}; {limit} does not"
        return [FieldError("limit", "out_of_range", text)]
    if rule_type.unit is Unit.COUNT and limit != limit.to_integral_value():
        return [FieldError("limit", "invalid", f"The limit of a {rule.type} rule is a whole number; {limit} is not")]
    if rule_type.name in ("stop_loss", "take_profit", "max_holding_time") and limit == 0:
        return [FieldError("limit", "out_of_range", f"The limit of a {rule.type} rule must be above 0")]
    if rule_type.name == "stop_loss" and limit >= 100:
        return [FieldError("limit", "out_of_range", f"A stop of {limit} % can never be reached")]
    return []


def _scope_faults(rule: RiskRule, rule_type: RuleType) -> list[FieldError]:
    if rule.scope not in rule_type.scopes:
        words = ", ".join(sorted(rule_type.scopes))
        return [FieldError("scope", "not_allowed", f"A {rule.type} rule can be for: {words}; not for {rule.scope}")]
    targets = {
        Scope.STRATEGY: ("strategy", rule.strategy_id),
        Scope.INSTRUMENT: ("symbol", rule.instrument_id),
        Scope.SECTOR: ("sector", rule.sector),
    }
    faults = []
    for scope, (field, target) in targets.items():
        if scope == rule.scope and not target:
            faults.append(FieldError(field, "required", f"A rule of scope {scope} names its {field}"))
        if scope != rule.scope and target:
            faults.append(FieldError(field, "not_allowed", f"A rule of scope {rule.scope} has no {field}"))
    is_foreign = rule.strategy_id and not Strategy.objects.for_user(rule.user_id).filter(pk=rule.strategy_id).exists()
    if is_foreign:
        faults.append(FieldError("strategy", "unknown", "There is no such strategy"))
    return faults


def _parameter_faults(rule: RiskRule, rule_type: RuleType) -> list[FieldError]:
    validator = jsonschema.Draft202012Validator(rule_type.schema)
    faults = [
        FieldError(".".join(["parameters", *map(str, error.path)]), "invalid", error.message[:300])
        for error in validator.iter_errors(rule.parameters)
    ]
    zone = rule.parameters.get("timezone") if isinstance(rule.parameters, dict) else None
    if isinstance(zone, str) and not faults:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            faults.append(FieldError("parameters.timezone", "invalid", f"{zone[:40]!r} is not a time zone"))
    return faults


def summary(rule: RiskRule) -> dict[str, Any]:
    """Return a rule as plain values: what facts, exports and answers tell of it."""
    return {
        "name": rule.name,
        "type": rule.type,
        "account": str(rule.account_id) if rule.account_id else None,
        "scope": str(rule.scope),
        "strategy": str(rule.strategy_id) if rule.strategy_id else None,
        "symbol": rule.instrument.symbol if rule.instrument else None,
        "sector": rule.sector or None,
        "limit": plain(rule.limit),
        "parameters": dict(rule.parameters),
        "warning_at": rule.warning_at,
        "action": str(Action(rule.action)),
        "latched": rule.latched,
        "cool_down_seconds": rule.cool_down_seconds,
        "enabled": rule.enabled,
    }


def _tell(
    rule: RiskRule, change: str, *, at: datetime, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None
) -> None:
    publish(
        RiskRuleChanged(
            at=at,
            user_id=rule.user_id,
            account_id=rule.account_id,
            rule_id=rule.pk,
            rule=rule.name,
            change=change,
            old=old,
            new=new,
        )
    )
