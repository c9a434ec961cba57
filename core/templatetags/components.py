"""Template tags for the building blocks of pages: icon, chip, card, table shell, form field and confirm dialog.

Each tag fills one template of `templates/components/`; nothing is decided here.
"""

from typing import Any

from django import template
from django.forms import BoundField, CheckboxInput
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from core.chips import chip_for
from core.icons import ICONS
from core.stacks import stacked

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Draw an icon; with a label it is an image for screen readers, without one it is decoration."""
    described = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="icon icon-{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" {}><path d="{}"/></svg>',
        name,
        described,
        ICONS[name],
    )


@register.simple_tag
def chip(kind: str, state: object, note: str = "") -> SafeString:
    """Show a state in plain words: `{% chip "order" order.status %}`; the kinds are the keys of `core.chips.KINDS`."""
    shown = chip_for(kind, str(getattr(state, "value", state)))
    return format_html(
        '<span class="chip chip-{}" title="{}" data-state="{}">{}{}</span>',
        shown.tone,
        shown.help,
        getattr(state, "value", state),
        shown.label,
        format_html(' <span class="chip-note">{}</span>', note) if note else "",
    )


def _visible(context: template.Context) -> dict[str, Any]:
    return {str(name): value for name, value in context.flatten().items()}


def _shell(name: str, context: template.Context, content: str, options: dict[str, Any]) -> SafeString:
    """Render a component around the content of its block; the page's own context stays visible to it."""
    return render_to_string(f"components/_{name}.html", {**_visible(context), "content": content, **options})


@register.simple_block_tag(takes_context=True)
def card(context: template.Context, content: str, title: str = "", **options: Any) -> SafeString:
    """Wrap content in a card. Options: id, subtitle, href (title link), tone, flush (no padding), level (heading)."""
    defaults = {"id": "", "subtitle": "", "href": "", "tone": "", "flush": False, "level": 2}
    return _shell("card", context, content, {"title": title, **defaults, **options})


@register.simple_block_tag(takes_context=True, name="table")
def table_shell(context: template.Context, content: str, caption: str, **options: Any) -> SafeString:
    """Wrap `<thead>` and `<tbody>` in a sortable, filterable table.

    Options: id (needed to remember sort and filter), csv (file name; no button without), filter (placeholder; no box
    without), n_rows, next_url and previous_url (server pages), tall (own scroll area). One that is too wide for a
    telephone becomes a card for each row there.
    """
    defaults = {"id": "", "csv": "", "filter": "", "n_rows": None, "next_url": "", "previous_url": "", "tall": False}
    found = stacked(content)
    told = {"caption": caption, "stacks": found.is_wide, **defaults, **options}
    return _shell("table", context, mark_safe(found.content), told)


@register.simple_block_tag(takes_context=True)
def confirm(context: template.Context, content: str, **options: Any) -> SafeString:
    """Make a confirm dialog; its block holds further fields of its form. Any `<button data-dialog="ID">` opens it.

    Options: id, title, action (URL), multipart (it holds a file), will and will_not (lines parted by `|`; both
    required: nobody should have to guess what stays as it is), submit and keep (texts of the two buttons), danger,
    method, target (htmx selector; sent by htmx when given).
    """
    defaults = {
        "submit": "Confirm",
        "danger": False,
        "method": "post",
        "target": "",
        "swap": "outerMorph",
        "multipart": False,
        "keep": "Keep as it is",
    }
    lines = {key: [line.strip() for line in options.pop(key).split("|")] for key in ("will", "will_not")}
    return _shell("confirm", context, content, {**defaults, **options, **lines})


@register.inclusion_tag("components/_field.html")
def field(bound: BoundField, **options: Any) -> dict[str, Any]:
    """Show one form field with label, help and error. Options: prefix and suffix (unit) beside the control, wide."""
    described = [f"{bound.id_for_label}_help"] if bound.help_text else []
    described += [f"{bound.id_for_label}_error"] if bound.errors else []
    check = isinstance(bound.field.widget, CheckboxInput)
    kind = "form-check-input" if check else "form-select" if hasattr(bound.field.widget, "choices") else "form-control"
    attributes: dict[str, str | bool] = {"class": f"{kind} is-invalid" if bound.errors else kind}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    return {"field": bound, "control": bound.as_widget(attrs=attributes), "is_check": check, **options}
