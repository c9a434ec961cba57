"""Versions on pages: the history, what a restore or an import would change before it is done, and the export."""

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.pages import page, sentence
from domain.errors import PlatformError
from preferences import selectors, services
from preferences.critical import loosenings
from preferences.definitions import Category
from preferences.moves import changed_fields
from preferences.pages import TITLES, AboutChangeForm, changes_in_words, tabs
from preferences.registry import Preferences, restored, snapshot
from preferences.requests import is_confirmed, origin_of, version_seen
from users.requests import SignedInRequest

N_HISTORY = 100
MAX_BYTES = 65_536


@page
@require_GET
def history(request: SignedInRequest) -> HttpResponse:
    """Show every version with what it changed."""
    rows = selectors.history(request.user.pk).order_by("-version")[:N_HISTORY]
    shown = [
        {"row": row, "changes": changes_in_words(row.changed), "title": _category_title(row.category)} for row in rows
    ]
    context = {"versions": shown, "tabs": tabs(), "version": selectors.current(request.user.pk).version}
    return render(request, "preferences/history.html", context)


def _category_title(name: str) -> str:
    return TITLES[Category(name)] if name in tuple(Category) else "Everything"


@sensitive_post_parameters("password")
@page
@require_http_methods(["GET", "POST"])
def restore(request: SignedInRequest, version: int) -> HttpResponse:
    """Show what restoring an old version would change; a POST restores it."""
    old = selectors.version_of(request.user.pk, version)
    context = _compared(request, old) | {
        "heading": f"Restore version {version}",
        "label": f"Put version {version} in force again",
    }
    context["critical"] = [each for each in context["critical"] if each.passes_ceiling]  # what held once comes back

    def save(options: dict[str, Any]) -> Preferences:
        return services.rollback(request.user, version, **options)

    return _ask_or_save(request, context, save, done=f"Version {version} is in force again, as a new version.")


@page
@require_GET
def export(request: SignedInRequest) -> HttpResponse:
    """Give all lasting values as a file."""
    answer = JsonResponse(services.exported(request.user), json_dumps_params={"indent": 2})
    answer["Content-Disposition"] = f'attachment; filename="preferences-{timezone.now():%Y-%m-%d}.json"'
    return answer


class ImportForm(forms.Form):
    """A file that the export made, or its text as the page showed it."""

    file = forms.FileField(required=False)
    text = forms.CharField(required=False, max_length=MAX_BYTES, strip=False)

    def clean(self) -> dict[str, Any]:
        """Read the file; keep its text, so that it can be looked at before it is put in force."""
        given: dict[str, Any] = super().clean() or {}
        if upload := given.get("file"):
            if upload.size > MAX_BYTES:
                raise forms.ValidationError(f"The file has {upload.size:,} bytes; an export has at most {MAX_BYTES:,}.")
            given["text"] = upload.read().decode("utf-8", "replace")
        self.values, self.wanted = _read(given.get("text", ""))
        return given


def _read(text: str) -> tuple[dict[str, Any], Preferences]:
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("format") != services.EXPORT_FORMAT:
            raise ValueError("it is not an export of format 1")
        return found, restored(found.get("values"), version=0, definitions_version=int(found["definitions_version"]))
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise forms.ValidationError(f"The file can not be read: {error.args[-1] if error.args else error}.") from error


@sensitive_post_parameters("password")
@page
@require_POST
def import_file(request: SignedInRequest) -> HttpResponse:
    """Show what an exported file would change; put it in force when that was seen."""
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, " ".join(map(str, form.non_field_errors())) or "Choose a file that the export made.")
        return redirect("preferences:history")
    context = _compared(request, form.wanted) | {
        "heading": "Import preferences",
        "label": "Put these values in force",
        "text": form.cleaned_data["text"],
    }

    def save(options: dict[str, Any]) -> Preferences:
        found = form.values
        return services.import_values(request.user, found["values"], found["definitions_version"], **options)

    is_seen = "version" in request.POST
    return _ask_or_save(request, context, save, done="The imported values are in force.", is_seen=is_seen)


def _compared(request: SignedInRequest, wanted: Preferences) -> dict[str, Any]:
    current = selectors.current(request.user.pk)
    return {
        "changes": changes_in_words(changed_fields(snapshot(current), snapshot(wanted))),
        "critical": loosenings(current, wanted),
        "version": current.version,
        "tabs": tabs(),
        "ask": AboutChangeForm(),
    }


def _ask_or_save(
    request: SignedInRequest,
    context: dict[str, Any],
    save: Callable[[dict[str, Any]], Preferences],
    *,
    done: str,
    is_seen: bool = True,
) -> HttpResponse:
    """Show the difference; after a POST that saw it, save; a critical one asks for the word and the password first."""
    ask = AboutChangeForm(request.POST)
    if request.method == "POST" and is_seen and ask.is_valid():
        options = {
            "expected_version": version_seen(request),
            "origin": origin_of(request),
            "confirmed": is_confirmed(request, ask),
        }
        try:
            save(options)
        except PlatformError as error:
            messages.error(
                request, sentence(error.message.replace("Say confirm: true", "Tick the box and give your password"))
            )
            return render(request, "preferences/restore.html", context)
        messages.success(request, done)
        return redirect("preferences:history")
    return render(request, "preferences/restore.html", context)
