"""The base of all API views, on a sample view over a real table: strict input, pages, problems."""

from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from apikeys.models import AccessToken
from core.models import IdempotencyRecord
from core.testing import (
    api_client,
    assert_owner_only,
    assert_problem,
    assert_scope_needed,
    make_user,
)
from core.tests.sample_api import URL, post, raw

pytestmark = pytest.mark.urls("core.tests.sample_api")


@pytest.fixture
def user(db: None) -> Any:
    cache.clear()
    return make_user()


@pytest.fixture
def client(user: Any) -> APIClient:
    return api_client(user)


def test_a_made_thing_is_answered_with_201_its_address_and_times_with_z(client: APIClient) -> None:
    response = post(client, {"name": "a"})

    assert response.status_code == 201, response.content
    assert response.headers["Location"] == f"{URL}{response.json()['id']}/"
    assert response.json()["created_at"].endswith("Z")
    assert client.get(response.headers["Location"]).json() == response.json()


def test_unknown_fields_are_refused_wherever_they_stand(client: APIClient) -> None:
    assert_problem(post(client, {"name": "a", "nmae": 1}), 400, field="nmae", code="unknown_field")
    assert_problem(post(client, {"name": "a", "id": "x"}), 400, field="id", code="unknown_field")
    leg = {"symbol": "AAPL", "ratio": 1, "x": 1}
    assert_problem(post(client, {"name": "a", "legs": [leg]}), 400, field="legs.0.x", code="unknown_field")
    assert not AccessToken.objects.exists()


def test_every_fault_of_a_body_is_named_with_its_dotted_path(client: APIClient) -> None:
    body = {
        "name": 5,
        "limit": "1e5",
        "share": 2,
        "at": "2026-01-01",
        "flag": "true",
        "tags": ["ok", 7],
        "legs": [{"symbol": "A B", "ratio": 1}, {"symbol": "A", "ratio": 10}],
        "typo": 1,
    }

    problem = assert_problem(post(client, body), 400)

    fields = {error["field"] for error in problem["errors"]}
    assert fields == {"name", "limit", "share", "at", "flag", "tags.1", "legs.0.symbol", "legs.1.ratio", "typo"}
    assert "10 is above the maximum 9." in [error["message"] for error in problem["errors"]]


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"null", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"name": "a", "name": "b"}', "application/json", 400),
        (b"name=a", "application/x-www-form-urlencoded", 415),
        (b"<a/>", "application/xml", 415),
        (b"{}", "text/plain", 415),
        (b"{}", "nonsense", 415),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415),
        (b'{"name": "' + b"a" * 1_000_000 + b'"}', "application/json", 413),
        (b'{"name": "' + b"a" * 3_000_000 + b'"}', "application/json", 413),
        (b"[" * 50_000, "application/json", 400),
    ],
)
def test_a_body_that_can_not_be_read_is_a_problem(
    client: APIClient, body: bytes, content_type: str, status: int
) -> None:
    assert_problem(raw(client, body, content_type), status)


def test_a_body_in_chunks_is_refused_instead_of_read_as_empty(client: APIClient) -> None:
    response = client.generic("POST", URL, b"", content_type="application/json", HTTP_TRANSFER_ENCODING="chunked")

    assert_problem(response, 411, code="length_required")


def test_methods_and_addresses_that_are_not_there_are_problems(client: APIClient) -> None:
    assert_problem(client.put(URL, {}), 405)
    assert_problem(client.options(URL), 405)
    assert_problem(client.generic("BREW", URL), 405)
    for place in (
        "/api/v1/nothing/",
        "/api/v1/samples/1/",
        "/api/v1/samples/%00/",
        "/api/v1/samples/" + "a" * 3000,
        "/api/x",
    ):
        assert_problem(client.get(place), 404)


def test_errors_of_services_become_problems_and_change_nothing(client: APIClient) -> None:
    assert_problem(post(client, {"name": "state"}, HTTP_IDEMPOTENCY_KEY="a"), 409, field="name", code="illegal_state")
    assert_problem(post(client, {"name": "large"}, HTTP_IDEMPOTENCY_KEY="b"), 413)
    slow = post(client, {"name": "rate"}, HTTP_IDEMPOTENCY_KEY="c")
    assert_problem(slow, 429)
    assert slow.headers["Retry-After"] == "7"
    for name in ("overflow", "depth"):
        assert_problem(post(client, {"name": name}, HTTP_IDEMPOTENCY_KEY=name), 400, code="out_of_range")
    assert not AccessToken.objects.exists() and not IdempotencyRecord.objects.exists()


def test_foreign_rows_do_not_exist_and_scopes_are_asked_for(user: Any, client: APIClient) -> None:
    place = post(client, {"name": "a"}).headers["Location"]
    stranger = make_user()

    assert_scope_needed(place, user=user, scope="read")
    assert_scope_needed(URL, user=user, scope="trade", method="post", data={"name": "x"})
    assert_scope_needed(place, user=user, scope="admin", method="delete")
    assert_owner_only(place, owner=user, stranger=stranger)
    assert_owner_only(place, owner=user, stranger=stranger, method="delete")


def test_a_session_needs_the_csrf_token_and_nobody_is_told_how_to_sign_in(user: Any) -> None:
    browser = APIClient(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(user, backend="django.contrib.auth.backends.ModelBackend")

    shown = browser.get(URL)
    assert shown.status_code == 200, shown.content
    assert_problem(browser.post(URL, {"name": "a"}), 403)
    nobody = APIClient().get(URL)
    assert_problem(nobody, 401)
    assert nobody.headers["WWW-Authenticate"].startswith("Bearer")


def test_pages_follow_their_cursors_to_the_end_without_repetition(client: APIClient) -> None:
    for index in range(7):
        post(client, {"name": f"n{index % 3}"})
    for order in ("-created_at", "created_at", "name", "-name"):
        seen: list[str] = []
        cursor = None
        for _ in range(4):
            query = {"limit": 2, "ordering": order, **({"cursor": cursor} if cursor else {})}
            page = client.get(URL, query).json()
            seen += [row["id"] for row in page["results"]]
            cursor = page["next"]
        assert cursor is None and len(seen) == len(set(seen)) == 7


def test_a_cursor_is_good_for_its_own_list_only(user: Any, client: APIClient) -> None:
    for _ in range(3):
        post(client, {"name": "a"})
    cursor = client.get(URL, {"limit": 1}).json()["next"]

    for query in ({"ordering": "name"}, {"name": "a"}):
        assert_problem(client.get(URL, {"cursor": cursor, **query}), 400, field="cursor", code="invalid_cursor")
    assert_problem(api_client(make_user()).get(URL, {"cursor": cursor}), 400, field="cursor")
    for forged in (cursor[:-1], "x", "a:b:c", "", "\x00", "é"):
        assert_problem(client.get(URL, {"cursor": forged}), 400, field="cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 501}, "limit"),
        ({"limit": "x"}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"limit": "9" * 30}, "limit"),
        ({"ordering": "password"}, "ordering"),
        ({"nme": "a"}, "nme"),
        ({"revoked": "1"}, "revoked"),
        ({"name": "a\x00"}, "name"),
        ({"name": ["a", "b"]}, "name"),
        ({"": "a"}, ""),
    ],
)
def test_an_unknown_or_odd_query_parameter_is_refused(client: APIClient, query: Any, field: str) -> None:
    assert_problem(client.get(URL, query), 400, field=field)


def test_filters_narrow_and_detail_views_take_no_parameters(client: APIClient) -> None:
    place = post(client, {"name": "a"}).headers["Location"]
    post(client, {"name": "b"})

    assert [row["name"] for row in client.get(URL, {"name": "b", "revoked": "true"}).json()["results"]] == ["b"]
    assert_problem(client.get(place, {"x": 1}), 400, field="x", code="unknown_field")


@pytest.mark.parametrize("path", ["analytics/performance/", "audit/verify/", "backtests/compare/?ids="])
def test_a_head_is_a_get_without_its_body_with_the_same_scope(user: Any, path: str) -> None:
    for scopes in (("read",), ("read", "admin")):
        client = api_client(user, scopes=scopes)
        head, get = (getattr(client, method)(f"/api/v1/{path}") for method in ("head", "get"))

        assert (head.status_code, head.content) == (get.status_code, b"")
