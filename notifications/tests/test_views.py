"""The notification pages: sign-in, owner only, filters, pages, actions, and no dead links."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from core.testing import assert_page_needs_sign_in, assert_page_owner_only, make_user, page_client
from domain import events
from notifications.models import Mute, Notification
from notifications.services.routing import route_event
from notifications.tests.facts import NOON, stored
from notifications.tests.test_routing import prefer

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> Any:
    return make_user()


def tell(user: Any, cls: Any = events.OrderFilled, **values: Any) -> Notification:
    return route_event(stored(cls, user, **values), at=NOON)[0]


def address(name: str, *args: Any) -> str:
    return reverse(f"notifications:{name}", args=args)


@pytest.mark.parametrize("name", ["list", "bell", "badge", "not_sent"])
def test_pages_need_sign_in(name: str) -> None:
    assert_page_needs_sign_in(address(name))


def test_a_notification_is_its_owners_alone(user: Any) -> None:
    row, stranger = tell(user), make_user()

    assert_page_owner_only(address("why", row.pk), owner=user, stranger=stranger)
    for action in ("read", "acknowledge", "snooze", "mute"):
        assert page_client(stranger).post(address(action, row.pk), {"hours": 1}).status_code == 404
    row.refresh_from_db()
    assert (row.read_at, row.acknowledged_at, row.snoozed_until) == (None, None, None)


def test_the_list_shows_what_happened_in_words(user: Any) -> None:
    tell(user)

    html = page_client(user).get(address("list")).content.decode()

    assert "Bought 1,250 AAPL" in html and "$236,500.00" in html
    assert 'data-topic="/ws/notifications/"' in html and 'data-live="notification.*"' in html


def test_an_empty_list_says_what_to_do(user: Any) -> None:
    client = page_client(user)

    assert "Start a strategy" in client.get(address("list")).content.decode()
    tell(user)
    assert "Nothing fits this filter" in client.get(address("list") + "?type=LARGE_LOSS").content.decode()


def test_the_list_filters_and_pages_and_keeps_the_filter(user: Any) -> None:
    for _ in range(32):
        tell(user)
    tell(user, events.OrderUnresolved)
    client = page_client(user)

    first = client.get(address("list") + "?type=ORDER_FILLED&unread=on")
    (older,) = re.findall(r'rel="next" href="([^"]+)"|href="([^"]+)" rel="next"', first.content.decode())
    second = client.get((older[0] or older[1]).replace("&amp;", "&"))

    assert len(first.context["rows"]) == 30 and len(second.context["rows"]) == 2
    assert {row.type for row in first.context["rows"]} == {"ORDER_FILLED"}
    assert second.context["form"].cleaned_data["unread"] is True


@pytest.mark.parametrize("query", ["type=X", "before=abc", "before=-1", "incident=zzz", "before=99999999999999999999"])
def test_a_filter_that_does_not_fit_is_ignored_not_an_error(user: Any, query: str) -> None:
    assert page_client(user).get(f"{address('list')}?{query}").status_code == 200


def test_htmx_gets_the_list_alone(user: Any) -> None:
    tell(user)
    headers = {"HX-Request": "true", "HX-Target": "div#notification-list"}

    html = page_client(user).get(address("list"), headers=headers).content.decode()

    assert "Bought" in html and "<html" not in html


def test_the_bell_lists_the_newest_with_the_badge(user: Any) -> None:
    for _ in range(12):
        tell(user)

    html = page_client(user).get(address("bell")).content.decode()

    assert html.count('class="is-unread"') == 10
    assert "hx-swap-oob" in html and ">12<" in html


def test_the_badge_is_empty_when_all_is_read(user: Any) -> None:
    tell(user)
    client = page_client(user)
    assert ">1<" in client.get(address("badge")).content.decode()

    client.post(address("read_all"))

    assert client.get(address("badge")).content.decode().strip() == ""


def test_opening_marks_as_read_and_never_leads_nowhere(user: Any) -> None:
    row = tell(user, order_id=uuid4())
    Notification.objects.filter(pk=row.pk).update(link="/no-such-page/")
    client = page_client(user)

    response = client.get(address("open", row.pk))

    row.refresh_from_db()
    assert row.read_at is not None
    assert response.headers["Location"] == address("why", row.pk)
    Notification.objects.filter(pk=row.pk).update(link=address("list") + "?type=ORDER_FILLED")
    assert client.get(address("open", row.pk)).headers["Location"] == address("list") + "?type=ORDER_FILLED"


def test_actions_change_the_row_and_answer_htmx_with_it(user: Any) -> None:
    row = tell(user, events.OrderUnresolved)
    client = page_client(user)
    headers = {"HX-Request": "true"}

    html = client.post(address("acknowledge", row.pk), headers=headers).content.decode()
    assert f'id="notification-{row.pk}"' in html and "Acknowledged" in html
    assert "Snoozed until" in client.post(address("snooze", row.pk), {"hours": 4}, headers=headers).content.decode()
    assert client.post(address("snooze", row.pk), {"hours": 999}).status_code == 400
    assert client.post(address("mute", row.pk)).status_code == 302
    assert Mute.objects.get(user=user).subject == "AAPL"


def test_security_alerts_offer_no_mute(user: Any) -> None:
    row = tell(user, events.LoginFailed)
    client = page_client(user)

    assert address("mute", row.pk) not in client.get(address("list")).content.decode()
    assert client.post(address("mute", row.pk)).status_code == 400


def test_what_was_not_sent_is_listed_with_its_reason(user: Any) -> None:
    prefer(user, "ORDER_FILLED", enabled=False)
    route_event(stored(events.OrderFilled, user), at=timezone.now())

    assert "Order filled is switched off." in page_client(user).get(address("not_sent")).content.decode()


def test_texts_from_outside_are_escaped(user: Any) -> None:
    tell(user, events.StrategyFailed, strategy="<script>alert(1)</script>")

    html = page_client(user).get(address("list")).content.decode()

    assert "<script>alert(1)" not in html and "&lt;script&gt;alert(1)" in html


def test_a_list_needs_few_queries(user: Any, django_assert_max_num_queries: Any) -> None:
    for _ in range(30):
        tell(user)
    client = page_client(user)

    with django_assert_max_num_queries(12):
        client.get(address("list"))
