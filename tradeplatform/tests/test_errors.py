"""Answers to what goes wrong outside a view."""

import json
from typing import Any

import pytest
from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse, HttpResponseNotAllowed
from django.test import Client, RequestFactory

from tradeplatform.errors import ErrorAnswerMiddleware, server_error

PROBLEM = "application/problem+json"


def through(path: str, response: HttpResponse) -> Any:
    return ErrorAnswerMiddleware(lambda request: response)(RequestFactory().get(path))


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/nothing/", "/api/nothing", "/api/v1/orders/../../x"])
def test_an_unknown_api_address_is_a_problem(client: Client, path: str) -> None:
    response = client.get(path)

    assert (response.status_code, response["Content-Type"]) == (404, PROBLEM)
    assert set(response.json()) == {"type", "title", "status", "detail", "errors"}


@pytest.mark.django_db
def test_an_unknown_page_is_a_readable_page(client: Client) -> None:
    response = client.get("/no-such-page/")

    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")
    assert b"<h1>" in response.content


@pytest.mark.django_db
@pytest.mark.parametrize(("path", "kind"), [("/sign-in/", "text/html"), ("/api/v1/health/", PROBLEM)])
def test_a_bad_host_or_a_missing_csrf_token_is_answered_in_the_fitting_form(path: str, kind: str) -> None:
    assert Client().get(path, headers={"host": "evil.example"})["Content-Type"].startswith(kind)


@pytest.mark.django_db
def test_a_form_without_token_is_refused_with_advice() -> None:
    response = Client(enforce_csrf_checks=True).post("/sign-in/", {"username": "a", "password": "b"})

    assert response.status_code == 403
    assert b"<h1>" in response.content


def test_a_bare_405_gets_a_body_and_keeps_its_headers() -> None:
    page, api = through("/x/", HttpResponseNotAllowed(["GET"])), through("/api/x/", HttpResponseNotAllowed(["GET"]))

    assert page.status_code == api.status_code == 405
    assert page["Allow"] == api["Allow"] == "GET"
    assert b"<h1>" in page.content
    assert json.loads(api.content)["status"] == 405


def test_a_too_large_request_is_413_not_400() -> None:
    middleware = ErrorAnswerMiddleware(lambda request: HttpResponse())

    response = middleware.process_exception(RequestFactory().post("/api/v1/bars/import/"), RequestDataTooBig("big"))

    assert response is not None
    assert (response.status_code, response["Content-Type"]) == (413, PROBLEM)


def test_what_is_answered_properly_is_left_alone() -> None:
    own = HttpResponse('{"mine": 1}', status=409, content_type=PROBLEM)

    assert through("/api/x/", own) is own


@pytest.mark.django_db
def test_a_crash_shows_nothing_of_itself() -> None:
    response = server_error(RequestFactory().get("/api/v1/x/"))

    assert response.status_code == 500
    assert json.loads(response.content)["errors"] == []
