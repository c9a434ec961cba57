"""Pages of notifications: the list with filters, the bell's menu and badge, and what one does with a notification."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from core.templatetags.formatting import age_text
from domain.notices import NotificationType
from notifications import selectors
from notifications.api import in_words
from notifications.forms import SNOOZES, FilterForm, SnoozeForm
from notifications.models import Notification
from notifications.services import reading

PAGE_SIZE = 30
MUTED_FOR = timedelta(days=1)


@login_required
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Show what the user was told, newest first; the same address gives the list alone to htmx."""
    form = FilterForm(request.GET)
    wanted = form.cleaned_data if form.is_valid() else {}
    rows = list(_filtered(request.user, wanted)[: PAGE_SIZE + 1])
    shown, has_more = rows[:PAGE_SIZE], len(rows) > PAGE_SIZE
    context = {
        "form": form,
        "rows": shown,
        "is_filtered": any(wanted.get(name) for name in ("type", "priority", "unread", "incident")),
        "n_unread": selectors.unread_count(request.user),
        "older_url": _address(wanted, before=shown[-1].seq) if has_more else "",
        "newest_url": _address(wanted) if wanted.get("before") else "",
        "here": request.get_full_path(),
        "snooze_choices": SNOOZES,
    }
    is_part = getattr(request, "htmx", False) and request.headers.get("HX-Target", "").endswith("notification-list")
    return render(request, "notifications/_list.html" if is_part else "notifications/list.html", context)


def _filtered(user: Any, wanted: dict[str, Any]) -> Any:
    rows = selectors.shown(user).order_by("-seq")
    if wanted.get("unread"):
        rows = rows.filter(pk__in=selectors.unread(user, at=timezone.now()).values("pk"))
    if before := wanted.get("before"):
        rows = rows.filter(seq__lt=before)
    for name in ("type", "priority", "incident"):
        if value := wanted.get(name):
            rows = rows.filter(**{name: value})
    return rows


def _address(wanted: dict[str, Any], **more: Any) -> str:
    given = {name: value for name, value in wanted.items() if value and name != "before"}
    query = urlencode({**given, **more} | ({"unread": "on"} if given.get("unread") else {}))
    return f"{reverse('notifications:list')}?{query}" if query else reverse("notifications:list")


@login_required
@require_GET
def bell(request: HttpRequest) -> HttpResponse:
    """Show the bell's menu; the badge comes along out of band."""
    return render(request, "shell/_bell_list.html", {"shell": bell_panel(request.user), "is_fragment": True})


@login_required
@require_GET
def badge(request: HttpRequest) -> HttpResponse:
    """Show the number of unread notifications."""
    return render(request, "notifications/_badge.html", {"n_unread": selectors.unread_count(request.user)})


def bell_panel(user: Any) -> dict[str, Any]:
    """Return what the shell shows of notifications: addresses, the unread count and the newest few."""
    return {
        "bell_url": reverse("notifications:bell"),
        "bell_topic": "/ws/notifications/",
        "all_notifications_url": reverse("notifications:list"),
        "n_unread": selectors.unread_count(user),
        "latest_notifications": [_item(row) for row in selectors.latest(user)],
    }


def _item(row: Notification) -> dict[str, Any]:
    return {
        "title": row.title,
        "text": row.body,
        "at": row.shown_at,
        "is_read": row.read_at is not None,
        "url": reverse("notifications:open", args=[row.pk]),
    }


@login_required
@require_GET
def open_cause(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark as read and lead to the page that shows the cause; to the list where there is no such page."""
    row = _row(request, pk)
    reading.mark_read(request.user, row.pk, at=timezone.now())
    return redirect(row.link if _exists(row.link) else reverse("notifications:why", args=[row.pk]))


def _exists(link: str) -> bool:
    try:
        resolve(link.partition("?")[0])
    except Resolver404:
        return False
    return True


@login_required
@require_GET
def why(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show how a notification came to be: every check's answer, and how it went on each channel."""
    row = _row(request, pk)
    decisions = list(row.decisions.order_by("seq"))
    context = {
        "row": row,
        "decisions": decisions,
        "answer": in_words(decisions) if decisions else "It was sent past every check.",
        "deliveries": selectors.deliveries_of(row),
        "link": row.link if _exists(row.link) else "",
    }
    return render(request, "notifications/why.html", context)


@login_required
@require_GET
def not_sent(request: HttpRequest) -> HttpResponse:
    """Show what the user was not told lately, each with its reason: why did I not get this?"""
    rows = selectors.not_sent(request.user)[:100]
    return render(request, "notifications/not_sent.html", {"rows": [(row, in_words([row])) for row in rows]})


@login_required
@require_POST
def read(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mark as read."""
    return _after(request, reading.mark_read(request.user, _row(request, pk).pk, at=timezone.now()))


@login_required
@require_POST
def acknowledge(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Acknowledge with its whole incident."""
    return _after(request, reading.acknowledge(request.user, _row(request, pk).pk, at=timezone.now()))


@login_required
@require_POST
def snooze(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Put away for some hours."""
    form = SnoozeForm(request.POST)
    if not form.is_valid():
        return HttpResponse("Choose how long.", status=400, content_type="text/plain")
    at = timezone.now()
    row = reading.snooze(request.user, _row(request, pk).pk, until=at + form.period, at=at)
    return _after(request, row)


@login_required
@require_POST
def mute(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Hear nothing more of this type and subject for a day."""
    row = _row(request, pk)
    if row.type == NotificationType.SECURITY_ALERT:
        return HttpResponse("Security alerts can not be muted.", status=400, content_type="text/plain")
    at = timezone.now()
    reading.mute(request.user, NotificationType(row.type), subject=row.subject, until=at + MUTED_FOR, at=at)
    return _after(request, row, note=f"Muted for {age_text(MUTED_FOR.total_seconds())}.")


@login_required
@require_POST
def read_all(request: HttpRequest) -> HttpResponse:
    """Mark everything as read."""
    reading.read_all(request.user, at=timezone.now())
    return redirect("notifications:list")


def _row(request: HttpRequest, pk: UUID) -> Notification:
    row: Notification = get_object_or_404(selectors.shown(request.user), pk=pk)
    return row


def _after(request: HttpRequest, row: Notification, *, note: str = "") -> HttpResponse:
    """Answer htmx with the row as it is now, a plain form with the list."""
    if not getattr(request, "htmx", False):
        return redirect("notifications:list")
    return render(request, "notifications/_row.html", {"row": row, "note": note, "snooze_choices": SNOOZES})
