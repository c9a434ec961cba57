"""SQLite for one process of many threads: writers take turns by a lock, not by SQLite's polling.

A thread that finds the database locked sleeps up to a tenth of a second between its tries, also when the lock is free
long since; with the worker's threads, the web server's and the stream's writing at once that costs most of the time.
Other processes (commands, children) still wait by the file's own lock. Urgent work (core.urgency) goes first.
"""

import os
from typing import Any

from django.db.backends.sqlite3 import base
from django.db.utils import OperationalError

from core import urgency


def _begin_anew() -> None:
    """A forked child starts with a free turn, whoever held it in the parent."""
    urgency.turns = urgency.Turns()


os.register_at_fork(after_in_child=_begin_anew)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's SQLite backend, whose transactions take turns within this process."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._has_turn = False

    def _start_transaction_under_autocommit(self) -> None:
        self._take_turn()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]  # not in the stubs
        except BaseException:
            self._give_turn()
            raise

    def _take_turn(self) -> None:
        if not self._has_turn:
            seconds = float(self.settings_dict["OPTIONS"].get("timeout", 20))
            if not urgency.turns.take(seconds):
                raise OperationalError(f"database is locked: another thread has been writing for {seconds:g} seconds")
            self._has_turn = True

    def _give_turn(self) -> None:
        if self._has_turn:
            self._has_turn = False
            urgency.turns.give()

    def _commit(self) -> Any:
        try:
            return super()._commit()  # type: ignore[misc]  # not in the stubs
        finally:
            self._give_turn()

    def _rollback(self) -> Any:
        try:
            return super()._rollback()  # type: ignore[misc]  # not in the stubs
        finally:
            self._give_turn()

    def _close(self) -> Any:
        try:
            return super()._close()  # type: ignore[misc]  # not in the stubs
        finally:
            self._give_turn()
