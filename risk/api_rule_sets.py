"""The REST API of rule sets: templates, export, import."""

from typing import ClassVar

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.fields import DecimalString, EnumField, Identifier, Integer, OneOf, Text
from core.api.idempotency import idempotent
from core.api.serializers import StrictSerializer, write
from core.api.views import StrictView
from portfolio import selectors as portfolio
from risk.api import rule_values
from risk.decisions import Action
from risk.rule_templates import TEMPLATES
from risk.serializers import RuleInput, RuleOutput
from risk.services import rule_sets

MAX_IMPORTED = 500


class TemplateRuleOutput(StrictSerializer):
    """One rule of a template."""

    type = Text(max_length=32)
    limit = DecimalString()
    action = EnumField(Action)


class TemplateOutput(StrictSerializer):
    """A ready set of rules."""

    name = Text(max_length=32)
    title = Text(max_length=64)
    words = Text(max_length=300)
    rules = TemplateRuleOutput(many=True)


class TemplatesOutput(StrictSerializer):
    """Every template."""

    results = TemplateOutput(many=True)


class TemplateInput(StrictSerializer):
    """Which template, and for which account (null: all)."""

    template = OneOf(choices=sorted(TEMPLATES))
    account = Identifier(required=False, allow_null=True, default=None)


class RulesOutput(StrictSerializer):
    """The rules that were made or changed."""

    results = RuleOutput(many=True)


class RuleTemplatesView(StrictView):
    """GET and POST risk/rules/templates/: ready sets of rules."""

    bodies: ClassVar = {"POST": TemplateInput}
    answers: ClassVar = {"GET": TemplatesOutput, "POST": RulesOutput}

    def get(self, request: Request) -> Response:
        """Return every template with its rules."""
        return Response(write(TemplatesOutput, {"results": list(TEMPLATES.values())}, request=request))

    @idempotent
    def post(self, request: Request) -> Response:
        """Put a template's rules in force, all or none."""
        given = self.values()
        account = portfolio.account_for(request.user, given["account"]) if given["account"] else None
        done = rule_sets.apply_template(request.user, given["template"], account=account, at=timezone.now())
        return Response(write(RulesOutput, {"results": done}, request=request))


class RuleSetOutput(StrictSerializer):
    """All rules, to be kept or imported elsewhere."""

    format = Integer()
    rules = serializers.ListField(child=serializers.DictField())


class RuleExportView(StrictView):
    """GET risk/rules/export/."""

    answers: ClassVar = {"GET": RuleSetOutput}

    def get(self, request: Request) -> Response:
        """Return all of the asker's rules."""
        return Response(write(RuleSetOutput, rule_sets.exported(request.user), request=request))


class RuleSetInput(StrictSerializer):
    """What an export gave."""

    format = Integer(minimum=rule_sets.EXPORT_FORMAT, maximum=rule_sets.EXPORT_FORMAT)
    rules = RuleInput(many=True, allow_empty=False, max_length=MAX_IMPORTED)


class RuleImportView(StrictView):
    """POST risk/rules/import/: rules of the same name take the new values; all or none."""

    bodies: ClassVar = {"POST": RuleSetInput}
    answers: ClassVar = {"POST": RulesOutput}

    @idempotent
    def post(self, request: Request) -> Response:
        """Put the rules in force."""
        rules = [rule_values(request.user, each) for each in self.values()["rules"]]
        done = rule_sets.put_rules(request.user, rules, at=timezone.now())
        return Response(write(RulesOutput, {"results": done}, request=request))
