"""The journal: round trips with what they risked and brought, notes and tags written in place."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from core.pages import page
from portfolio import selectors as portfolio
from portfolio.models import Trade
from portfolio.services import journal
from portfolio.statistics import TradeStatistics, trade_statistics
from trading import overviews
from trading.forms.orders import ListFilter
from trading.views.row_pages import row_page

MAX_FIGURES = 5_000
GROUPS = (
    ("strategy", "Strategy"),
    ("symbol", "Symbol"),
    ("tag", "Tag"),
    ("weekday", "Weekday"),
    ("hour", "Hour"),
)


GROUP_WORDS = {"(by hand)": "By hand", "(none)": "Without a tag"}


class NoteForm(forms.Form):
    """What one thinks of a trade."""

    notes = forms.CharField(
        required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 2, "placeholder": "What went well?"})
    )
    tags = forms.CharField(
        required=False, max_length=400, widget=forms.TextInput(attrs={"placeholder": "trend, too early"})
    )

    def clean_tags(self) -> list[str]:
        """Part the tags; each once."""
        parts = (part.strip()[:40] for part in self.cleaned_data["tags"].split(","))
        return list(dict.fromkeys(part for part in parts if part))[:20]


class JournalFilter(ListFilter):
    """Also by tag, and what is closed or open."""

    tag = forms.CharField(required=False, max_length=40, widget=forms.TextInput(attrs={"placeholder": "Tag"}))


@page
@require_GET
def list_page(request: HttpRequest) -> HttpResponse:
    """Show the user's round trips, newest first."""
    form = JournalFilter(request.GET, user=request.user)
    rows = _tagged(form, form.narrow(portfolio.trades_of(request.user)))
    shown = row_page(request, rows)
    names = overviews.strategies_by_id(row.strategy_id for row in shown.rows)
    context = {
        "form": form,
        "page": shown,
        "rows": [(row, names.get(row.strategy_id) if row.strategy_id else None) for row in shown.rows],
        "figures": _figures(rows),
        "accounts": overviews.accounts(request.user),
        **_groups(request),
    }
    return render(request, "portfolio/journal.html", context)


def _groups(request: HttpRequest) -> dict[str, Any]:
    """Statistics of all closed trades by what the address names, strategies by their names."""
    by = request.GET.get("by", "")
    by = by if by in dict(GROUPS) else GROUPS[0][0]
    zone = str(getattr(request.user, "timezone", "") or "UTC")
    found = trade_statistics(portfolio.closed_trades(request.user), group_by=by, zone=zone)
    names = (
        {str(pk): row.name for pk, row in overviews.strategies_by_id(_ids(found)).items()} if by == "strategy" else {}
    )
    lines = [
        (
            names.get(
                each.group, GROUP_WORDS.get(each.group, each.group.capitalize() if by == "weekday" else each.group)
            ),
            each,
        )
        for each in found
    ]
    return {"by": by, "by_words": dict(GROUPS)[by], "groupings": GROUPS, "groups": lines}


def _ids(found: list[TradeStatistics]) -> list[UUID]:
    return [UUID(each.group) for each in found if not each.group.startswith("(")]


def _tagged(form: JournalFilter, rows: QuerySet[Trade]) -> QuerySet[Trade]:
    """Narrow by tag in Python: JSON containment is not in every database."""
    tag = form.cleaned_data.get("tag") if form.is_valid() else ""
    if not tag:
        return rows
    fitting = [pk for pk, tags in rows.values_list("pk", "tags") if tag.lower() in (each.lower() for each in tags)]
    return rows.filter(pk__in=fitting)


def _figures(rows: QuerySet[Trade]) -> dict[str, Any]:
    """Figures by currency: sums over different currencies mean nothing."""
    found: dict[str, list[Trade]] = {}
    for trade in rows.filter(closed_at__isnull=False).order_by("-closed_at")[:MAX_FIGURES]:
        found.setdefault(trade.account.currency, []).append(trade)
    return {currency: overviews.figures(trades) for currency, trades in sorted(found.items())}


@page
@require_GET
def trade(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one round trip with its notes."""
    row = _trade(request, pk)
    return render(request, "portfolio/trade.html", _context(row, _form(row)))


@page
@require_POST
def annotate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Keep notes and tags of a round trip."""
    row = _trade(request, pk)
    form = NoteForm(request.POST)
    is_part = bool(request.headers.get("HX-Request"))
    if not form.is_valid():
        return render(request, "portfolio/_notes.html" if is_part else "portfolio/trade.html", _context(row, form))
    journal.annotate_trade(row, notes=form.cleaned_data["notes"], tags=form.cleaned_data["tags"])
    if is_part:
        row = _trade(request, pk)
        return render(request, "portfolio/_notes.html", {**_context(row, _form(row)), "is_saved": True})
    return redirect("portfolio:trade", row.pk)


def _form(row: Trade) -> NoteForm:
    return NoteForm(initial={"notes": row.notes, "tags": ", ".join(row.tags)}, auto_id=f"id_%s_{row.pk.hex[:8]}")


def _context(row: Trade, form: NoteForm) -> dict[str, Any]:
    names = overviews.strategies_by_id([row.strategy_id])
    strategy = names.get(row.strategy_id) if row.strategy_id else None
    marked = {"symbol": row.instrument.symbol, **({"strategy": row.strategy_id} if row.strategy_id else {})}
    timeframe = strategy.timeframe if strategy else "1d"
    return {
        "trade": row,
        "form": form,
        "strategy": strategy,
        "timeframe": timeframe,
        "marks_url": f"{reverse('chart_marks')}?{urlencode({**marked, 'timeframe': timeframe})}",
    }


def _trade(request: HttpRequest, pk: UUID) -> Trade:
    found: Trade = get_object_or_404(portfolio.trades_of(request.user), pk=pk)
    return found
