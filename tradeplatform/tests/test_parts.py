"""Parts of pages opened in the address bar lead to their pages; htmx and scripts get the parts."""

import re
import uuid
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from django.urls import NoReverseMatch, reverse

from core.testing import make_user, page_client
from tradeplatform.parts import PAGE_OF

pytestmark = pytest.mark.django_db
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
UNKNOWN = uuid.uuid4()


def address_of(name: str) -> str:
    for arguments in ((), (UNKNOWN,), ("equity",)):
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            continue
    raise AssertionError(f"{name} has no address")


@pytest.mark.parametrize(("part", "page"), PAGE_OF.items())
def test_a_part_leads_to_its_page(part: str, page: str) -> None:
    answer = page_client(make_user()).get(address_of(part), headers=BROWSER)

    assert answer.status_code == 302
    assert answer.headers["Location"] == reverse(page, args=[UNKNOWN] if str(UNKNOWN) in answer["Location"] else [])


@pytest.mark.parametrize(
    "headers", [{**BROWSER, "HX-Request": "true"}, {"Accept": "*/*"}, {"Accept": "application/json"}]
)
def test_htmx_and_scripts_get_the_part_itself(headers: dict[str, str]) -> None:
    answer = page_client(make_user()).get("/backtests/rows/", headers=headers)

    assert answer.status_code == 200 and "<html" not in answer.content.decode()


def test_the_query_goes_along_where_the_page_reads_it() -> None:
    answer = page_client(make_user()).get("/backtests/rows/?kind=sweep", headers=BROWSER)

    assert answer.headers["Location"] == "/backtests/?kind=sweep"


def test_a_page_is_no_part_and_a_stranger_signs_in_first() -> None:
    assert page_client(make_user()).get("/backtests/", headers=BROWSER).status_code == 200
    assert Client().get("/backtests/rows/", headers=BROWSER, follow=True).redirect_chain[-1][0].startswith("/sign-in/")


def test_every_address_that_a_page_fetches_alone_is_known_as_a_part() -> None:
    fetched: set[str] = set()
    for template in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        fetched |= set(re.findall(r"""hx-get="\{% url ['"]([\w:]+)['"]""", template.read_text(encoding="utf-8")))
    whole = {name for name in fetched if name not in PAGE_OF}

    answers = {name: page_client(make_user()).get(address_of(name), headers=BROWSER) for name in whole}

    assert fetched & PAGE_OF.keys()
    assert [
        name for name, answer in answers.items() if answer.status_code == 200 and b"<html" not in answer.content
    ] == []
