"""Queries and rows whose SQL is composed once: for what every order asks, where composing costs more than asking.

Django composes the SQL of a queryset anew at each use: measured at three quarters of the time that reading one row
takes. A :class:`Prepared` query is a queryset as any other, composed at its first use; later only its values are bound.
The same for storing (:func:`insert`, :func:`update`). See docs/adr/0008.
"""

import functools
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Generic, TypeVar

from django.db import DatabaseError, connection
from django.db.models import DateTimeField, Field, IntegerField, Model, QuerySet, TextField, UUIDField
from django.db.models.query import ModelIterable, get_related_populators
from django.db.transaction import TransactionManagementError

Row = TypeVar("Row")
_FIELDS: dict[type, "Field[Any, Any]"] = {
    uuid.UUID: UUIDField(),
    datetime: DateTimeField(),
    str: TextField(),
    int: IntegerField(),
}
_marks = count(1)
_MOST_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class _Composed:
    """The SQL of a query on one kind of database, and what makes rows of its answer."""

    sql: str
    values: tuple[Any, ...]
    places: tuple[tuple[int, str], ...]
    converters: tuple[tuple[int, Any, Any], ...]
    build: Callable[[Sequence[Any]], Any] | None
    locks: bool


class Prepared(Generic[Row]):
    """A query that is asked again and again with other values.

    ``make(**values)`` builds the queryset (of models with what they select, or ``values_list``); ``kinds`` names each
    value's type: UUID, datetime, str or int. A value must reach the SQL as it is (no None, no list), and the SQL must
    not depend on it. Calling it returns a list of rows.

    ``made`` turns a row of ``values_list`` into what is wanted, once for each different row: the same rules, say, are
    read for every order. What it returns is handed to many and must not be changed.
    """

    def __init__(
        self, make: Callable[..., QuerySet[Any, Any]], made: Callable[[Any], Row] | None = None, **kinds: type
    ) -> None:
        self.make, self.kinds = make, kinds
        self._composed: dict[str, _Composed] = {}
        self._made = made
        self._known: dict[Any, Row] = {}

    def __call__(self, **values: Any) -> list[Row]:
        """Ask; return all rows. Raises TransactionManagementError when rows are locked outside a transaction."""
        vendor = connection.vendor
        composed = self._composed.get(vendor)
        if composed is None:
            composed = self._composed[vendor] = self._compose()
        if composed.locks and not connection.in_atomic_block:
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        bound = list(composed.values)
        for place, name in composed.places:
            bound[place] = self._bound(name, values[name])
        with connection.cursor() as cursor:
            cursor.execute(composed.sql, tuple(bound))
            found = cursor.fetchall()
        if self._made is not None:
            return [self._remembered(self._made, composed, row) for row in found]
        return [self._row(composed, row) for row in found]

    def _remembered(self, made: Callable[[Any], Row], composed: _Composed, raw: Any) -> Row:
        """Return what was made of an equal row: keyed by the values as the driver gives them, all of them hashable."""
        found = self._known.get(raw)
        if found is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            found = self._known[raw] = made(self._row(composed, raw))
        return found

    def first(self, **values: Any) -> Row | None:
        """Ask; return the first row, if there is one."""
        found = self(**values)
        return found[0] if found else None

    def _bound(self, name: str, value: Any) -> Any:
        return _FIELDS[self.kinds[name]].get_db_prep_value(value, connection)

    def _row(self, composed: _Composed, row: Sequence[Any]) -> Any:
        if composed.converters:
            changed = list(row)
            for place, converters, expression in composed.converters:
                for convert in converters:
                    changed[place] = convert(changed[place], expression, connection)
            row = changed
        return composed.build(row) if composed.build is not None else tuple(row)

    def _compose(self) -> _Composed:
        samples = {name: _sample(kind) for name, kind in self.kinds.items()}
        queryset = self.make(**samples)
        compiler = queryset.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        known = {
            name: _FIELDS[self.kinds[name]].get_db_prep_value(value, connection) for name, value in samples.items()
        }
        places = tuple((place, name) for place, value in enumerate(params) for name in known if value == known[name])
        if {name for _, name in places} != set(samples):
            raise ValueError(f"a value of {sorted(samples)} does not reach the SQL: {sql}")
        expressions = [each[0] for each in compiler.select[: compiler.col_count]]
        converters = compiler.get_converters(expressions)
        is_model = queryset._iterable_class is ModelIterable
        return _Composed(
            sql=sql,
            values=tuple(params),
            places=places,
            converters=tuple((place, tuple(each), expression) for place, (each, expression) in converters.items()),
            build=_model_builder(compiler, queryset.db) if is_model else None,
            locks=queryset.query.select_for_update,
        )


def _sample(kind: type) -> Any:
    """A value that stands nowhere else in the SQL, so that its place is found."""
    mark = next(_marks)
    if kind is uuid.UUID:
        return uuid.uuid4()
    if kind is datetime:
        return datetime(1, 1, 2, tzinfo=UTC) + timedelta(microseconds=mark)
    if kind is int:
        return 1_900_000_000 + mark
    return f"sample-{mark}-{uuid.uuid4().hex}"


def _model_builder(compiler: Any, db: str) -> Callable[[Sequence[Any]], Any]:
    info, select = compiler.klass_info, compiler.select
    start, end = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [each[0].target.attname for each in select[start:end]]
    populators = get_related_populators(info, select, db)  # type: ignore[call-arg]  # stubs of a later Django

    def build(row: Sequence[Any]) -> Any:
        made = info["model"].from_db(db, names, row[start:end])
        for populator in populators:
            populator.populate(row, made)
        return made

    return build


# --- storing ---------------------------------------------------------------------------------------------------------


def update(row: Model, names: Iterable[str]) -> None:
    """Store some fields of a row that is there; raises DatabaseError when it is gone. ``auto_now`` fields are set."""
    sql, fields, key = _update_of(type(row), tuple(names), connection.vendor)
    values = [_stored(field, row, add=False) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, (*values, key.get_db_prep_save(row.pk, connection)))
        if cursor.rowcount != 1:
            raise DatabaseError(f"{type(row).__name__} {row.pk} is not there; nothing was stored")


def store(row: Model) -> None:
    """Store a row, new or not, with all its fields."""
    if row._state.adding:
        insert([row])
    else:
        update(row, _changeable(type(row)))


@functools.cache
def _changeable(model: type[Model]) -> tuple[str, ...]:
    return tuple(field.name for field in model._meta.local_concrete_fields if not field.primary_key)


def insert(rows: Sequence[Model]) -> None:
    """Store new rows of one model with one statement, in their order; numbers made by the database are set on them."""
    if not rows:
        return
    model = type(rows[0])
    sql, fields, key = _insert_of(model, len(rows), connection.vendor)
    values = [_stored(field, row, add=True) for row in rows for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        made = cursor.fetchall() if key is not None else ()
    for row, (number,) in zip(rows, made, strict=False):
        row.pk = number
    for row in rows:
        row._state.adding, row._state.db = False, connection.alias


def _stored(field: Any, row: Model, *, add: bool) -> Any:
    return field.get_db_prep_save(field.pre_save(row, add), connection)


@functools.cache
def _update_of(model: type[Model], names: tuple[str, ...], vendor: str) -> tuple[str, tuple[Any, ...], Any]:
    quote: Any = connection.ops.quote_name
    key: Any = model._meta.pk
    fields: tuple[Any, ...] = tuple(model._meta.get_field(name) for name in names)
    columns = ", ".join(f"{quote(field.column)} = %s" for field in fields)
    return f"UPDATE {quote(model._meta.db_table)} SET {columns} WHERE {quote(key.column)} = %s", fields, key


@functools.cache
def _insert_of(model: type[Model], n_rows: int, vendor: str) -> tuple[str, tuple[Any, ...], Any]:
    quote: Any = connection.ops.quote_name
    key: Any = model._meta.auto_field
    fields: tuple[Any, ...] = tuple(field for field in model._meta.local_concrete_fields if field is not key)
    columns = ", ".join(quote(field.column) for field in fields)
    places = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * n_rows)
    sql = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES {places}"
    return (f"{sql} RETURNING {quote(key.column)}" if key is not None else sql), fields, key
