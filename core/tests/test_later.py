"""Rows that are stored together at the end of their transaction."""

from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core import later
from core.models import OutboxEvent


def event(name: str) -> OutboxEvent:
    return OutboxEvent(event_id=uuid4(), name=name, payload={}, at=timezone.now())


def names() -> list[str]:
    return list(OutboxEvent.objects.order_by("seq").values_list("name", flat=True))


@pytest.mark.django_db
def test_rows_of_a_block_are_stored_in_order_with_one_statement() -> None:
    with (
        CaptureQueriesContext(
            connection,
        ) as asked,
        later.together(),
    ):
        for name in ("first", "second", "third"):
            later.add(event(name))

    assert names() == ["first", "second", "third"]
    assert sum("INSERT" in each["sql"] for each in asked) == 1


@pytest.mark.django_db
def test_outside_of_a_block_a_row_is_stored_at_once() -> None:
    later.add(event("alone"))

    assert names() == ["alone"]


@pytest.mark.django_db
def test_rows_of_a_savepoint_that_was_rolled_back_are_dropped_and_no_others() -> None:
    with later.together():
        later.add(event("kept"))
        try:
            with later.together():
                later.add(event("dropped"))
                raise ValueError
        except ValueError:
            pass
        try:
            with transaction.atomic():
                later.add(event("dropped too"))
                raise ValueError
        except ValueError:
            pass
        later.add(event("kept too"))

    assert names() == ["kept", "kept too"]


@pytest.mark.django_db
def test_a_block_that_fails_stores_nothing_and_leaves_nothing_behind() -> None:
    with pytest.raises(ValueError), later.together():
        later.add(event("lost"))
        raise ValueError
    with later.together():
        later.add(event("next"))

    assert names() == ["next"]
