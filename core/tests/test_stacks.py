"""Tables on narrow screens: the server says which become cards, and labels each value by its column's head."""

import pytest
from django.template import Context, Template

from core.stacks import stacked

NAMES = ("Symbol", "Side", "Entry", "Price", "Quantity", "P&amp;L net")
HEAD = "<thead><tr>" + "".join(f"<th>{name}</th>" for name in NAMES) + "</tr></thead>"


def table(*rows: str, head: str = HEAD) -> str:
    return f"{head}<tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody>"


def cells(*texts: str) -> str:
    return "".join(f"<td>{text}</td>" for text in texts)


WIDE = table(cells("AAPL", "Long", "25 Aug 2000", "1,234.50", "1,672", "+$12,345.00"))


def test_a_table_too_wide_for_a_telephone_has_each_value_beside_its_head() -> None:
    found = stacked(WIDE)

    assert found.is_wide
    assert "<td>AAPL</td>" in found.content  # the card's own heading
    assert '<td data-label="Quantity">1,672</td>' in found.content
    assert '<td data-label="P&amp;L net">+$12,345.00</td>' in found.content


def test_a_table_that_fits_stays_a_table() -> None:
    content = table(cells("Leverage", "58"), head="<thead><tr><th>Rule</th><th>Orders refused</th></tr></thead>")

    assert stacked(content).is_wide is False
    assert stacked(content).content == content


def test_heads_that_only_screen_readers_see_label_nothing() -> None:
    head = HEAD.replace("<th>Side</th>", '<th><span class="visually-hidden">Side</span></th>')

    assert "<td>Long</td>" in stacked(table(WIDE.partition("<tr>")[2], head=head)).content


def test_a_cell_over_several_columns_has_no_label_and_moves_those_behind_it() -> None:
    found = stacked(table('<td colspan="4" class="quiet">still open</td><td>1,672</td>', *[cells(*NAMES)] * 2))

    assert '<td colspan="4" class="quiet">still open</td><td data-label="Quantity">1,672</td>' in found.content


def test_the_words_of_a_head_are_taken_without_its_marks() -> None:
    head = HEAD.replace("<th>Side</th>", '<th class="num"><abbr title="Net &quot;R&quot;">R "multiple"</abbr></th>')

    assert 'data-label="R &quot;multiple&quot;"' in stacked(table(cells(*NAMES), head=head)).content


def test_a_head_says_what_it_is_called_without_its_neighbour() -> None:
    head = HEAD.replace("<th>Price</th>", '<th class="num" data-label="Entry price">Price</th>')

    assert '<td data-label="Entry price">1,234.50</td>' in stacked(head + WIDE.partition("</thead>")[2]).content


@pytest.mark.parametrize("content", ["", "<tbody></tbody>", "<thead></thead>", HEAD, "<thead><tr></tr></thead><tr>"])
def test_what_is_no_whole_table_is_left_as_it_is_or_labelled_without_a_fault(content: str) -> None:
    assert stacked(content).content == content


def test_the_table_tag_marks_wide_tables_before_anything_is_painted() -> None:
    text = "{% load components %}{% table caption='Trades' %}" + WIDE + "{% endtable %}"

    page = Template(text).render(Context())

    assert '<table class="table stacks">' in page
    assert 'data-label="Entry"' in page
