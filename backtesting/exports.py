"""Exports of a result: CSV whose cells no spreadsheet runs as a formula, and JSON of everything."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.http import StreamingHttpResponse

from backtesting import selectors
from backtesting.models import Job, JobKind
from backtesting.result_rows import moment, order_row, plain_text, trade_row
from backtesting.result_tables import read
from core.api.render import utc_text

BATCH = 5_000
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")


def neutral(value: Any) -> str:
    """Return a cell: a text that a spreadsheet would run as a formula gets an apostrophe; numbers stay numbers."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return utc_text(value)
    text = str(value)
    return f"'{text}" if text.startswith(_RISKY) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def trial_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one trial of a sweep as it stands in its file."""
    return dict(row)


def equity_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one mark of a curve."""
    return {"time": moment(row["t"]), **{name: value for name, value in row.items() if name != "t"}}


def fill_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one fill."""
    amounts = {name: plain_text(row[name]) for name in ("quantity", "price", "fee")}
    return {"time": moment(row["at"]), **{n: v for n, v in row.items() if n not in ("at", *amounts)}, **amounts}


def signal_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one statement of the strategy."""
    kept = {name: value for name, value in row.items() if name not in ("at", "price")}
    return {"time": moment(row["at"]), **kept, "price": plain_text(row["price"])}


def _exported_trade(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in trade_row(row).items() if name not in ("tags", "notes")}


TABLES: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "trades": _exported_trade,
    "orders": order_row,
    "fills": fill_row,
    "signals": signal_row,
    "equity": equity_row,
    "trials": trial_row,
}
OF_KIND: dict[str, tuple[str, ...]] = {
    JobKind.BACKTEST.value: ("trades", "orders", "fills", "signals", "equity"),
    JobKind.SWEEP.value: ("trials", "trades", "orders", "equity"),
    JobKind.WALK_FORWARD.value: ("equity", "trades"),
}


def csv_lines(job: Job, table: str) -> Iterator[str]:
    """Yield a table as CSV text, a header and then a line a row."""
    data, write = selectors.file_of(job, table), TABLES[table]
    yield "\ufeff"
    is_first = True
    for row in _rows(job, table, data):
        shown = write(row)
        if is_first:
            yield _line(shown)
            is_first = False
        yield _line([neutral(value) for value in shown.values()])


def _rows(job: Job, table: str, data: bytes) -> Iterator[dict[str, Any]]:

    for batch in read(data).to_batches(max_chunksize=BATCH):
        for row in batch.to_pylist():
            yield {name: None if value != value else value for name, value in row.items()}


def _line(cells: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(list(cells))
    return text.getvalue()


def whole(job: Job) -> dict[str, Any]:
    """Return everything of a completed job as one tree for JSON."""
    selectors.check_completed(job)
    tables = {
        name: [TABLES[name](row) for row in _rows(job, name, selectors.file_of(job, name))]
        for name in OF_KIND[job.kind]
        if selectors.n_rows(job, name)
    }
    return {
        "id": job.pk,
        "kind": job.kind,
        "name": job.name,
        "request": job.request,
        "settings": job.settings,
        "start": job.start_at,
        "end": job.end_at,
        "metrics": job.metrics,
        "summary": job.summary,
        "warnings": job.warnings,
        "fingerprint": job.fingerprint,
        "result_digest": job.digest,
        "notes": [{"text": note.text, "created_at": note.created_at} for note in selectors.notes_of(job)],
        "tables": tables,
    }


def csv_answer(job: Job, name: str) -> StreamingHttpResponse:
    """Return a table as a CSV file that is written while it is sent."""
    answer = StreamingHttpResponse(
        (line.encode() for line in csv_lines(job, name)), content_type="text/csv; charset=utf-8"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{job.kind}-{job.pk}-{name}.csv"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
