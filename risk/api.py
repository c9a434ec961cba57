"""The REST API of risk: rules, decisions, breaches, kill switches.

What needs an account's working orders (rules/test/, position-size/) is trading's.
"""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import Boolean, EnumField, Identifier, Text
from core.api.idempotency import idempotent
from core.api.permissions import Scope, require_scope
from core.api.queries import Filter
from core.api.serializers import read, write
from core.api.views import (
    CreateMixin,
    DestroyMixin,
    ListMixin,
    OwnedReadViewSet,
    OwnedViewSet,
    RetrieveMixin,
    StrictView,
)
from domain.errors import FieldError, NotFound, ValidationFailed
from portfolio import selectors as portfolio
from risk import selectors
from risk import serializers as s
from risk.decisions import Scope as RuleScope
from risk.decisions import Verdict
from risk.models import KillScope, KillSwitch, RiskBreach, RiskDecision, RiskRule
from risk.rules.table import offered
from risk.rules.types import RuleType
from risk.services import breaches, kill_switches, rules
from strategies.models import Strategy


def rule_values(user: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Return a rule's columns from its validated values; raises NotFound for an account that is not the asker's."""
    values = dict(given)
    if values.get("account") is not None:
        values["account"] = portfolio.account_for(user, values["account"])
    if "strategy" in values:
        values["strategy_id"] = values.pop("strategy")
    if "symbol" in values:
        values["instrument"] = values.pop("symbol")
    if "sector" in values:
        values["sector"] = values["sector"] or ""
    if "warning_at" in values:
        values["warning_at"] = float(values["warning_at"])
    return values


class RuleViewSet(CreateMixin, DestroyMixin, OwnedReadViewSet):
    """risk/rules/ and {id}/."""

    model = RiskRule
    output = s.RuleOutput
    bodies: ClassVar = {"create": s.RuleInput, "partial_update": s.RuleInput}
    filters: ClassVar = {
        "type": Filter("type", Text(max_length=32)),
        "account": Filter("account_id", Identifier()),
        "scope": Filter("scope", EnumField(RuleScope)),
        "enabled": Filter("enabled", Boolean()),
    }
    ordering: ClassVar = {"created_at": "created_at", "name": "name"}

    def rows(self) -> QuerySet[Any]:
        """Return the asker's rules."""
        return selectors.rules_of(self.request.user)

    def make(self, values: dict[str, Any]) -> RiskRule:
        """Make a rule."""
        found = rule_values(self.request.user, values)
        return rules.create_rule(self.request.user, found, at=timezone.now())

    def partial_update(self, request: Request, pk: str) -> Response:
        """Change the named fields."""
        row = self.get_row(pk)
        found = rule_values(request.user, self.values())
        return Response(self.write(rules.update_rule(row, found, at=timezone.now())))

    def remove(self, row: RiskRule) -> None:
        """Delete the rule."""
        rules.delete_rule(row, at=timezone.now())


class BulkRulesView(StrictView):
    """POST risk/rules/bulk/: all operations or none."""

    bodies: ClassVar = {"POST": s.BulkInput}
    answers: ClassVar = {"POST": s.BulkOutput}

    @idempotent
    def post(self, request: Request) -> Response:
        """Carry out the operations."""
        operations = [self._operation(i, each) for i, each in enumerate(self.values()["operations"])]
        done = rules.change_rules(request.user, operations, at=timezone.now())
        return Response(write(s.BulkOutput, {"results": done}, request=request))

    def _operation(self, index: int, given: dict[str, Any]) -> rules.Operation:
        op = given["op"]
        needed = {"create": {"rule"}, "update": {"id", "rule"}}.get(op, {"id"})
        found = {"id", "rule"} & set(given)
        if needed != found:
            words = " and ".join(sorted(needed))
            fault = FieldError(f"operations.{index}", "invalid", f"The operation {op} takes {words}")
            raise ValidationFailed.of((fault,))
        values = None
        if "rule" in given:
            body = read(s.RuleInput, given["rule"], request=self.request, partial=op == "update")
            values = rule_values(self.request.user, body)
        return rules.Operation(op=op, rule_id=given.get("id"), values=values)


class RuleTypesView(StrictView):
    """GET risk/rules/types/: what can be set, with units, scopes, actions and parameters."""

    answers: ClassVar = {"GET": s.RuleTypesOutput}

    def get(self, request: Request) -> Response:
        """Return every type by name."""
        found = offered()
        return Response({"results": [_type_row(found[name]) for name in sorted(found)], "next": None})


def _type_row(rule_type: RuleType) -> dict[str, Any]:
    return {
        "name": rule_type.name,
        "help": rule_type.help,
        "unit": rule_type.unit.value,
        "phases": sorted(rule_type.phases),
        "scopes": sorted(rule_type.scopes),
        "actions": sorted(rule_type.actions),
        "parameters": rule_type.schema,
    }


class DecisionViewSet(ListMixin, RetrieveMixin, OwnedViewSet):
    """risk/decisions/ and {id}/."""

    model = RiskDecision
    output = s.RiskDecisionOutput
    filters: ClassVar = {
        "account": Filter("account_id", Identifier()),
        "strategy": Filter("strategy_id", Identifier()),
        "verdict": Filter("verdict", EnumField(Verdict)),
    }
    ordering: ClassVar = {"number": "seq"}
    default_ordering = "-number"

    def rows(self) -> QuerySet[Any]:
        """Return the asker's decisions."""
        return selectors.decisions_of(self.request.user).defer("inputs")

    def get_row(self, pk: str) -> Any:
        """Return one by its public id."""
        row = self.rows().filter(id=pk).first()
        if row is None:
            raise NotFound(f"No decision {pk}.")
        return row


class BreachViewSet(OwnedReadViewSet):
    """risk/breaches/, {id}/ and {id}/acknowledge/."""

    model = RiskBreach
    output = s.BreachOutput
    bodies: ClassVar = {"acknowledge": s.AcknowledgeInput}
    filters: ClassVar = {
        "account": Filter("account_id", Identifier()),
        "open": Filter("recovered_at__isnull", Boolean()),
        "type": Filter("type", Text(max_length=32)),
    }

    def rows(self) -> QuerySet[Any]:
        """Return the asker's breaches."""
        return selectors.breaches_of(self.request.user)

    def acknowledge(self, request: Request, pk: str) -> Response:
        """Note that a person has seen it, and release its latch where that is asked for."""
        found = breaches.acknowledge(
            self.get_row(pk), by=request.user, release=self.values()["release"], at=timezone.now()
        )
        return Response(self.write(found))


class KillSwitchView(StrictView):
    """GET and PUT risk/kill-switch/."""

    bodies: ClassVar = {"PUT": s.KillSwitchInput}
    answers: ClassVar = {"GET": s.KillSwitchOutput, "PUT": s.KillSwitchOutput}

    def get(self, request: Request) -> Response:
        """Return what holds for the asker."""
        return Response(write(s.KillSwitchOutput, _what_holds(request.user), request=request))

    def put(self, request: Request) -> Response:
        """Engage or rearm one; rearming needs the scope admin, the platform's switch a member of the staff."""
        given = self.values()
        target = _target(request, given["scope"], given["target"])
        common = {
            "scope": given["scope"],
            "target_id": target,
            "reason": given["reason"],
            "by": request.user.get_username(),
            "at": timezone.now(),
        }
        if given["engaged"]:
            kill_switches.engage_kill_switch(**common, forbid_all=given["forbid_all"], flatten=given["flatten"])
        else:
            require_scope(request, Scope.ADMIN)
            kill_switches.rearm_kill_switch(**common)
        return Response(write(s.KillSwitchOutput, _what_holds(request.user), request=request))


def _target(request: Request, scope: str, target: Any) -> Any:
    """Return the id of what is to be stopped; raises NotFound for what is not the asker's."""
    if scope == KillScope.PLATFORM:
        if not request.user.is_staff:
            raise NotFound("There is no such kill switch")
        return None
    if scope == KillScope.USER:
        return request.user.pk
    if target is None:
        raise ValidationFailed(f"A kill switch of scope {scope} names its target", field="target", code="required")
    if scope == KillScope.ACCOUNT:
        return portfolio.account_for(request.user, target).pk
    if not Strategy.objects.for_user(request.user).filter(pk=target).exists():
        raise NotFound("There is no such strategy", field="target", code="unknown")
    return target


def _what_holds(user: Any) -> dict[str, Any]:
    found: list[KillSwitch] = list(selectors.engaged_switches(user))
    widest = min(found, key=lambda each: KillScope.values.index(each.scope), default=None)
    return {
        "engaged": bool(found),
        "scope": widest.scope if widest else None,
        "target": widest.target_id if widest else None,
        "reason": widest.reason if widest else None,
        "forbid_all": any(each.forbid_all for each in found),
        "flatten": any(each.flatten for each in found),
        "switches": found,
    }
