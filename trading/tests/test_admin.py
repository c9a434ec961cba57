"""The admin of the order road: every table is shown and searched, none is written."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from core.testing import make_user, page_client
from marketdata import replay_services as replays
from trading import pipeline
from trading.models import Order
from trading.tests.api_scene import make_api_scene

pytestmark = pytest.mark.django_db(transaction=True)
MODELS = list(apps.get_app_config("trading").get_models())


def test_every_table_is_registered_and_read_only() -> None:
    for model in MODELS:
        page = admin.site._registry[model]
        assert not page.has_add_permission(None) and not page.has_delete_permission(None)  # type: ignore[arg-type]  # nobody asks
        assert not page.has_change_permission(None)  # type: ignore[arg-type]  # nobody asks
        assert page.search_fields and page.list_display != ("__str__",)


def test_lists_searches_and_rows_open() -> None:
    api = make_api_scene()
    made = api.place()
    replays.play(api.scene.replay())
    pipeline.run_account(api.scene.account.pk)
    client = page_client(make_user(is_staff=True, is_superuser=True))

    for model in MODELS:
        answer = client.get(reverse(f"admin:trading_{model._meta.model_name}_changelist"), {"q": "TST"})
        assert answer.status_code == 200, model
    row = client.get(reverse("admin:trading_order_change", args=[made["id"]]))
    assert row.status_code == 200 and b"accepted" in row.content
    assert client.post(reverse("admin:trading_order_change", args=[made["id"]]), {}).status_code == 403
    assert client.post(reverse("admin:trading_order_delete", args=[made["id"]]), {}).status_code == 403
    assert Order.objects.filter(pk=made["id"]).exists()
