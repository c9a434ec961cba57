"""Idempotency keys: one POST makes one thing, however often and from wherever it comes."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from apikeys.models import AccessToken
from core.api.idempotency import forget_old
from core.models import IdempotencyRecord
from core.testing import (
    api_client,
    assert_problem,
    in_threads,
    make_user,
)
from core.tests.sample_api import URL, post

pytestmark = pytest.mark.urls("core.tests.sample_api")


@pytest.fixture
def user(db: None) -> Any:
    cache.clear()
    return make_user()


@pytest.fixture
def client(user: Any) -> APIClient:
    return api_client(user)


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
