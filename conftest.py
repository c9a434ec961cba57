"""What all tests share: a database that is emptied quickly between tests that commit."""

from collections.abc import Sequence
from typing import Any

from django.core.management.color import Style
from django.db.backends.postgresql.operations import DatabaseOperations


def _delete_rows(self: DatabaseOperations, style: Style, tables: Sequence[str], **options: Any) -> list[str]:
    """DELETE instead of TRUNCATE: a hundred tables of a few rows are emptied in 20 ms instead of a second.

    Foreign keys are checked at the commit (Django makes them deferrable), so the order does not matter.
    """
    return [f"DELETE FROM {self.quote_name(table)}" for table in tables]


DatabaseOperations.sql_flush = _delete_rows  # type: ignore[method-assign]  # tests only
