"""The platform's own tables in the admin: searchable, never written by hand; dead letters can be sent again."""

import uuid

import pytest
from django.urls import reverse
from django.utils import timezone

from core.models import FailedDelivery, OutboxEvent
from core.testing import make_user, page_client

pytestmark = pytest.mark.django_db
TABLES = ("outboxevent", "faileddelivery", "audithead", "idempotencyrecord")


@pytest.fixture
def operator():
    return page_client(make_user(is_staff=True, is_superuser=True))


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_listed_and_searched_but_never_added_to(operator, table):
    assert operator.get(reverse(f"admin:core_{table}_changelist"), {"q": "order"}).status_code == 200
    assert operator.get(reverse(f"admin:core_{table}_add")).status_code == 403


def test_a_fact_is_shown_with_its_payload_and_can_not_be_changed_or_deleted(operator):
    event = OutboxEvent.objects.create(
        event_id=uuid.uuid4(), name="order.filled", payload={"symbol": "<AAPL>"}, at=timezone.now()
    )
    change = reverse("admin:core_outboxevent_change", args=[event.pk])

    assert "&lt;AAPL&gt;" in operator.get(change).content.decode()
    operator.post(change, {"name": "other"})
    operator.post(reverse("admin:core_outboxevent_delete", args=[event.pk]), {"post": "yes"})

    event.refresh_from_db()
    assert event.name == "order.filled"


def test_a_dead_letter_is_put_back_by_an_operator(operator):
    event = OutboxEvent.objects.create(event_id=uuid.uuid4(), name="x", payload={}, at=timezone.now())
    letter = FailedDelivery.objects.create(event=event, handler="a.b", attempts=12, dead=True)

    operator.post(
        reverse("admin:core_faileddelivery_changelist"), {"action": "send_again", "_selected_action": [str(letter.pk)]}
    )

    letter.refresh_from_db()
    assert (letter.dead, letter.attempts) == (False, 0) and letter.next_try_at is not None
