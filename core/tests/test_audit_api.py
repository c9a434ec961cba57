"""The audit log by API: own rows only, everybody's for operators, with the scope admin; verified and exported."""

import json
import uuid
from typing import Any

import pytest
from django.utils import timezone

from core import audit
from core.models import OutboxEvent
from core.testing import api_client, assert_problem, assert_scope_needed, make_user

URL = "/api/v1/audit/"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def fact(user: Any, name: str = "order.filled", **payload: Any) -> OutboxEvent:
    return OutboxEvent.objects.create(
        event_id=uuid.uuid4(), name=name, user_id=user.pk, payload=payload, at=timezone.now()
    )


def test_people_see_their_own_facts_newest_first_and_operators_all():
    one, other, operator = make_user(), make_user(), make_user(is_staff=True)
    rows = [fact(one, n=1), fact(other, n=2), fact(one, n=3)]
    audit.seal()

    mine = api_client(one).get(URL, {"limit": 1}).json()
    rest = api_client(one).get(URL, {"limit": 1, "cursor": mine["next"]}).json()
    everything = api_client(operator).get(URL, {"user": str(other.pk)}).json()

    assert [row["payload"] for page in (mine, rest) for row in page["results"]] == [{"n": 3}, {"n": 1}]
    assert rest["next"] is None
    assert [row["seq"] for row in everything["results"]] == [rows[1].seq]
    assert mine["results"][0]["prev_hash"] and mine["results"][0]["chain_seq"] == 3
    assert api_client(one).get(URL, {"user": str(other.pk)}).json()["results"] == []


@pytest.mark.parametrize("path", ["", "verify/", "export/"])
def test_the_log_needs_the_scope_admin(path: str):
    operator = make_user(is_staff=True)

    assert_problem(api_client().get(URL + path), 401)
    assert_scope_needed(URL + path, user=operator, scope="admin")
    assert_problem(api_client(operator).get(URL + path, {"nosuch": "1"}), 400, code="unknown_field")
    assert_problem(api_client(operator).post(URL + path, {}), 405)


def test_verify_names_the_row_that_was_changed_and_is_for_operators_only():
    operator = make_user(is_staff=True)
    rows = [fact(operator, n=i) for i in range(3)]

    before = api_client(operator).get(URL + "verify/").json()
    OutboxEvent.objects.filter(pk=rows[1].pk).update(payload={"n": 9})
    after = api_client(operator).get(URL + "verify/").json()

    assert (before["ok"], before["checked"], before["chain_seq"]) == (True, 3, None)
    assert (after["ok"], after["chain_seq"]) == (False, 2)
    assert_problem(api_client(make_user()).get(URL + "verify/"), 404)


def test_the_export_is_one_object_a_line_in_order_and_holds_nobody_elses_rows():
    one, other = make_user(), make_user()
    for user, n in ((one, 1), (other, 2), (one, 3)):
        fact(user, n=n)

    response = api_client(one).get(URL + "export/")
    lines = b"".join(response.streaming_content).splitlines()  # type: ignore[attr-defined]  # a streaming response

    assert response.headers["Content-Type"] == "application/x-ndjson"
    assert [json.loads(line)["payload"]["n"] for line in lines] == [1, 3]
    assert api_client(one).get(URL + "export/", {"start": "2999-01-01T00:00:00Z"}).getvalue() == b""  # type: ignore[attr-defined]  # a streaming response
