"""The account's page: profile, where it is signed in, how sign-ins went, and signing out elsewhere."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.testing import assert_page_needs_sign_in
from realtime import push
from users.models import User
from users.selectors import browser_words, open_sessions, reference_of

PASSWORD = "correct horse battery"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"
pytestmark = pytest.mark.django_db
ACCOUNT = "/account/"


@pytest.fixture
def person() -> User:
    return User.objects.create_user("reader", password=PASSWORD, email="reader@example.com")


def signed_in(username: str = "reader", agent: str = FIREFOX, ip: str = "192.0.2.1") -> Client:
    client = Client(HTTP_USER_AGENT=agent, REMOTE_ADDR=ip)
    assert client.post(reverse("users:sign_in"), {"username": username, "password": PASSWORD}).status_code == 302
    return client


def test_the_page_lists_every_session_and_marks_this_one(person: User) -> None:
    here = signed_in()
    signed_in(agent=CHROME, ip="198.51.100.7")

    text = here.get(ACCOUNT).content.decode()

    assert text.count("This session") == 1
    for words in ("Firefox on Linux", "Chrome on Windows", "198.51.100.7", "Sign out everywhere else"):
        assert words in text, words
    assert here.session.session_key not in text
    assert_page_needs_sign_in(ACCOUNT)


def test_signing_out_elsewhere_ends_the_others_alone_and_closes_their_sockets(
    person: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rechecked: list[Any] = []
    monkeypatch.setattr(push, "recheck", rechecked.append)
    User.objects.create_user("stranger", password=PASSWORD)
    here, there, strange = signed_in(), signed_in(agent=CHROME), signed_in("stranger")

    answer = here.post(reverse("users:sign_out_elsewhere"), follow=True)

    assert "Signed out in 1 other place" in answer.content.decode()
    assert [each.get(ACCOUNT).status_code for each in (here, there, strange)] == [200, 302, 200]
    assert rechecked == [person.pk]


def test_one_session_is_ended_by_its_reference_and_nobody_elses(person: User) -> None:
    User.objects.create_user("stranger", password=PASSWORD)
    here, there, strange = signed_in(), signed_in(agent=CHROME), signed_in("stranger")

    def end(client: Client) -> int:
        reference = reference_of(str(client.session.session_key))
        return here.post(reverse("users:sign_out_session", args=[reference])).status_code

    assert (end(there), end(strange), end(there)) == (302, 404, 404)
    assert [each.get(ACCOUNT).status_code for each in (here, there, strange)] == [200, 302, 200]


def test_ending_sessions_needs_a_post_and_a_sign_in(person: User) -> None:
    assert signed_in().get(reverse("users:sign_out_elsewhere")).status_code == 405
    assert Client().post(reverse("users:sign_out_elsewhere")).status_code == 302
    assert len(open_sessions(person, current_key=None)) == 1


def test_recent_sign_ins_show_refused_ones_from_the_audit_log_and_not_those_of_others(person: User) -> None:
    User.objects.create_user("stranger", password=PASSWORD)
    for name, ip in (("reader", "203.0.113.9"), ("stranger", "203.0.113.10")):
        Client(REMOTE_ADDR=ip).post(reverse("users:sign_in"), {"username": name, "password": "wrong"})

    text = signed_in().get(ACCOUNT).content.decode()

    assert text.count("Refused") == 1 and "203.0.113.9" in text and "203.0.113.10" not in text
    assert text.count("Signed in</span>") == 1


def test_the_profile_is_changed_and_a_zone_that_does_not_exist_refused(person: User) -> None:
    client = signed_in()

    client.post(ACCOUNT, {"email": "new@example.com", "timezone": "Europe/Vienna"})
    refused = client.post(ACCOUNT, {"email": "nothing", "timezone": "Mars/Olympus"}).content.decode()

    person.refresh_from_db()
    assert (person.email, person.timezone) == ("new@example.com", "Europe/Vienna")
    assert "Mars/Olympus" in refused and "2 things need changing" in refused


def test_every_entry_of_the_menus_leads_to_a_page(person: User) -> None:
    client = signed_in()
    navigation = client.get(ACCOUNT).context["navigation"]

    entries = [*navigation["all"], *navigation["personal"]]

    assert {"Account and security", "API keys"} <= {entry.label for entry in entries}
    assert {entry.url: client.get(entry.url).status_code for entry in entries} == {e.url: 200 for e in entries}


@pytest.mark.parametrize(
    ("agent", "words"),
    [(FIREFOX, "Firefox on Linux"), (CHROME, "Chrome on Windows"), ("curl/8", ""), ("", "")],
)
def test_a_browser_is_told_in_words(agent: str, words: str) -> None:
    assert browser_words(agent) == words
