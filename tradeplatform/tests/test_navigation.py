"""Only pages that exist are offered, and only to those who may open them."""

from types import SimpleNamespace
from typing import Any

from django.http import HttpRequest
from django.test import RequestFactory

from tradeplatform import navigation


def request_of(path: str, *, is_staff: bool) -> HttpRequest:
    request: Any = RequestFactory().get(path)
    request.user = SimpleNamespace(is_staff=is_staff)
    return request


def labels(request: HttpRequest) -> list[str]:
    return [entry.label for entry in navigation.navigation(request)["navigation"]["all"]]


def test_admin_is_offered_to_staff_alone() -> None:
    assert "Admin" in labels(request_of("/", is_staff=True))
    assert "Admin" not in labels(request_of("/", is_staff=False))


def test_a_page_without_an_address_is_left_out() -> None:
    pages = (navigation.Page("admin:index", "There", "admin"), navigation.Page("nowhere:list", "Gone", "home"))

    found = navigation.entries(request_of("/admin/", is_staff=False), pages)

    assert [entry.label for entry in found] == ["There"]


def test_the_page_and_what_lies_below_it_is_current() -> None:
    pages = (navigation.Page("admin:index", "Admin", "admin"),)

    assert navigation.entries(request_of("/admin/users/", is_staff=True), pages)[0].is_current
    assert not navigation.entries(request_of("/other/", is_staff=True), pages)[0].is_current


def test_no_two_pages_share_a_key() -> None:
    keys = [page.key for _, pages in navigation.GROUPS for page in pages if page.key]

    assert len(keys) == len(set(keys))


def test_an_error_below_the_sign_in_middleware_has_no_navigation() -> None:
    assert navigation.navigation(RequestFactory().get("/")) == {}
