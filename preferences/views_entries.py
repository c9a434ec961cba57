"""The page of one notification type: its entry as a form, a preview of what it does, and back to the default."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from core.pages import page, sentence
from domain.errors import PlatformError, VersionMoved
from domain.notices import NotificationType
from preferences import selectors, services
from preferences.definitions import Category
from preferences.entry_forms import EntryForm, conditions_in_words
from preferences.pages import changes_in_words, impact_in_words, type_words
from preferences.requests import origin_of, version_seen
from users.requests import SignedInRequest


@page
@require_http_methods(["GET", "POST"])
def entry(request: SignedInRequest, kind: str) -> HttpResponse:
    """Show one entry; a POST shows what the change would do, and saves it when that was seen."""
    if kind not in NotificationType.__members__:
        raise Http404("There is no such notification type")
    event_type = NotificationType[kind]
    preferences = selectors.current(request.user.pk)
    form = EntryForm(preferences.notifications.entry(event_type), request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {
        "form": form,
        "title": type_words(event_type),
        "kind": event_type,
        "version": preferences.version,
        "conditions": conditions_in_words(form.entry.conditions),
        "is_own": event_type in preferences.notifications.entries,
    }
    wanted = _wanted(request, form, is_own=context["is_own"])
    if wanted is None:
        return render(request, "preferences/entry.html", context)
    if not wanted:
        messages.info(request, "Nothing is different from what is in force.")
        return redirect(_address())
    return _preview_or_save(request, context, wanted)


def _wanted(request: SignedInRequest, form: EntryForm, *, is_own: bool) -> dict[str, Any] | None:
    """What is to be changed ({}: nothing); None where there is nothing to do yet."""
    if request.method != "POST":
        return None
    if request.POST.get("step") == "default":
        return {"remove": {"event_type": form.kind.value}} if is_own else {}
    if not form.is_valid():
        return None
    return {"update": {"event_type": form.kind.value, **form.update}} if form.update else {}


def _preview_or_save(request: SignedInRequest, context: dict[str, Any], wanted: dict[str, Any]) -> HttpResponse:
    try:
        if request.POST.get("step") in ("save", "default"):
            services.change(
                request.user,
                Category.NOTIFICATIONS,
                wanted,
                expected_version=version_seen(request),
                origin=origin_of(request),
            )
            messages.success(request, f"{context['title']}: saved. It is in force from the next event on.")
            return redirect(_address())
        changed = services.preview(request.user, Category.NOTIFICATIONS, wanted)
        found = services.impact(request.user, Category.NOTIFICATIONS, wanted)
    except VersionMoved:
        messages.error(
            request, "Somebody, perhaps you in another window, saved other preferences meanwhile. Look again."
        )
        return redirect(reverse("preferences:entry", args=[context["kind"].value]))
    except PlatformError as error:
        messages.error(request, sentence(error.message))
        return render(request, "preferences/entry.html", context)
    shown = {"changes": changes_in_words(changed), "impact": impact_in_words({**found, "warnings": []})}
    return render(request, "preferences/entry.html", context | shown)


def _address() -> str:
    return f"{reverse('preferences:overview')}?tab={Category.NOTIFICATIONS.value}"
