"""Rows that are only ever added (events, history), stored together: one statement a table, at the transaction's end."""

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.models import Model

from core.prepared import insert

_waiting = threading.local()


@contextmanager
def together() -> Iterator[None]:
    """Open a transaction at whose end the rows given to :func:`add` are stored with one statement a table.

    A block inside another one leaves its rows to the outer one; rows of a savepoint that was rolled back are dropped.
    What is read inside the block does not find the rows yet.
    """
    if getattr(_waiting, "rows", None) is not None:
        with transaction.atomic():
            yield
        return
    with transaction.atomic():
        _waiting.rows = []
        try:
            yield
            _store(_waiting.rows)
        finally:
            _waiting.rows = None


def add(row: Model) -> None:
    """Store a new row: at the end of the :func:`together` block, or at once outside of one."""
    rows: list[Model] | None = getattr(_waiting, "rows", None)
    if rows is None:
        insert([row])
        return
    transaction.on_commit(functools.partial(_stands, row))
    rows.append(row)


def _stands(row: Model) -> None:
    """Do nothing: a hook that Django drops with the savepoint in which the row was added."""


def _store(rows: list[Model]) -> None:
    hooks = (hook[1] for hook in transaction.get_connection().run_on_commit)
    standing = {id(hook.args[0]) for hook in hooks if getattr(hook, "func", None) is _stands}
    by_table: dict[type[Model], list[Model]] = {}
    for row in rows:
        if id(row) in standing:
            by_table.setdefault(type(row), []).append(row)
    for members in by_table.values():
        insert(members)
