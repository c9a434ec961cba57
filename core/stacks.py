"""Tables on narrow screens: which become a card for each row, and the column's head beside each value. Pure.

The server says both, so that a page stays as it was first painted; components.css does the rest.
"""

import html
import re
from dataclasses import dataclass
from itertools import zip_longest

_PHONE = 330  # pixels that a card has for its table on a telephone
_CHARACTER, _PADDING, _WRAPPED = 6.7, 24, 220  # pixels; what wraps is never narrower
_CONTROL = 14  # characters that a button or a box is as wide as
_SAMPLED = 40  # rows by which a table is measured
_CELL = re.compile(r"<t([hd])\b([^>]*)>(.*?)</t\1>", re.S)
_OPENING = re.compile(r"<(tr|td|th)\b([^>]*)>")
_CONTROLS = re.compile(r"<select\b.*?</select>|<(?:input|textarea|meter|progress)\b[^>]*>", re.S)
_TAG, _SPAN, _ALONE = re.compile(r"<[^>]+>"), re.compile(r'colspan="(\d+)"'), re.compile(r'data-label="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Stacked:
    """A table's content with `data-label` in its cells, and whether it is wider than a telephone."""

    content: str
    is_wide: bool


def stacked(content: str) -> Stacked:
    """Return `<thead>…</thead><tbody>…` with each cell labelled by its column's head where it is to become cards.

    The first cell is its card's own heading, and heads that only screen readers see label nothing. A head whose word
    needs its neighbour (`<th data-label="Exit price">Price`) says what it is called alone.
    """
    head, parting, body = content.partition("</thead>")
    if not parting or not _is_wide(head, body):
        return Stacked(content, is_wide=False)
    labels = _labels(head)
    return Stacked(head + parting + _labelled(body, labels), is_wide=True)


def _labels(head: str) -> list[str]:
    found: list[str] = []
    for _, attributes, inner in _CELL.findall(head):
        alone = _ALONE.search(attributes)
        text = alone[1] if alone else _TAG.sub("", inner).strip().replace('"', "&quot;")
        found += ["" if not found or "visually-hidden" in inner else text] + [""] * (_columns(attributes) - 1)
    return found


def _labelled(body: str, labels: list[str]) -> str:
    column = 0

    def opened(found: re.Match[str]) -> str:
        nonlocal column
        name, attributes = found[1], found[2]
        if name == "tr":
            column = 0
            return found[0]
        place, width = column, _columns(attributes)
        column += width
        label = labels[place] if place < len(labels) and width == 1 else ""
        return f'<{name} data-label="{label}"{attributes}>' if label else found[0]

    return _OPENING.sub(opened, body)


def _is_wide(head: str, body: str) -> bool:
    """Tell whether a table's columns, each as wide as its longest text, need more than a telephone has."""
    rows = [head, *body.split("</tr>", _SAMPLED)[:_SAMPLED]]
    widths = zip_longest(*(_widths(row) for row in rows), fillvalue=0.0)
    return sum(max(column) for column in widths) > _PHONE


def _widths(row: str) -> list[float]:
    found: list[float] = []
    for _, attributes, inner in _CELL.findall(row):
        span = _columns(attributes)
        shown = _CONTROLS.sub("·" * _CONTROL, inner)
        n = len(" ".join(html.unescape(_TAG.sub(" ", shown)).split()))
        width = min(n * _CHARACTER, _WRAPPED) if "wrap" in attributes else n * _CHARACTER
        found += [0.0] * span if span > 1 else [width + _PADDING]
    return found


def _columns(attributes: str) -> int:
    found = _SPAN.search(attributes)
    return int(found[1]) if found else 1
