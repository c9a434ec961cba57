"""What tests of every app share: users, clients with scopes, and the questions that every endpoint is asked."""

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient

PASSWORD = "correct horse battery staple"
ALL_SCOPES = ("read", "trade", "admin")
PROBLEM = "application/problem+json"
Test = TypeVar("Test", bound=Callable[..., Any])
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Grant:
    """Stands where a token stands in ``request.auth``: scopes without a row."""

    scopes: tuple[str, ...]


def changes(*fields: str) -> Callable[[Test], Test]:
    """Say which preferences (``category.field``) a test changes through the API and sees obeyed by what runs."""

    def note(test: Test) -> Test:
        test.changes = (*getattr(test, "changes", ()), *fields)  # type: ignore[attr-defined]  # a note of ours on the test
        return test

    return note


def make_user(username: str = "", **fields: Any) -> Any:
    """Make a user who can sign in with PASSWORD."""
    name = username or f"user-{uuid4().hex[:10]}"
    return get_user_model().objects.create_user(name, f"{name}@example.com", PASSWORD, **fields)


def api_client(user: Any = None, *, scopes: tuple[str, ...] = ALL_SCOPES) -> APIClient:
    """Return an API client of a user with these scopes (of nobody without a user); server faults become answers."""
    client = APIClient(raise_request_exception=False)
    if user is not None:
        client.force_authenticate(user, token=Grant(scopes))
    return client


def page_client(user: Any = None) -> Client:
    """Return a browser's client, signed in when a user is given."""
    client = Client()
    if user is not None:
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def assert_problem(response: Any, status: int, *, field: str | None = None, code: str | None = None) -> dict[str, Any]:
    """Check that an answer is a problem with this status, naming this field with this code; return its body."""
    assert response.status_code == status, f"{response.status_code} {response.content[:600]!r}"
    assert response.headers["Content-Type"].startswith(PROBLEM), response.headers["Content-Type"]
    body: dict[str, Any] = response.json()
    assert body["status"] == status and {"type", "title", "detail", "errors"} <= set(body), body
    if field is not None:
        named = [error for error in body["errors"] if error["field"] == field]
        assert named, f"{field} is not named in {body['errors']}"
        assert code is None or code in [error["code"] for error in named], named
    elif code is not None:
        codes = [body["type"].removeprefix("urn:problem:"), *(error["code"] for error in body["errors"])]
        assert code in codes, codes
    return body


def assert_owner_only(url: str, *, owner: Any, stranger: Any, method: str = "get", data: Any = None) -> Any:
    """Check: nobody 401, a stranger the 404 of what does not exist, the owner 2xx; return the owner's answer."""
    assert_problem(getattr(api_client(), method)(url, data), 401)
    foreign = getattr(api_client(stranger), method)(url, data)
    assert_problem(foreign, 404)
    nowhere = getattr(api_client(stranger), method)(_UUID.sub(str(uuid4()), url), data)
    assert _without_ids(foreign) == _without_ids(nowhere)
    response = getattr(api_client(owner), method)(url, data)
    assert 200 <= response.status_code < 300, f"{response.status_code} {response.content[:600]!r}"
    return response


def _without_ids(response: Any) -> str:
    return f"{response.status_code} {_UUID.sub('-', response.content.decode())}"


def assert_scope_needed(url: str, *, user: Any, scope: str, method: str = "get", data: Any = None) -> None:
    """Check that a token with every scope but this one is refused with 403, missing_scope."""
    others = tuple(each for each in ALL_SCOPES if each != scope)
    assert_problem(getattr(api_client(user, scopes=others), method)(url, data), 403, code="missing_scope")


def assert_page_owner_only(url: str, *, owner: Any, stranger: Any) -> Any:
    """Check a page: nobody is sent to sign-in, a stranger gets 404, the owner 200; return the owner's answer."""
    assert_page_needs_sign_in(url)
    assert page_client(stranger).get(url).status_code == 404
    response = page_client(owner).get(url)
    assert response.status_code == 200, response.status_code
    return response


def assert_page_needs_sign_in(url: str) -> None:
    """Check that nobody is redirected to the sign-in page."""
    response = Client().get(url)
    assert response.status_code == 302, response.status_code
    assert "next=" in response.headers["Location"], f"{response.headers['Location']} ({settings.LOGIN_URL})"


def in_threads(n: int, work: Callable[[int], Any]) -> list[Any]:
    """Call ``work(i)`` in n threads that start together; return results (or exceptions) by i. Needs real commits."""
    results: list[Any] = [None] * n
    barrier = threading.Barrier(n)

    def run(index: int) -> None:
        try:
            barrier.wait(timeout=30)
            results[index] = work(index)
        except Exception as error:  # handed to the test, which asserts on it
            results[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return results
