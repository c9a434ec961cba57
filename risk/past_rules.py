"""The rules as they were at an earlier moment: those of today, with the changes since then taken back."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from core.models import OutboxEvent
from marketdata.models import Instrument
from portfolio.models import Account
from risk.decisions import RuleSpec
from risk.models import RiskRule
from risk.selectors import rules_of, spec_of


def own_rules_at(account: Account, *, strategy_id: UUID, at: datetime) -> tuple[RuleSpec, ...]:
    """Return the user's own rules that concerned one strategy at a wall-clock moment, by name."""
    changed = _before_their_change(account, at)
    now = [rule for rule in rules_of(account.user_id) if str(rule.pk) not in changed]
    then = [*now, *(rule for rule in changed.values() if rule is not None)]
    concerning = [
        rule
        for rule in then
        if rule.enabled and rule.account_id in (None, account.pk) and rule.strategy_id in (None, strategy_id)
    ]
    return tuple(spec_of(rule) for rule in sorted(concerning, key=lambda rule: rule.name))


def _before_their_change(account: Account, at: datetime) -> dict[str, RiskRule | None]:
    """Return the rules that were changed since, by id, as they were before (None: there was none)."""
    rows = OutboxEvent.objects.filter(user_id=account.user_id, name="risk.rule_changed", created_at__gt=at)
    found: dict[str, RiskRule | None] = {}
    for fact in rows.order_by("seq"):
        rule_id, old = fact.payload["rule_id"], fact.payload["old"]
        found.setdefault(rule_id, None if old is None else _restored(account, rule_id, old))
    return found


def _restored(account: Account, rule_id: str, old: Mapping[str, Any]) -> RiskRule:
    instrument = Instrument.objects.filter(symbol=old["symbol"]).first() if old["symbol"] else None
    return RiskRule(
        pk=UUID(rule_id),
        user_id=account.user_id,
        name=old["name"],
        type=old["type"],
        account_id=UUID(old["account"]) if old["account"] else None,
        scope=old["scope"],
        strategy_id=UUID(old["strategy"]) if old["strategy"] else None,
        instrument=instrument,
        sector=old["sector"] or "",
        limit=Decimal(old["limit"]),
        parameters=old["parameters"],
        warning_at=old["warning_at"],
        action=old["action"],
        enabled=old["enabled"],
    )
