"""The operators' admin: every table can be searched, ledger rows can not be changed."""

import pytest
from django.urls import reverse

from core.testing import make_user, page_client
from domain import events
from notifications.models import RoutingDecision
from notifications.services.routing import route_event
from notifications.tests.facts import NOON, stored

pytestmark = pytest.mark.django_db
MODELS = ("notification", "delivery", "routingdecision", "throttlewindow", "mute", "mailbox")


@pytest.mark.parametrize("model", MODELS)
def test_an_operator_finds_rows(model: str) -> None:
    operator = make_user(is_staff=True, is_superuser=True)
    route_event(stored(events.OrderFilled, operator), at=NOON)

    response = page_client(operator).get(reverse(f"admin:notifications_{model}_changelist"), {"q": operator.username})

    assert response.status_code == 200


def test_a_decision_can_be_read_but_not_changed_or_deleted() -> None:
    operator = make_user(is_staff=True, is_superuser=True)
    route_event(stored(events.OrderFilled, operator), at=NOON)
    row = RoutingDecision.objects.get()
    client = page_client(operator)
    url = reverse("admin:notifications_routingdecision_change", args=[row.pk])

    assert client.get(url).status_code == 200
    assert client.post(url, {"outcome": "muted"}).status_code == 403
    assert client.post(reverse("admin:notifications_routingdecision_delete", args=[row.pk])).status_code == 403
    assert client.get(reverse("admin:notifications_routingdecision_add")).status_code == 403
