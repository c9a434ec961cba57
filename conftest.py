"""What all tests share: which of them run in both passes, and a database that is emptied quickly between tests.

A test without the database is pure and runs once, in the embedded pass. One that asks for the cache, the channel layer
or the broker all the same fails there, until it says `pytest.mark.both_ways`; so nothing is left out unseen.
"""

from typing import Any

import pytest
from celery import Celery
from channels.layers import ChannelLayerManager
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.cache import CacheHandler
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import TransactionTestCase
from hypothesis import settings

settings.register_profile("shared cores", deadline=None)  # a slow example is the machine's, not the code's
settings.load_profile("shared cores")

DATABASE_FIXTURES = {"db", "transactional_db", "live_server"}
OF_BOTH_WAYS = ("django_db", "both_ways", "runtime", "browser", "services", "serial", "skipif")
DOORS = (
    (CacheHandler, "__getitem__"),
    (ChannelLayerManager, "__getitem__"),
    (Celery, "send_task"),
    (Celery, "connection_for_read"),
    (Celery, "connection_for_write"),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the pure tests, which the pass on services leaves out (`-m "not pure"`); begin with the long ones."""
    for item in items:
        asked = DATABASE_FIXTURES.intersection(getattr(item, "fixturenames", ()))
        if not asked and not any(item.get_closest_marker(name) for name in OF_BOTH_WAYS):
            item.add_marker("pure")
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(autouse=True)
def _closed_doors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pure test reach neither cache nor channel layer nor broker (the database is closed to it anyway)."""
    if request.node.get_closest_marker("pure") is None:
        return

    def closed(*_: Any, **__: Any) -> None:
        pytest.fail("This test needs the cache, the channel layer or the broker: mark it both_ways")

    for owner, name in DOORS:
        monkeypatch.setattr(owner, name, closed)


def _delete_rows(self: TransactionTestCase) -> None:
    """Empty the tables that have rows; a hundred TRUNCATE or DELETE take ten times as long.

    Content types and permissions stay, which Django would delete and make again after every test.
    """
    for name in self._databases_names(include_mirrors=False):  # type: ignore[attr-defined]  # not in the stubs
        connection = connections[name]
        with transaction.atomic(using=name), connection.cursor() as cursor:
            cursor.execute(_filled(connection))
            for (table,) in cursor.fetchall():  # foreign keys are checked at the commit: any order will do
                cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")


def _filled(connection: BaseDatabaseWrapper) -> str:
    tables = connection.introspection.django_table_names(only_existing=False, include_views=False)
    kept = {ContentType._meta.db_table, Permission._meta.db_table}
    quoted = ((table, connection.ops.quote_name(table)) for table in sorted(set(tables) - kept))
    return " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {name})" for table, name in quoted)


TransactionTestCase._fixture_teardown = _delete_rows  # type: ignore[attr-defined]  # tests only
