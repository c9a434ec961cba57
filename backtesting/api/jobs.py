"""What all three kinds of jobs have in the API: list, one, submit, cancel, notes, exports, deploy."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from backtesting import exports, selectors
from backtesting.api import serializers as s
from backtesting.api.paging import next_of, offset_of
from backtesting.models import JobNote, JobStatus
from backtesting.services import deploying, notes, settling
from backtesting.services.paper_differences import differences_of
from backtesting.views.reports import answered
from core.api.fields import EnumField, OneOf, Text
from core.api.idempotency import idempotent
from core.api.queries import Filter
from core.api.render import dumps
from core.api.serializers import StrictSerializer, write
from core.api.views import OwnedReadViewSet
from domain.bars import Timeframe
from domain.errors import NotFound


class ExportQuery(StrictSerializer):
    """What to export: one table as CSV, or everything as JSON."""

    type = OneOf(choices=["csv", "json"], required=False, default="csv")
    table = OneOf(choices=sorted(exports.TABLES), required=False, default="trades")


class JobExportOutput(StrictSerializer):
    """Everything of a result; a table alone comes as text/csv."""

    metrics = serializers.DictField()
    summary = serializers.DictField()
    tables = serializers.DictField()


class JobViewSet(OwnedReadViewSet):
    """The asker's jobs of one kind."""

    kind: ClassVar[Any] = None
    filters: ClassVar = {
        "status": Filter("status", EnumField(JobStatus)),
        "type": Filter("type", Text(max_length=64)),
        "timeframe": Filter("timeframe", EnumField(Timeframe)),
    }
    ordering: ClassVar = {"created_at": "created_at"}
    queries: ClassVar = {"export": ExportQuery}
    answers: ClassVar = {
        "list": s.JobOutput,  # without the summary, which is long
        "notes": s.NotesOutput,
        "add_note": s.NoteOutput,
        "deploy": s.DeployOutput,
        "export": JobExportOutput,
    }

    def rows(self) -> Any:
        """Return the asker's jobs of this kind."""
        manager: Any = self.model._default_manager
        found = manager.for_user(self.request.user)
        return found.defer("summary") if self.operation()[0] == "list" else found

    def submit(self, values: dict[str, Any]) -> Any:
        """Check and queue; returns the job."""
        raise NotImplementedError

    @idempotent
    def create(self, request: Request) -> Response:
        """Queue one; 202 with the job, 400 with every fault, 429 over the quota."""
        row = self.submit(self.values())
        location = f"{request.path.rstrip('/')}/{row.pk}/"
        return Response(self.write(row), status=status.HTTP_202_ACCEPTED, headers={"Location": location})

    def cancel(self, request: Request, pk: str) -> Response:
        """Stop it; 409 when it has ended."""
        row = self.get_row(pk)
        self.values()
        return Response(self.write(settling.cancel(row, at=timezone.now())))

    def notes(self, request: Request, pk: str) -> Response:
        """Return the notes beside it."""
        rows = selectors.notes_of(self.get_row(pk)).order_by("created_at", "pk")
        return Response(write(s.NotesOutput, {"results": list(rows), "next": None}, request=request))

    @idempotent
    def add_note(self, request: Request, pk: str) -> Response:
        """Keep a note."""
        note = notes.add_note(self.get_row(pk), self.values()["text"])
        return Response(write(s.NoteOutput, note, request=request), status=status.HTTP_201_CREATED)

    def remove_note(self, request: Request, pk: str, note: str) -> Response:
        """Take a note away."""
        row = JobNote.objects.for_user(request.user).filter(job=self.get_row(pk), pk=note).first()
        if row is None:
            raise NotFound("There is no such note")
        notes.remove_note(row)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def export(self, request: Request, pk: str) -> HttpResponse | StreamingHttpResponse:
        """Return a table as CSV (cells neutralised), or everything as JSON."""
        row = self.get_row(pk)
        if self.query["type"] == "json":
            return _file(dumps(exports.whole(row)), f"backtest-{row.pk}.json", "application/json")
        name = self.query["table"]
        selectors.file_of(row, name)  # refused before anything is sent
        return exports.csv_answer(row, name)

    def report(self, request: Request, pk: str) -> HttpResponse:
        """Return the self-contained HTML report."""
        return answered(request, self.get_row(pk), is_file=True)

    @idempotent
    def deploy(self, request: Request, pk: str) -> Response:
        """Make a paper strategy (a draft) with the same settings."""
        given, row = self.values(), self.get_row(pk)
        made = deploying.deploy(row, at=timezone.now(), account_id=given.get("account"), name=given.get("name", ""))
        told = {"strategy": made.pk, "account_id": made.account_id, "name": made.name}
        body = write(s.DeployOutput, {**told, "differences": differences_of(row, made)})
        return Response(body, status=status.HTTP_201_CREATED)

    def page_of_rows(self, pk: str, name: str, shown: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
        """Return one page of a table of the result."""
        row = self.get_row(pk)
        selectors.check_completed(row)
        offset, limit = offset_of(self.request, self.query), self.query["limit"]
        n_rows = selectors.n_rows(row, name)
        rows = selectors.rows_of(row, name, offset=offset, limit=limit) if n_rows else []
        return {
            "results": [shown(each) for each in rows],
            "next": next_of(self.request, offset=offset, limit=limit, n_rows=n_rows),
        }


def _file(data: bytes, name: str, kind: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(data, content_type=kind, headers=headers)
