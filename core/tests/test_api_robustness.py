"""No request, however made, is a server fault; too many are told to wait."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from core.api.throttling import count
from core.testing import (
    api_client,
    assert_problem,
    make_user,
)
from core.tests.sample_api import URL, SampleInput, raw

pytestmark = pytest.mark.urls("core.tests.sample_api")


@pytest.fixture
def user(db: None) -> Any:
    cache.clear()
    return make_user()


@pytest.fixture
def client(user: Any) -> APIClient:
    return api_client(user)


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
