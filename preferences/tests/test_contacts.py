"""Contact points: what is taken, what is refused, how they are stored, shown and obeyed."""

from typing import Any

import pytest
from django.urls import reverse

from core.testing import api_client, assert_problem, make_user, page_client
from domain.errors import ValidationFailed
from domain.notices import Channel
from notifications.wishes import wishes_from
from preferences import selectors, services
from preferences.contacts import Contacts, clean_contacts
from preferences.definitions import Category
from preferences.notices import NotificationPreferences

PUSH = {"endpoint": "https://push.example/abc", "p256dh": "B" * 87, "auth": "a" * 22}


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("+436601234567", "+436601234567"),
        ("+43 660 123-45.67", "+436601234567"),
        ("+1 (212) 555-0100", "+12125550100"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_phone_number_is_kept_as_e164(given: Any, stored: str) -> None:
    contacts, faults = clean_contacts({"phone": given})

    assert (contacts.phone, faults) == (stored, [])


@pytest.mark.parametrize(
    "given", ["06601234567", "+0660123456", "+43660", "+4366012345678901", "+43 abc", 436601234567, True, "+٤٣٦٦٠١٢٣٤٥"]
)
def test_anything_else_is_refused_by_its_name(given: Any) -> None:
    contacts, (fault,) = clean_contacts({"phone": given}, Contacts(phone="+12125550100"))

    assert (fault.field, contacts.phone) == ("contacts.phone", "+12125550100")
    assert "country code" in fault.message


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"webhooks": ["http://example.org/x"]}, "contacts.webhooks"),
        ({"webhooks": ["https://user:word@example.org/"]}, "contacts.webhooks"),
        ({"webhooks": ["https://"]}, "contacts.webhooks"),
        ({"webhooks": ["https://[half"]}, "contacts.webhooks"),
        ({"webhooks": ["https://a.example/ b"]}, "contacts.webhooks"),
        ({"webhooks": ["https://a.example/"] * 2}, "contacts.webhooks"),
        ({"webhooks": [f"https://a.example/{n}" for n in range(6)]}, "contacts.webhooks"),
        ({"webhooks": "https://a.example/"}, "contacts.webhooks"),
        ({"push": [{**PUSH, "auth": "short"}]}, "contacts.push"),
        ({"push": [{**PUSH, "more": 1}]}, "contacts.push"),
        ({"fax": "1"}, "contacts"),
        ("+436601234567", "contacts"),
    ],
)
def test_addresses_that_nothing_could_be_sent_to_are_refused(values: Any, field: str) -> None:
    contacts, (fault,) = clean_contacts(values)

    assert (fault.field, contacts) == (field, Contacts())


def test_contacts_come_back_from_storage_and_the_rest_stays_when_one_is_changed() -> None:
    contacts, _ = clean_contacts({"webhooks": ["https://a.example/hook"], "push": [PUSH]})
    contacts, _ = clean_contacts({"phone": "+12125550100"}, contacts)
    stored = NotificationPreferences(contacts=contacts).stored()

    assert NotificationPreferences.restored(stored).contacts == contacts
    assert contacts.webhooks == ("https://a.example/hook",) and len(contacts.push) == 1
    assert NotificationPreferences().stored() == {}


@pytest.mark.django_db
def test_a_phone_number_opens_the_way_of_text_messages_and_taking_it_away_closes_it() -> None:
    user = make_user()
    assert Channel.SMS not in wishes_from(selectors.current(user.pk)).reachable

    services.change(user, Category.NOTIFICATIONS, {"contacts": {"phone": "+43 660 1234567"}})
    assert Channel.SMS in wishes_from(selectors.current(user.pk)).reachable

    services.change(user, Category.NOTIFICATIONS, {"contacts": None})
    assert Channel.SMS not in wishes_from(selectors.current(user.pk)).reachable


@pytest.mark.django_db
def test_a_bad_number_changes_nothing() -> None:
    user = make_user()

    with pytest.raises(ValidationFailed) as refused:
        services.change(user, Category.NOTIFICATIONS, {"contacts": {"phone": "0660"}})

    assert [fault.field for fault in refused.value.errors] == ["contacts.phone"]
    assert selectors.current(user.pk).version == 0


@pytest.mark.django_db
def test_the_page_previews_saves_and_refuses_a_phone_number() -> None:
    user = make_user()
    client, url = page_client(user), f"{reverse('preferences:overview')}?tab=notifications"
    shown = client.get(url).context["entries"]
    matrix = {
        form.add_prefix(name): form.initial[name] for form in shown for name in form.initial if form.initial[name]
    }
    matrix |= {form.add_prefix("throttle_minutes"): "0" for form in shown}

    def post(phone: str, **more: str) -> Any:
        version = str(selectors.current(user.pk).version)
        given = {**matrix, "version": version, "contact_phone": phone, "contact_webhooks": "", **more}
        return client.post(url, given)

    assert b"country code" in post("0660 1234567", step="save").content
    asked = post("+43 660 1234567", step="preview").content
    assert b"Phone" in asked and b"+436601234567" in asked and selectors.current(user.pk).version == 0

    post("+43 660 1234567", step="save")
    assert selectors.current(user.pk).notifications.contacts.phone == "+436601234567"
    assert b"+436601234567" in client.get(reverse("preferences:history")).content


@pytest.mark.django_db
def test_contacts_are_set_and_told_by_the_api() -> None:
    user = make_user()
    client, url = api_client(user), "/api/v1/preferences/notifications/"

    answer = client.put(url, {"contacts": {"phone": "+43 660 1234567", "push": [PUSH]}}, format="json")
    assert answer.status_code == 200
    assert answer.json()["contacts"] == {"phone": "+436601234567", "webhooks": [], "push": [PUSH]}

    for bad in ({"phone": "1"}, {"webhooks": ["ftp://x"]}, {"fax": "1"}, {"push": [{}]}, [], "x"):
        assert_problem(client.put(url, {"contacts": bad}, format="json"), 400)
    assert client.get(url).json()["contacts"]["phone"] == "+436601234567"
