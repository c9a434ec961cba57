"""Sets of rules at once: a template for an account, and rules that were written out before. All or nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from domain.errors import NotFound, ValidationFailed
from portfolio.models import Account
from risk.models import RiskRule
from risk.rule_templates import TEMPLATES
from risk.services.rules import Operation, change_rules, summary

EXPORT_FORMAT = 1


def apply_template(user: Any, name: str, *, account: Account | None, at: datetime) -> list[RiskRule]:
    """Make a template's rules for an account (None: all of them); those of the same name take its values.

    Publishes RiskRuleChanged for each. Raises NotFound for an unknown template.
    """
    template = TEMPLATES.get(name)
    if template is None:
        raise NotFound(f"There is no template {name[:32]!r}")
    values = template.values(account.name if account else "")
    return put_rules(user, [{**each, "account": account} for each in values], at=at)


@transaction.atomic
def put_rules(user: Any, rules: Sequence[Mapping[str, Any]], *, at: datetime) -> list[RiskRule]:
    """Make these rules, or change those of the same name; all or none. Raises ValidationFailed, Conflict."""
    names = [str(values.get("name", "")) for values in rules]
    if len(set(names)) != len(names):
        raise ValidationFailed("Two rules have the same name", field="rules", code="duplicate")
    present = dict(RiskRule.objects.for_user(user).filter(name__in=names).values_list("name", "pk"))
    operations = [
        Operation(op="update" if name in present else "create", rule_id=present.get(name), values=values)
        for name, values in zip(names, rules, strict=True)
    ]
    return change_rules(user, operations, at=at)


def exported(user: Any) -> dict[str, Any]:
    """Return all of a user's rules as plain JSON; ``put_rules`` takes them again through the API's import."""
    rows = RiskRule.objects.for_user(user).select_related("instrument").order_by("name")
    return {"format": EXPORT_FORMAT, "rules": [summary(row) for row in rows]}
