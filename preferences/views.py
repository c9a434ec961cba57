"""The preference pages: a tab for each category, a preview before anything is saved, history with restore, reset."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from core.pages import carry_out, page, sentence, show_faults
from domain.errors import PlatformError, VersionMoved
from preferences import selectors, services, subsystems, suggesting
from preferences.contact_forms import ContactsForm
from preferences.contacts import CONTACTS
from preferences.definitions import Category
from preferences.forms import CategoryForm
from preferences.moves import applied, changed_fields
from preferences.notices import DIGEST, QUIET
from preferences.pages import (
    LEADS,
    TITLES,
    AboutChangeForm,
    changes_in_words,
    entry_forms,
    impact_in_words,
    offered_names,
    overrides_in_words,
    tab_named,
    tabs,
)
from preferences.registry import Preferences, snapshot
from preferences.requests import gave_password, is_confirmed, origin_of, version_seen
from preferences.time_forms import DigestForm, QuietHoursForm
from preferences.writing import ConfirmationNeeded
from users.requests import SignedInRequest


@page
@require_http_methods(["GET", "POST"])
def overview(request: SignedInRequest) -> HttpResponse:
    """Show one tab; a POST shows what the change would do, and saves it when that was confirmed."""
    category = tab_named(request.GET.get("tab", ""))
    preferences = selectors.current(request.user.pk)
    if category is Category.NOTIFICATIONS:
        return _notifications(request, preferences)
    form = CategoryForm(category, preferences, request.POST if request.method == "POST" else None)
    context = _context(category, preferences, request.user) | {"form": form, "rows": form.rows}
    if not (form.is_bound and form.is_valid()):
        return render(request, "preferences/overview.html", context)

    ask = AboutChangeForm(request.POST)
    context["ask"] = ask
    if not ask.is_valid():
        return render(request, "preferences/overview.html", context)

    try:
        changed = services.preview(request.user, category, form.cleaned_data)
        found = services.impact(request.user, category, form.cleaned_data)
        context["impact"] = impact_in_words(found)
        context["critical"] = found["critical"]

        def save(version: int | None) -> None:
            services.change(
                request.user,
                category,
                _named(form.cleaned_data, changed),
                expected_version=version,
                origin=origin_of(request),
                confirmed=is_confirmed(request, ask),
                expires_at=ask.expires_at(timezone.now()),
            )

        return _preview_or_save(request, context, changed, save)
    except ConfirmationNeeded:
        ask.add_error(None, "Tick the box and give your password: this loosens a safety limit.")
        return render(request, "preferences/overview.html", context | {"changes": changes_in_words(changed)})
    except PlatformError as error:
        show_faults(form, error)
        return render(request, "preferences/overview.html", context)


def _named(values: Mapping[str, Any], changed: Mapping[str, Any]) -> dict[str, Any]:
    """Only what differs: the rest of the form must not become lasting or temporary by the way."""
    names = {path.partition(".")[2] for path in changed}
    return {name: value for name, value in values.items() if name in names}


def _notifications(request: SignedInRequest, preferences: Preferences) -> HttpResponse:
    entries = entry_forms(preferences, request.POST if request.method == "POST" else None)
    quiet = QuietHoursForm(preferences.notifications.quiet_hours, request.POST if request.method == "POST" else None)
    digest = DigestForm(preferences.notifications.digest, request.POST if request.method == "POST" else None)
    contacts = ContactsForm(preferences.notifications.contacts, request.POST if request.method == "POST" else None)
    shown = {"entries": entries, "quiet": quiet, "digest": digest, "contacts": contacts}
    context = _context(Category.NOTIFICATIONS, preferences, request.user) | shown
    are_valid = [
        quiet.is_valid(),
        digest.is_valid(),
        contacts.is_valid(),
        *(entry.is_valid() for entry in entries),
    ]
    if request.method != "POST" or not all(are_valid):
        return render(request, "preferences/notifications.html", context)
    updates: list[dict[str, Any]] = [
        {"update": {"event_type": entry.kind.value, **entry.update}} for entry in entries if entry.update
    ]
    if quiet.wanted != quiet.before:
        updates.append({QUIET: quiet.wanted})
    if digest.wanted != digest.before:
        updates.append({DIGEST: digest.wanted})
    if contacts.update:
        updates.append({CONTACTS: contacts.update})

    def save(version: int | None) -> None:
        with transaction.atomic():  # all rows or none; each is a version of its own
            for update in updates:
                saved = services.change(
                    request.user,
                    Category.NOTIFICATIONS,
                    update,
                    expected_version=version,
                    origin=origin_of(request),
                )
                version = saved.version

    try:
        after = preferences
        for update in updates:
            after = applied(Category.NOTIFICATIONS, update)(after)
        changed = changed_fields(snapshot(preferences), snapshot(after))
        context["impact"] = impact_in_words(
            {**services.impact_between(request.user, preferences, after), "warnings": []}
        )
        return _preview_or_save(request, context, changed, save)
    except PlatformError as error:
        messages.error(request, sentence(error.message))
        return render(request, "preferences/notifications.html", context)


def _preview_or_save(
    request: SignedInRequest, context: dict[str, Any], changed: Mapping[str, Any], save: Callable[[int | None], None]
) -> HttpResponse:
    """Show the difference first; save when it was seen and nothing moved in between."""
    template = "preferences/notifications.html" if "entries" in context else "preferences/overview.html"
    category: Category = context["category"]
    if not changed:
        messages.info(request, "Nothing is different from what is in force.")
        return redirect(_address(category))
    shown = context | {"changes": changes_in_words(changed)}
    if request.POST.get("step") != "save":
        return render(request, template, shown)
    try:
        save(version_seen(request))
    except VersionMoved:
        return render(request, template, shown | {"has_moved": True})
    messages.success(request, f"{TITLES[category]} saved. It is in force from the next decision on.")
    return redirect(_address(category))


def _context(category: Category, preferences: Preferences, user: Any) -> dict[str, Any]:
    return {
        "category": category,
        "title": TITLES[category],
        "lead": LEADS.get(category, ""),
        "tabs": tabs(),
        "version": preferences.version,
        "overrides": overrides_in_words(preferences, category),
        "suggestions": selectors.suggestions_of(user).filter(category=category.value),
        "warnings": [each for each in subsystems.warnings(preferences) if each.field in offered_names(category)],
    }


def _address(category: Category) -> str:
    return f"{reverse('preferences:overview')}?tab={category.value}"


@page
@require_POST
def reset(request: SignedInRequest) -> HttpResponse:
    """Put the defaults of one category in force again."""
    category = tab_named(request.POST.get("tab", ""))
    carry_out(
        request,
        lambda: services.reset(request.user, category, origin=origin_of(request), confirmed=gave_password(request)),
        done=f"{TITLES[category]}: the defaults are in force again.",
    )
    return redirect(_address(category))


@page
@require_POST
def end_override(request: SignedInRequest) -> HttpResponse:
    """Let the lasting value hold again before a temporary one expires."""
    category = tab_named(request.POST.get("tab", ""))
    carry_out(
        request,
        lambda: services.end_override(
            request.user,
            category,
            request.POST.get("field", ""),
            origin=origin_of(request),
            confirmed=gave_password(request),
        ),
        done="The lasting value is in force again.",
    )
    return redirect(_address(category))


@page
@require_POST
def decide_suggestion(request: SignedInRequest, pk: UUID) -> HttpResponse:
    """Accept or dismiss one suggestion."""
    row = selectors.suggestion_for(request.user, pk)
    if request.POST.get("answer") == "accept":
        carry_out(
            request,
            lambda: suggesting.accept(
                row, at=timezone.now(), origin=origin_of(request), confirmed=gave_password(request)
            ),
            done="The suggested value is in force.",
        )
    else:
        carry_out(request, lambda: suggesting.dismiss(row, at=timezone.now()), done="The suggestion is put away.")
    return redirect(_address(Category(row.category)))
