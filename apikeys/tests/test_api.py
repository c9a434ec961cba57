"""auth/tokens/: credentials, scopes, expiry, addresses, revocation, lock-out."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils import timezone
from rest_framework.test import APIClient

from apikeys import services
from apikeys.models import AccessToken
from apikeys.selectors import token_for, user_for_token
from core.models import IdempotencyRecord, OutboxEvent
from core.testing import PASSWORD, api_client, assert_owner_only, assert_problem, make_user
from domain.errors import PermissionRefused, ValidationFailed

URL = "/api/v1/auth/tokens/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_counters() -> None:
    cache.clear()


@pytest.fixture
def user() -> Any:
    return make_user("ada")


def bearer(raw: str, **extra: Any) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {raw}", **extra)
    return client


def ask(**fields: Any) -> Any:
    body = {"username": "ada", "password": PASSWORD, "scopes": ["read"], **fields}
    return api_client().post(URL, {k: v for k, v in body.items() if v is not None})


def test_user_name_and_password_give_a_token_that_is_kept_only_as_a_hash(user: Any) -> None:
    response = ask(scopes=["read", "trade"], name="script")

    assert response.status_code == 201, response.content
    raw = response.json()["token"]
    row = AccessToken.objects.get()
    assert raw not in str(row.__dict__) and row.hint == raw[-4:] == response.json()["hint"]
    assert bearer(raw).get(URL).json()["results"][0]["id"] == str(row.pk)
    assert "token" not in bearer(raw).get(URL).json()["results"][0]
    assert OutboxEvent.objects.filter(name="access_token.changed").count() == 1


def test_wrong_password_and_unknown_user_get_the_same_answer(user: Any) -> None:
    wrong, unknown = ask(password="nope"), ask(username="nobody", password="nope")

    assert_problem(wrong, 401, code="bad_credentials")
    assert wrong.json() == unknown.json()
    assert wrong.headers["WWW-Authenticate"].startswith("Bearer")
    told = OutboxEvent.objects.filter(name="login.failed").order_by("seq")
    assert list(told.values_list("user_id", flat=True)) == [user.pk, None]


def test_an_inactive_user_gets_no_token_and_keeps_none(user: Any) -> None:
    raw = ask().json()["token"]
    user.is_active = False
    user.save()

    assert_problem(ask(), 401)
    assert_problem(bearer(raw).get(URL), 401)


def test_ten_failures_lock_the_account_with_retry_after_even_for_the_right_password(user: Any) -> None:
    answers = [ask(password="nope") for _ in range(11)]

    assert {answer.status_code for answer in answers[:9]} == {401}
    assert answers[-1].status_code == 429 and int(answers[-1].headers["Retry-After"]) > 0
    locked = ask()
    assert_problem(locked, 429)
    assert int(locked.headers["Retry-After"]) > 0


def test_a_forwarded_address_does_not_fool_the_counter_of_an_address() -> None:
    for index in range(12):
        response = api_client().post(
            URL, {"username": f"u{index}", "password": "x", "scopes": ["read"]}, HTTP_X_FORWARDED_FOR=f"9.9.9.{index}"
        )

    assert_problem(response, 429)


def test_an_account_with_a_second_factor_needs_its_code(user: Any) -> None:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    _, now, _ = yield_hotp_counters_from_time()  # the step before and the one after hold too: clocks differ
    code = format_hotp_value(hotp_value(secret, now))

    assert Authenticator.objects.filter(user=user).exists()
    assert_problem(ask(), 401, code="bad_credentials")
    assert_problem(ask(otp="000000" if code != "000000" else "111111"), 401, code="bad_credentials")
    assert ask(otp=code).status_code == 201


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["root"]}, "scopes.0"),
        ({"scopes": None}, "scopes"),
        ({"password": None}, "password"),
        ({"username": None}, "username"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"ip_networks": ["10.0.0.0/99"]}, "ip_networks.0"),
        ({"name": "x" * 101}, "name"),
        ({"scope": "read"}, "scope"),
        ({"username": "a\u202eda"}, "username"),
    ],
)
def test_bad_input_is_refused_by_field(user: Any, fields: dict[str, Any], field: str) -> None:
    assert_problem(ask(**fields), 400, field=field)
    assert not AccessToken.objects.exists()


def test_a_token_can_not_give_more_than_it_may_itself(user: Any) -> None:
    raw = ask(scopes=["read"]).json()["token"]

    assert_problem(bearer(raw).post(URL, {"scopes": ["read", "admin"]}), 403, code="missing_scope")
    assert bearer(raw).post(URL, {"scopes": ["read"]}).status_code == 201
    with pytest.raises(PermissionRefused):
        services.make_token(user, scopes=["admin"], granted=["read"])


def test_a_read_token_may_not_revoke(user: Any) -> None:
    token, raw = services.make_token(user, scopes=["read"])

    assert_problem(bearer(raw).delete(f"{URL}{token.pk}/"), 403, code="missing_scope")


def test_a_revoked_expired_or_foreign_addressed_token_opens_nothing(user: Any) -> None:
    token, raw = services.make_token(user, scopes=["read", "trade"])
    _, elsewhere = services.make_token(user, scopes=["read"], ip_networks=["10.1.0.0/16"])
    soon, late = services.make_token(user, scopes=["read"], expires_at=timezone.now() + timedelta(hours=1))
    AccessToken.objects.filter(pk=soon.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    assert bearer(raw).delete(f"{URL}{token.pk}/").status_code == 204
    for dead in (raw, elsewhere, late, "nonsense", "tp_" + "a" * 43, "\x00"):
        assert_problem(bearer(dead).get(URL), 401)
    assert user_for_token(elsewhere, "10.1.2.3") == (user, frozenset({"read"}))
    assert token_for(elsewhere, "not an address") is None


def test_a_bad_header_is_401_and_never_a_500(user: Any) -> None:
    for header in ("Basic YTpi", "Bearer", "Bearer  ", "Token x", "Bearer é", "\xff\xfe"):
        client = APIClient(raise_request_exception=False)
        assert_problem(client.get(URL, HTTP_AUTHORIZATION=header), 401)


def test_tokens_are_their_owners_alone(user: Any) -> None:
    token, _ = services.make_token(user, scopes=["read"])

    assert_owner_only(f"{URL}{token.pk}/", owner=user, stranger=make_user())
    assert_owner_only(f"{URL}{token.pk}/", owner=user, stranger=make_user(), method="delete")


def test_the_same_key_gives_the_same_token_and_the_database_does_not_hold_it(user: Any) -> None:
    body = {"username": "ada", "password": PASSWORD, "scopes": ["read"]}
    first = api_client().post(URL, body, HTTP_IDEMPOTENCY_KEY="k1")
    again = api_client().post(URL, body, HTTP_IDEMPOTENCY_KEY="k1")
    other = api_client().post(URL, {**body, "scopes": ["trade"]}, HTTP_IDEMPOTENCY_KEY="k1")

    assert first.json() == again.json() and first.status_code == again.status_code == 201
    assert AccessToken.objects.count() == 1
    assert_problem(other, 409, code="idempotency_key_reused")
    assert first.json()["token"] not in str(IdempotencyRecord.objects.get().__dict__)


def test_the_use_of_a_token_is_noted(user: Any) -> None:
    token, raw = services.make_token(user, scopes=["read"])

    bearer(raw).get(URL)

    token.refresh_from_db()
    assert token.last_used_at is not None and token.last_used_ip == "127.0.0.1"


def test_there_is_a_bound_on_tokens(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MAX_TOKENS", 2)
    services.make_token(user, scopes=["read"])
    services.make_token(user, scopes=["read"])

    with pytest.raises(ValidationFailed, match="2 tokens"):
        services.make_token(user, scopes=["read"])


def test_the_command_prints_the_token_alone(user: Any) -> None:
    out = StringIO()

    call_command("api_token", "ada", "--scopes", "read,trade", stdout=out)

    raw = out.getvalue().strip()
    found = user_for_token(raw, "127.0.0.1")
    assert found is not None and found[1] == {"read", "trade"}


@pytest.mark.parametrize(
    "arguments", [["nobody"], ["ada", "--scopes", "root"], ["ada", "--scopes", ""], ["ada", "--days", "0"]]
)
def test_the_command_refuses_bad_arguments(user: Any, arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("api_token", *arguments)
