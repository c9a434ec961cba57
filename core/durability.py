"""Which commits wait for the disk. All do, unless a block says that it can be done again.

``relaxed()`` keeps commits atomic and in order, but does not wait for the disk at each: after a power cut the database
stands at an earlier, whole moment (a kill -9 loses nothing). It is for work that is found and done again from there:
bars walked by a paper account's pipeline (its venue is the same database), delivery marks, routing of notifications.
``forced()`` inside it waits again: an order's intent is on the disk before the order goes anywhere.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

_SQLITE = {True: "PRAGMA synchronous=NORMAL", False: "PRAGMA synchronous=FULL"}
_POSTGRESQL = {True: "SET synchronous_commit TO off", False: "SET synchronous_commit TO on"}


@contextmanager
def relaxed() -> Iterator[None]:
    """Commit without waiting for the disk in this block (nothing changes inside a transaction that is open already)."""
    with _switched(to=True):
        yield


@contextmanager
def forced() -> Iterator[None]:
    """Wait for the disk at every commit in this block, also inside a relaxed one."""
    with _switched(to=False):
        yield


@contextmanager
def _switched(*, to: bool) -> Iterator[None]:
    before = _is_relaxed()
    if before is to or connection.in_atomic_block or not settings.WAITS_FOR_DISK:
        yield
        return
    _set(to)
    try:
        yield
    finally:
        if connection.connection is not None:
            _set(before)


def _is_relaxed() -> bool:
    """The setting belongs to the driver's connection: a new one waits for the disk again."""
    inner = connection.connection
    return inner is not None and getattr(connection, "relaxed_for", None) is inner


def _set(relaxed_now: bool) -> None:
    table = _POSTGRESQL if connection.vendor == "postgresql" else _SQLITE
    with connection.cursor() as cursor:
        cursor.execute(table[relaxed_now])
    connection.relaxed_for = connection.connection if relaxed_now else None  # type: ignore[attr-defined]  # a note of ours on the connection
