"""The base of all API views, on a sample view over a real table: strict input, pages, keys, problems; no 5xx."""

import json
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.urls import include, path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import serializers
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIClient

from apikeys.models import AccessToken
from apikeys.services import make_token
from core.api.fields import Boolean, DecimalString, Identifier, Integer, Number, Symbol, Text, UtcDateTime
from core.api.idempotency import forget_old
from core.api.permissions import Scope
from core.api.queries import Filter
from core.api.serializers import StrictSerializer
from core.api.throttling import count
from core.api.views import CreateMixin, DestroyMixin, OwnedReadViewSet
from core.models import IdempotencyRecord
from core.testing import (
    api_client,
    assert_owner_only,
    assert_problem,
    assert_scope_needed,
    in_threads,
    make_user,
)
from domain.errors import IllegalState, RateLimited, TooLarge


class Leg(StrictSerializer):
    symbol = Symbol()
    ratio = Integer(minimum=1, maximum=9)


class SampleInput(StrictSerializer):
    name = Text(max_length=100)
    limit = DecimalString(required=False)
    share = Number(minimum=0, maximum=1, required=False)
    at = UtcDateTime(required=False)
    flag = Boolean(required=False)
    legs = Leg(many=True, required=False)
    tags = serializers.ListField(child=Text(max_length=10), max_length=3, required=False)


class SampleOutput(StrictSerializer):
    id = Identifier()
    name = Text(max_length=100)
    created_at = UtcDateTime()


class SampleViewSet(CreateMixin, DestroyMixin, OwnedReadViewSet):
    """Stands on the table of tokens; a name of ``boom…`` raises."""

    model = AccessToken
    output = SampleOutput
    bodies: ClassVar = {"create": SampleInput}
    filters: ClassVar = {
        "name": Filter("name", Text(max_length=100)),
        "revoked": Filter("revoked_at__isnull", Boolean()),
    }
    ordering: ClassVar = {"created_at": "created_at", "name": "name"}
    scopes: ClassVar = {"destroy": Scope.ADMIN}

    def make(self, values: dict[str, Any]) -> Any:
        errors = {
            "state": IllegalState("It is over.", field="name"),
            "large": TooLarge("Too much."),
            "rate": RateLimited("Slowly.", retry_after=7),
            "overflow": OverflowError("Python int too large"),
            "depth": RecursionError("too deep"),
        }
        token, _ = make_token(self.request.user, scopes=["read"], name=values["name"])
        if values["name"] in errors:
            raise errors[values["name"]]
        return token

    def remove(self, row: AccessToken) -> None:
        row.delete()


router = SimpleRouter()
router.register("samples", SampleViewSet, basename="sample")
urlpatterns = [path("api/v1/", include(router.urls)), path("", include("tradeplatform.urls"))]
handler400 = "tradeplatform.errors.bad_request"
handler403 = "tradeplatform.errors.permission_denied"
handler404 = "tradeplatform.errors.not_found"
handler500 = "tradeplatform.errors.server_error"

URL = "/api/v1/samples/"
pytestmark = pytest.mark.urls(__name__)


@pytest.fixture
def user(db: None) -> Any:
    cache.clear()
    return make_user()


@pytest.fixture
def client(user: Any) -> APIClient:
    return api_client(user)


def post(client: APIClient, body: Any, **extra: Any) -> Any:
    return client.post(URL, body, **extra)


def raw(client: APIClient, body: bytes, content_type: str = "application/json", method: str = "POST") -> Any:
    return client.generic(method, URL, body, content_type=content_type)


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


def test_a_key_gives_the_first_answer_again_and_refuses_another_body(user: Any, client: APIClient) -> None:
    first = post(client, {"name": "a", "limit": "1"}, HTTP_IDEMPOTENCY_KEY="k")
    again = raw_with_key(client, b'{"limit":"1",  "name":"a"}', "k")

    assert again.status_code == 201 and again.json() == first.json()
    assert again.headers["Location"] == first.headers["Location"]
    assert_problem(post(client, {"name": "b"}, HTTP_IDEMPOTENCY_KEY="k"), 409, code="idempotency_key_reused")
    assert post(api_client(make_user()), {"name": "b"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 201
    assert AccessToken.objects.for_user(user).count() == 1
    for bad in ("", "x" * 256, "a b", "é"):
        assert_problem(post(client, {"name": "a"}, HTTP_IDEMPOTENCY_KEY=bad), 400, field="Idempotency-Key")


def raw_with_key(client: APIClient, body: bytes, key: str) -> Any:
    return client.generic("POST", URL, body, content_type="application/json", HTTP_IDEMPOTENCY_KEY=key)


def test_keys_are_kept_for_thirty_days(client: APIClient) -> None:
    post(client, {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k")
    made_at = IdempotencyRecord.objects.get().created_at

    assert forget_old(at=made_at + timedelta(days=30)) == 0
    assert forget_old(at=made_at + timedelta(days=30, seconds=1)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_hundred_equal_posts_at_once_make_one_thing(transactional_db: None) -> None:
    cache.clear()
    user = make_user()

    answers = in_threads(
        100,
        lambda _: (r := post(api_client(user), {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k")) and (r.status_code, r.content),
    )

    assert set(answers) == {answers[0]}, set(map(str, answers))
    assert answers[0][0] == 201
    assert AccessToken.objects.for_user(user).count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_first_post_that_fails_leaves_the_key_free(transactional_db: None) -> None:
    client = api_client(make_user())

    assert_problem(post(client, {"name": "state"}, HTTP_IDEMPOTENCY_KEY="k"), 409)

    assert post(client, {"name": "a"}, HTTP_IDEMPOTENCY_KEY="k").status_code == 201


@override_settings(API_RATES={"user": (3, 60)})
def test_too_many_requests_are_429_with_retry_after(client: APIClient) -> None:
    answers = [client.get(URL) for _ in range(4)]

    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


def test_a_cache_that_is_down_throttles_nobody(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise ConnectionError("no cache")

    monkeypatch.setattr("core.api.throttling.cache.add", fail)

    assert client.get(URL).status_code == 200
    assert count("user", "x", now=0.0)[0] is True


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["1e5", "NaN", "2026-01-01T00:00:00Z", "9" * 40, "AAPL", "\u202e", "\x00"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
_FIELDS = st.sampled_from([*SampleInput().fields, "symbol", "ratio"]) | st.text(max_size=5)
_QUERY = st.dictionaries(
    st.sampled_from(["limit", "cursor", "ordering", "name", "revoked"]) | st.text(max_size=4),
    st.text(max_size=12),
    max_size=3,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
    body=st.dictionaries(_FIELDS, _VALUES, max_size=5),
    query=_QUERY,
    key=st.none() | st.text(max_size=5),
)
def test_no_generated_request_is_a_server_fault(
    client: APIClient, method: str, body: Any, query: Any, key: Any
) -> None:
    headers = {} if key is None else {"HTTP_IDEMPOTENCY_KEY": key}
    request = client.generic(method, URL, json.dumps(body), content_type="application/json", **headers)
    listed = client.get(URL, query)

    for response in (request, listed):
        assert response.status_code < 500
        if response.status_code >= 400 and method != "HEAD":
            assert_problem(response, response.status_code)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=100),
    content_type=st.text(st.characters(max_codepoint=255, exclude_characters="\r\n"), max_size=30)
    | st.just("application/json"),
)
def test_no_bytes_of_any_media_type_are_a_server_fault(client: APIClient, body: bytes, content_type: str) -> None:
    response = raw(client, body, content_type)

    assert response.status_code < 500
