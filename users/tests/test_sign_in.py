"""Signing in and out: equal answers, lock-out per account and per address, sessions that end."""

from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import OutboxEvent
from realtime import push
from users.client_address import client_address
from users.models import User

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return User.objects.create_user("reader", password=PASSWORD)


def sign_in(username: str, password: str, **headers: Any) -> Any:
    return Client().post(reverse("users:sign_in"), {"username": username, "password": password}, **headers)


def test_the_right_password_signs_in(person: User) -> None:
    response = sign_in("reader", PASSWORD)

    assert (response.status_code, response["Location"]) == (302, "/")


def test_unknown_users_wrong_passwords_and_disabled_accounts_get_the_same_answer(person: User) -> None:
    User.objects.create_user("gone", password=PASSWORD, is_active=False)

    pages = [
        sign_in(name, word).content.decode().replace(f'value="{name}"', "")
        for name, word in (("reader", "wrong"), ("nobody", "wrong"), ("gone", PASSWORD))
    ]
    errors = [page[page.index("data-form-summary") :][:200] for page in pages]

    assert errors[0] == errors[1] == errors[2]
    assert "is not right" in errors[0]


def test_an_account_is_locked_after_failures_from_many_addresses(person: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for n in range(3):
        sign_in("reader", "wrong", REMOTE_ADDR=f"10.0.0.{n}")

    response = sign_in("reader", PASSWORD, REMOTE_ADDR="10.0.0.99")

    assert response.status_code == 429
    assert response["Retry-After"] == "900"


def test_an_address_is_locked_after_failures_on_many_accounts(person: User, settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for n in range(3):
        sign_in(f"guess{n}", "wrong", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=f"192.0.2.{n}")

    assert sign_in("reader", PASSWORD, REMOTE_ADDR="10.0.0.1").status_code == 429
    assert sign_in("reader", PASSWORD, REMOTE_ADDR="10.0.0.2").status_code == 302


def test_an_unknown_account_is_locked_like_a_known_one(settings: Any) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    answers = [sign_in("nobody", "wrong", REMOTE_ADDR=f"10.0.0.{n}").status_code for n in range(5)]

    assert answers[-1] == 429


@pytest.mark.parametrize(
    ("sender", "forwarded", "expected"),
    [
        ("10.0.0.1", "192.0.2.7", "10.0.0.1"),
        ("10.9.9.9", "192.0.2.7", "192.0.2.7"),
        ("10.9.9.9", "1.2.3.4, 192.0.2.7", "192.0.2.7"),
        ("10.9.9.9", "1.2.3.4, 10.9.9.8", "1.2.3.4"),
        ("10.9.9.9", "", "10.9.9.9"),
    ],
)
def test_only_a_trusted_proxy_may_name_the_client(settings: Any, sender: str, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = ["10.9.9.9", "10.9.9.8"]

    request = RequestFactory().get("/", REMOTE_ADDR=sender, HTTP_X_FORWARDED_FOR=forwarded)

    assert client_address(request) == expected


def test_signing_out_needs_a_post_ends_the_session_and_rechecks_the_sockets(
    client: Client, person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rechecked: list[Any] = []
    monkeypatch.setattr(push, "recheck", rechecked.append)
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")

    assert client.get(reverse("users:sign_out")).status_code == 405
    assert client.post(reverse("users:sign_out")).status_code == 302

    assert "_auth_user_id" not in client.session
    assert rechecked == [person.pk]


def test_a_changed_password_ends_other_sessions_and_keeps_this_one(person: User) -> None:
    here, elsewhere = Client(), Client()
    for browser in (here, elsewhere):
        browser.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    form = {"old_password": PASSWORD, "new_password1": "another long phrase", "new_password2": "another long phrase"}

    here.post(reverse("users:password_change"), form)

    page = reverse("users:password_change")
    assert here.get(page).status_code == 200
    assert elsewhere.get(page).status_code == 302


def test_a_next_address_on_another_site_is_not_followed(person: User) -> None:
    response = Client().post(
        f"{reverse('users:sign_in')}?next=https://evil.example/", {"username": "reader", "password": PASSWORD}
    )

    assert response["Location"] == "/"


def test_the_first_user_is_made_once_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_USERNAME", "boss")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

    call_command("create_first_user")
    call_command("create_first_user")

    boss = User.objects.get()
    assert boss.is_superuser and boss.check_password(PASSWORD)
    assert PASSWORD not in capsys.readouterr().out


def test_a_generated_password_is_shown_once_and_works(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DJANGO_SUPERUSER_PASSWORD", raising=False)
    monkeypatch.delenv("DJANGO_SUPERUSER_USERNAME", raising=False)

    call_command("create_first_user")
    shown = capsys.readouterr().out.splitlines()[0].rsplit(" ", 1)[1]
    call_command("create_first_user")

    assert User.objects.get(username="admin").check_password(shown)
    assert capsys.readouterr().out == ""


def test_an_unknown_time_zone_is_refused(person: User) -> None:
    person.timezone = "Mars/Olympus"

    with pytest.raises(ValidationError, match="Mars/Olympus"):
        person.full_clean()


def test_a_failed_sign_in_is_told_to_the_account_and_a_name_that_nobody_has_is_not_kept(person: User) -> None:
    sign_in("reader", "wrong", REMOTE_ADDR="192.0.2.4")
    sign_in("my secret typed here", "wrong", REMOTE_ADDR="192.0.2.4")
    sign_in("reader", "", REMOTE_ADDR="192.0.2.4")

    told = OutboxEvent.objects.filter(name="login.failed").order_by("seq")

    assert [(row.user_id, row.payload["username"], row.payload["ip"]) for row in told] == [
        (person.pk, "reader", "192.0.2.4"),
        (None, "", "192.0.2.4"),
    ]


def test_known_and_unknown_names_cost_the_same_statements(
    person: User,
) -> None:
    counts = []
    for name in ("reader", "nobody"):
        with CaptureQueriesContext(connection) as asked:
            sign_in(name, "wrong", REMOTE_ADDR=f"192.0.2.{len(counts)}")
        counts.append(len(asked))

    assert counts[0] == counts[1] > 0
