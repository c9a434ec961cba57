"""audit/, audit/verify/ and audit/export/: the hash-chained log; one's own rows, for operators everybody's."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core import audit
from core.api.fields import Boolean, Identifier, Integer, Text, UtcDateTime
from core.api.permissions import Scope
from core.api.queries import Filter
from core.api.render import dumps
from core.api.serializers import StrictSerializer, write
from core.api.views import ListMixin, OwnedViewSet, StrictView
from core.models import OutboxEvent
from domain.errors import NotFound


class AuditOutput(StrictSerializer):
    """One fact of the log; chain_seq is null and hash empty until the sealer has chained it (a second later)."""

    seq = Integer(minimum=1)
    event_id = Identifier()
    name = Text(max_length=64)
    user = Identifier(source="user_id", allow_null=True)
    account = Identifier(source="account_id", allow_null=True)
    at = UtcDateTime()
    created_at = UtcDateTime()
    chain_seq = Integer(minimum=1, allow_null=True)
    prev_hash = Text(max_length=64)
    hash = Text(max_length=64)
    payload = serializers.DictField()


class FindingOutput(StrictSerializer):
    """What the check of the whole chain found; chain_seq names the first bad row."""

    ok = Boolean()
    checked = Integer(minimum=0)
    unsealed = Integer(minimum=0)
    chain_seq = Integer(minimum=1, allow_null=True)
    message = Text(max_length=300)


class ExportQuery(StrictSerializer):
    """From when to when (the end not included)."""

    start = UtcDateTime(required=False)
    end = UtcDateTime(required=False)


def visible_rows(user: Any) -> QuerySet[OutboxEvent]:
    """Return the facts that a user may see: their own; operators see all."""
    rows = OutboxEvent.objects.all()
    return rows if user.is_staff else rows.filter(user_id=user.pk)


class AuditViewSet(ListMixin, OwnedViewSet):
    """audit/: the log, newest first."""

    model = OutboxEvent
    output = AuditOutput
    scopes: ClassVar = {"list": Scope.ADMIN}
    filters: ClassVar = {
        "name": Filter("name", Text(max_length=64)),
        "account": Filter("account_id", Identifier()),
        "user": Filter("user_id", Identifier()),
        "start": Filter("at__gte", UtcDateTime()),
        "end": Filter("at__lt", UtcDateTime()),
    }
    ordering: ClassVar = {"seq": "pk"}
    default_ordering = "-seq"

    def rows(self) -> QuerySet[Any]:
        """Return the facts that the asker may see."""
        return visible_rows(self.request.user)


class AuditVerifyView(StrictView):
    """audit/verify/: check every link; operators only (the log is one chain for everybody)."""

    answers: ClassVar = {"GET": FindingOutput}
    scopes: ClassVar = {"GET": Scope.ADMIN}

    def get(self, request: Request) -> Response:
        """Seal what is new, then check the whole chain."""
        if not request.user.is_staff:
            raise NotFound("No such thing.")
        audit.seal()
        return Response(write(FindingOutput, audit.verify(), request=request))


class AuditExportView(StrictView):
    """audit/export/: the log as a file, one JSON object a line, oldest first."""

    queries: ClassVar = {"GET": ExportQuery}
    answers: ClassVar = {"GET": AuditOutput(many=True)}
    scopes: ClassVar = {"GET": Scope.ADMIN}

    def get(self, request: Request) -> StreamingHttpResponse:
        """Stream the rows that the asker may see."""
        rows = visible_rows(request.user)
        if "start" in self.query:
            rows = rows.filter(at__gte=self.query["start"])
        if "end" in self.query:
            rows = rows.filter(at__lt=self.query["end"])
        headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(_lines(rows), content_type="application/x-ndjson", headers=headers)


def _lines(rows: QuerySet[OutboxEvent]) -> Iterator[bytes]:
    for row in rows.order_by("seq").iterator(chunk_size=500):
        yield dumps(write(AuditOutput, row)) + b"\n"
