"""Queries whose SQL is composed once answer as the querysets that they are made of."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apikeys.models import AccessToken
from core.models import FailedDelivery, OutboxEvent
from core.prepared import Prepared, insert, update
from core.testing import make_user

pytestmark = pytest.mark.django_db

tokens_of: Prepared[AccessToken] = Prepared(
    lambda user_id: AccessToken.objects.filter(Q(user_id=user_id)).select_related("user").order_by("created_at"),
    user_id=UUID,
)
names_of: Prepared[tuple[Any, ...]] = Prepared(
    lambda user_id, name: AccessToken.objects.filter(user_id=user_id, name=name).values_list("name", "scopes"),
    user_id=UUID,
    name=str,
)


def token(user: Any, name: str) -> AccessToken:
    return AccessToken.objects.create(user=user, name=name, digest=uuid4().hex, scopes=["read"], hint=name)


def event(name: str) -> OutboxEvent:
    return OutboxEvent(event_id=uuid4(), name=name, payload={"a": [1, "ü"]}, at=timezone.now())


def test_rows_and_what_they_select_are_those_of_the_queryset() -> None:
    mine, other = make_user("mine"), make_user("other")
    for user, name in ((mine, "a"), (mine, "b"), (other, "c")):
        token(user, name)

    for user in (mine, other):
        found, wanted = tokens_of(user_id=user.pk), list(tokens_of.make(user_id=user.pk))
        assert found == wanted
        fields = [field.attname for field in AccessToken._meta.concrete_fields]
        assert [[getattr(row, name) for name in fields] for row in found] == [
            [getattr(row, name) for name in fields] for row in wanted
        ]
        with CaptureQueriesContext(connection) as asked:
            assert found[0].user == user
        assert len(asked) == 0  # it came with the row


def test_tuples_are_converted_as_django_does() -> None:
    user = make_user("mine")
    token(user, "a")

    assert names_of(user_id=user.pk, name="a") == [("a", ["read"])]
    assert names_of.first(user_id=user.pk, name="b") is None


def test_a_value_that_does_not_reach_the_sql_is_a_mistake() -> None:
    query: Prepared[Any] = Prepared(lambda user_id: AccessToken.objects.all(), user_id=UUID)

    with pytest.raises(ValueError, match="does not reach the SQL"):
        query(user_id=uuid4())


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_in_a_transaction_only() -> None:
    user = make_user("mine")
    locked: Prepared[AccessToken] = Prepared(
        lambda user_id: AccessToken.objects.select_for_update().filter(user_id=user_id), user_id=UUID
    )
    with transaction.atomic():
        assert locked(user_id=user.pk) == []

    with pytest.raises(TransactionManagementError):
        locked(user_id=user.pk)


def test_new_rows_get_their_numbers_in_order_and_read_back_as_they_were() -> None:
    rows = [event("first"), event("second")]

    insert(rows)

    assert [row.name for row in OutboxEvent.objects.order_by("seq")] == ["first", "second"]
    assert rows[0].seq < rows[1].seq
    stored = OutboxEvent.objects.get(seq=rows[1].seq)
    assert (stored.payload, stored.at, stored.created_at) == (rows[1].payload, rows[1].at, rows[1].created_at)


def test_named_fields_are_stored_and_no_others() -> None:
    insert([row := event("first")])
    failure = FailedDelivery.objects.create(event=row, handler="x")
    before = failure.updated_at
    failure.attempts, failure.last_error = 3, "not stored"

    update(failure, ["attempts", "updated_at"])

    stored = FailedDelivery.objects.get()
    assert (stored.attempts, stored.last_error) == (3, "")
    assert stored.updated_at > before


def test_storing_a_row_that_is_gone_is_told() -> None:
    insert([row := event("first")])
    OutboxEvent.objects.all().delete()

    with pytest.raises(DatabaseError, match="not there"):
        update(row, ["name"])


def test_what_is_made_of_an_equal_row_is_made_once_and_of_a_changed_one_anew() -> None:
    made: list[tuple[str, str]] = []
    names: Prepared[tuple[str, str]] = Prepared(
        lambda user_id: AccessToken.objects.filter(user_id=user_id).values_list("name", "hint"),
        made=lambda row: made.append(row) or row,
        user_id=UUID,
    )
    user = make_user("remembers")
    row = token(user, "one")

    assert names(user_id=user.pk) == names(user_id=user.pk) == [("one", "one")]
    AccessToken.objects.filter(pk=row.pk).update(name="two")

    assert names(user_id=user.pk) == [("two", "one")]
    assert made == [("one", "one"), ("two", "one")]
