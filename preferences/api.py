"""The preferences API, mounted twice (see urls_api): read, change, history, rollback, reset, preview."""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.client import client_ip, user_agent
from core.api.idempotency import idempotent
from core.api.permissions import Scope, require_scope, scopes_of
from core.api.serializers import read
from core.api.views import ListMixin, OwnedViewSet, StrictView
from domain.errors import FieldError, PermissionRefused, ValidationFailed
from preferences import selectors, services, suggesting
from preferences.api_serializers import (
    CHANGE_FIELDS,
    INPUTS,
    OUTPUTS,
    CategoryInput,
    ConfirmInput,
    DefaultsOutput,
    EverythingOutput,
    ExportOutput,
    HistoryOutput,
    NotificationsInput,
    NotificationsOutput,
    PreferencesImport,
    PreviewInput,
    PreviewOutput,
    RollbackInput,
    SuggestionOutput,
    SuggestionsOutput,
    SuggestionsQuery,
    SummaryOutput,
    all_values,
    category_named,
    category_values,
)
from preferences.definitions import Category
from preferences.forms import described
from preferences.models import PreferenceVersion
from preferences.registry import CLASSES, Preferences
from preferences.writing import ConfirmationNeeded, Origin
from users import reauthentication

_IF_MATCH = re.compile(r'(?:W/)?"?([0-9]{1,10})"?', re.ASCII)


class PreferencesView(StrictView):
    """What all preference views share: the current version, its ETag, If-Match and the origin of a change."""

    def current(self) -> Preferences:
        """Return the asker's preferences."""
        return selectors.current(self.request.user.pk)

    def expected_version(self) -> int | None:
        """Return the version that If-Match names; raises ValidationFailed for one that names none."""
        given = self.request.headers.get("If-Match", "").strip()
        if given in ("", "*"):
            return None
        found = _IF_MATCH.fullmatch(given)
        if found is None:
            raise ValidationFailed.of((FieldError("If-Match", "invalid", "If-Match must name one version."),))
        return int(found[1])

    def origin(self, reason: str = "") -> Origin:
        """Return who is changing the preferences, from where and why."""
        agent = user_agent(self.request)
        return Origin(author=self.request.user, ip=client_ip(self.request), user_agent=agent, reason=reason)

    def carry_out(self, said: Mapping[str, Any], make: Callable[[dict[str, Any]], Preferences]) -> Preferences:
        """Call a service with the version, origin and confirmation that the request gives.

        Raises ConfirmationNeeded for a critical loosening that is not confirmed, PermissionRefused where it is, but
        the token lacks the scope admin or the browser's user gave no password within five minutes.
        """
        is_said = bool(said.get("confirm"))
        options = {
            "expected_version": self.expected_version(),
            "origin": self.origin(said.get("reason", "")),
            "confirmed": is_said and self.may_loosen(),
        }
        try:
            return make(options)
        except ConfirmationNeeded:
            if is_said:
                self.refuse_loosening()
            raise

    def may_loosen(self) -> bool:
        """Tell whether the asker may loosen safety limits: by a token's scope, or by a password given just now."""
        if self.request.auth is not None:
            return Scope.ADMIN in scopes_of(self.request)
        return reauthentication.is_fresh(self.request, at=timezone.now())

    def refuse_loosening(self) -> None:
        """Raise PermissionRefused with what is missing."""
        if self.request.auth is not None:
            require_scope(self.request, Scope.ADMIN)
        text = "Give your password again (within five minutes) to loosen a safety limit."
        raise PermissionRefused(text, code="reauthentication_needed")

    def everything(self, preferences: Preferences) -> Response:
        """Answer all six categories."""
        return self.answer(preferences, all_values(preferences, self.request.user.pk))

    @staticmethod
    def answer(preferences: Preferences, body: dict[str, Any]) -> Response:
        """Answer a body with the version as its ETag."""
        return Response(body, headers={"ETag": f'"{preferences.version}"', "Cache-Control": "no-store"})


class EverythingView(PreferencesView):
    """GET /: all six categories."""

    answers: ClassVar = {"GET": EverythingOutput}

    def get(self, request: Request) -> Response:
        """Return all preferences."""
        return self.everything(self.current())


class CategoryView(PreferencesView):
    """GET, PUT, PATCH of one category: a change names some fields, the rest stays."""

    category: Category = Category.TRADING

    def body_class(self) -> Any:
        """Return the category's fields."""
        if self.operation()[1] == "GET":
            return None
        return NotificationsInput if self.category is Category.NOTIFICATIONS else INPUTS[self.category]

    def chosen(self, table: Any, default: Any = None) -> Any:
        """Return the category's answer."""
        if table is self.answers:
            return NotificationsOutput if self.category is Category.NOTIFICATIONS else OUTPUTS[self.category]
        return super().chosen(table, default)

    def get(self, request: Request) -> Response:
        """Return the category and its version."""
        return self._answer(self.current())

    def put(self, request: Request) -> Response:
        """Change the named fields and return the category after the change."""
        given = self.values(partial=False)
        values = {name: value for name, value in given.items() if name not in CHANGE_FIELDS}
        until = given.get("expires_at")
        change = partial(services.change, request.user, self.category, values, expires_at=until)
        return self._answer(self.carry_out(given, lambda options: change(**options)))

    def patch(self, request: Request) -> Response:
        """Do as PUT does."""
        return self.put(request)

    def _answer(self, preferences: Preferences) -> Response:
        return self.answer(preferences, category_values(preferences, self.category))


class SummaryView(PreferencesView):
    """GET /summary: the values in short."""

    answers: ClassVar = {"GET": SummaryOutput}

    def get(self, request: Request) -> Response:
        """Return all categories, with notification entries only counted."""
        preferences = self.current()
        body = all_values(preferences, request.user.pk)
        entries = preferences.notifications.entries.values()
        body["notifications"] = {
            "total_preferences": len(entries),
            "enabled_preferences": sum(entry.enabled for entry in entries),
        }
        row = selectors.history(request.user.pk).filter(version=preferences.version).first()
        body["updated_at"] = None if row is None else row.created_at
        return self.answer(preferences, body)


class DefaultsView(PreferencesView):
    """GET /defaults: what holds where nothing was set, and what may be set."""

    answers: ClassVar = {"GET": DefaultsOutput}

    def get(self, request: Request) -> Response:
        """Return the defaults and the description of every field."""
        defaults = all_values(selectors.DEFAULTS, request.user.pk)
        fields = {c.value: [each.as_json() for each in described(c, selectors.DEFAULTS)] for c in CLASSES}
        return Response({"defaults": {c.value: defaults[c.value] for c in Category}, "fields": fields})


class ResetView(PreferencesView):
    """POST /reset: defaults again."""

    bodies: ClassVar = {"POST": CategoryInput}
    answers: ClassVar = {"POST": EverythingOutput}

    @idempotent
    def post(self, request: Request) -> Response:
        """Put the defaults of one category, or of all, in force."""
        given = self.values()
        word = given.get("category")
        reset = partial(services.reset, request.user, None if word is None else _category(word))
        return self.everything(self.carry_out(given, lambda options: reset(**options)))


class RollbackView(PreferencesView):
    """POST /rollback: an old version again."""

    bodies: ClassVar = {"POST": RollbackInput}
    answers: ClassVar = {"POST": EverythingOutput}

    @idempotent
    def post(self, request: Request) -> Response:
        """Put the values of an old version in force, as a new version."""
        given = self.values()
        rollback = partial(services.rollback, request.user, given["version"])
        return self.everything(self.carry_out(given, lambda options: rollback(**options)))


class ExportView(PreferencesView):
    """GET /export: all values, to be imported again."""

    answers: ClassVar = {"GET": ExportOutput}

    def get(self, request: Request) -> Response:
        """Return the lasting values."""
        return self.answer(self.current(), services.exported(request.user))


class ImportView(PreferencesView):
    """POST /import: values that were exported."""

    bodies: ClassVar = {"POST": PreferencesImport}
    answers: ClassVar = {"POST": EverythingOutput}

    @idempotent
    def post(self, request: Request) -> Response:
        """Put them in force, as a new version."""
        given = self.values()
        if given["format"] != services.EXPORT_FORMAT:
            raise ValidationFailed("Only format 1 can be read", field="format", code="invalid")
        take = partial(services.import_values, request.user, given["values"], given["definitions_version"])
        return self.everything(self.carry_out(given, lambda options: take(**options)))


class PreviewView(PreferencesView):
    """POST /preview: what a change would alter, and what that would do."""

    bodies: ClassVar = {"POST": PreviewInput}
    answers: ClassVar = {"POST": PreviewOutput}

    def post(self, request: Request) -> Response:
        """Return the difference that a change would make with its impact, and make none."""
        values = self.values()
        category = _category(values["category"])
        body_class = NotificationsInput if category is Category.NOTIFICATIONS else INPUTS[category]
        given = read(body_class, values["values"], request=request)
        wanted = {name: value for name, value in given.items() if name not in CHANGE_FIELDS}
        changed = services.preview(request.user, category, wanted)
        found = services.impact(request.user, category, wanted)
        body = {
            "version": self.current().version,
            "category": category.value,
            "changed": changed,
            "critical": found["critical"],
            "warnings": found["warnings"],
            "impact": found["subsystems"],
        }
        return Response(body)


class SuggestionsView(PreferencesView):
    """GET /suggestions: values that the user's own history speaks for."""

    answers: ClassVar = {"GET": SuggestionsOutput}
    queries: ClassVar = {"GET": SuggestionsQuery}

    def get(self, request: Request) -> Response:
        """Return the newest suggestions, open ones unless another state is asked for."""
        rows = selectors.suggestions_of(request.user, state=self.query.get("state", "open"))[:100]
        return Response({"results": SuggestionOutput(rows, many=True).data, "next": None})


class SuggestionView(PreferencesView):
    """POST /suggestions/{id}/accept/ and /dismiss/: the user's own word on one."""

    bodies: ClassVar = {"POST": ConfirmInput}
    answers: ClassVar = {"POST": SuggestionOutput}
    word: str = "accept"

    def post(self, request: Request, pk: str) -> Response:
        """Put it in force as a new version, or put it away."""
        row = selectors.suggestion_for(request.user, pk)
        given = self.values()
        if self.word == "dismiss":
            return Response(SuggestionOutput(suggesting.dismiss(row, at=timezone.now())).data)
        self.carry_out(given, lambda options: suggesting.accept(row, at=timezone.now(), **options))
        row.refresh_from_db()
        return Response(SuggestionOutput(row).data)


class HistoryView(ListMixin, OwnedViewSet):
    """GET /history: every version, the newest first."""

    model = PreferenceVersion
    output = HistoryOutput
    ordering: ClassVar = {"version": "version"}
    default_ordering = "-version"
    related = ("author",)


def _category(word: str) -> Category:
    found = category_named(word)
    if found is None:
        known = ", ".join(Category)
        raise ValidationFailed.of((FieldError("category", "invalid_choice", f"{word!a} is not one of {known}."),))
    return found
