"""Base classes of all API views: strict input, scopes, owned rows, cursor pages, idempotent POSTs.

What a view takes and gives stands in tables (``bodies``, ``answers``, ``queries``), which validation and the OpenAPI
description both read.
"""

import functools
from collections.abc import Mapping
from typing import Any, ClassVar

from django.db import models
from django.db.models import QuerySet
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from core.api.idempotency import idempotent
from core.api.pagination import binding_of, page_of
from core.api.permissions import Scope, method_of
from core.api.queries import Filter, list_query, where
from core.api.serializers import EmptySerializer, StrictSerializer, read, read_query, write
from core.api.text import fault_in_line
from domain.errors import NotFound

UUID_PATTERN = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
SerializerClass = type[StrictSerializer]


class LengthRequired(APIException):
    """A body came in chunks, without its length."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send the body with its Content-Length, not in chunks."
    default_code = "length_required"


class StrictView(APIView):
    """Validates path, query and body by tables whose keys are an action's or a method's name."""

    bodies: ClassVar[Mapping[str, SerializerClass]] = {}
    answers: ClassVar[Mapping[str, Any]] = {}
    queries: ClassVar[Mapping[str, SerializerClass]] = {}
    scopes: ClassVar[Mapping[str, Scope]] = {}
    query: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Authenticate, check scope and rate, then refuse odd paths and unknown query parameters."""
        super().initial(request, *args, **kwargs)
        if request.headers.get("Transfer-Encoding") and not request.META.get("CONTENT_LENGTH"):
            raise LengthRequired  # WSGI would hand us an empty body: a limit must not get lost that way
        for value in kwargs.values():
            if isinstance(value, str) and fault_in_line(value):
                raise NotFound("No such thing.")
        self.query = read_query(self.query_class(), request)

    def operation(self) -> tuple[str, str]:
        """Return (action, METHOD) of the present request."""
        return getattr(self, "action", None) or "", method_of(self.request)

    def chosen(self, table: Mapping[str, Any], default: Any = None) -> Any:
        """Return a table's entry for the present action, else for the method."""
        action, method = self.operation()
        return table.get(action, table.get(method, default))

    def query_class(self) -> SerializerClass:
        """Return the serializer class of the query parameters; without one any parameter is refused."""
        found: SerializerClass = self.chosen(self.queries, EmptySerializer)
        return found

    def body_class(self) -> SerializerClass | None:
        """Return the serializer class of the body (None where the operation has none)."""
        found: SerializerClass | None = self.chosen(self.bodies)
        return found

    def values(self, *, partial: bool | None = None) -> dict[str, Any]:
        """Return the validated body; a PATCH may leave fields out."""
        is_partial = self.request.method == "PATCH" if partial is None else partial
        return read(self.body_class() or EmptySerializer, self.request.data, request=self.request, partial=is_partial)


class OwnedViewSet(StrictView, ViewSet):
    """Rows of one model that belong to a user; everybody else's do not exist (404).

    ``output`` writes a row. ``filters`` and ``ordering`` (parameter word → column without nulls) are the whitelist of
    a list's query parameters.
    """

    model: ClassVar[type[models.Model]]
    output: ClassVar[SerializerClass]
    filters: ClassVar[Mapping[str, Filter]] = {}
    ordering: ClassVar[Mapping[str, str]] = {"created_at": "created_at"}
    default_ordering: ClassVar[str] = "-created_at"
    related: ClassVar[tuple[str, ...]] = ()
    lookup_value_regex = UUID_PATTERN

    def rows(self) -> QuerySet[Any]:
        """Return the rows that the asker owns."""
        owned: Any = self.model._default_manager
        found: QuerySet[Any] = owned.for_user(self.request.user)
        return found.select_related(*self.related) if self.related else found

    def get_row(self, pk: str) -> Any:
        """Return one of the asker's rows; raises NotFound, whether it exists for others or not."""
        row = self.rows().filter(pk=pk).first()
        if row is None:
            raise NotFound(f"No {self.model._meta.verbose_name} {pk}.")
        return row

    def query_class(self) -> SerializerClass:
        """Lists take their filters, ordering, limit and cursor."""
        view: Any = type(self)
        return _list_query_of(view) if self.operation()[0] == "list" else super().query_class()

    def write(self, value: Any, *, many: bool = False) -> Any:
        """Return the representation of a row (rows)."""
        return self.write_as(self.chosen(self.answers, self.output), value, many=many)

    def write_as(self, serializer: SerializerClass, value: Any, *, many: bool = False) -> Any:
        """Return the representation of a row (rows) by another serializer class than the action's own."""
        return write(serializer, value, request=self.request, many=many)


class ListMixin:
    """GET of the collection."""

    def list(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Return one page of the asker's rows."""
        order = self.query.get("ordering", self.default_ordering)
        page = page_of(
            self.rows().filter(**where(self.filters, self.query)),
            column=self.ordering.get(order.lstrip("-"), order.lstrip("-")),
            descending=order.startswith("-"),
            limit=self.query["limit"],
            cursor=self.query.get("cursor"),
            binding=binding_of(request, order),
        )
        return Response({"results": self.write(page.rows, many=True), "next": page.next})


class RetrieveMixin:
    """GET of one row."""

    def retrieve(self: Any, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        """Return one of the asker's rows."""
        return Response(self.write(self.get_row(pk)))


class CreateMixin:
    """POST to the collection; the view has ``make(values)``, which calls a service and returns the row."""

    def make(self, values: dict[str, Any]) -> Any:
        """Make the thing from the validated body."""
        raise NotImplementedError

    @idempotent
    def create(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make one and return it with its address."""
        row = self.make(self.values())
        location = f"{request.path.rstrip('/')}/{row.pk}/"
        return Response(self.write(row), status=status.HTTP_201_CREATED, headers={"Location": location})


class DestroyMixin:
    """DELETE of one row; the view has ``remove(row)``, which calls a service."""

    def remove(self, row: Any) -> None:
        """Remove the row (or mark it as removed)."""
        raise NotImplementedError

    def destroy(self: Any, request: Request, pk: str, *args: Any, **kwargs: Any) -> Response:
        """Remove one of the asker's rows."""
        self.remove(self.get_row(pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


class OwnedReadViewSet(ListMixin, RetrieveMixin, OwnedViewSet):
    """Lists and shows the asker's rows."""


@functools.cache
def _list_query_of(view: Any) -> SerializerClass:
    return list_query(
        name=view.__name__, filters=view.filters, ordering=view.ordering, default_ordering=view.default_ordering
    )
