"""A full disk: no half result is ever shown, the job says what was wrong, and can be run when there is room again."""

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, OperationalError, connection
from django.utils import timezone

from backtesting.models import Job, JobStatus, ResultFile
from backtesting.services import failing, recovering, submitting, working
from backtesting.tests.jobs import in_place, request, stored_walk
from core.testing import make_user


@contextmanager
def full_database() -> Iterator[None]:
    """Let SQLite's file not grow by a page: what a full disk looks like from above."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM")  # pages that other tests have freed are room too
        (usual,) = cursor.execute("PRAGMA max_page_count").fetchone()
        (size,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {size}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA max_page_count = {usual}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite can be told to take no more")
def test_a_full_database_gives_no_half_result_and_the_run_is_done_or_failed_when_there_is_room_again() -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())

    with full_database(), suppress(OperationalError):
        working.work_all(in_place)
    found = Job.objects.get(pk=job.pk)

    assert found.status != JobStatus.COMPLETED and not found.metrics and not found.digest
    assert not ResultFile.objects.filter(job=job).exists()
    recovering.recover(at=timezone.now() + timedelta(minutes=1))
    working.work_all(in_place)
    found.refresh_from_db()
    assert found.status == JobStatus.COMPLETED or found.error_code == "disk_full"
    assert ResultFile.objects.filter(job=job).exists() == (found.status == JobStatus.COMPLETED)


@pytest.mark.django_db
def test_a_worker_without_room_for_a_file_fails_the_job_with_that_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    stored_walk()
    job = submitting.submit_backtest(make_user(), request())

    def refused(*args: Any, **more: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/secret")

    monkeypatch.setattr(tempfile, "mkdtemp", refused)
    working.work_all(in_place)

    job.refresh_from_db()
    assert (job.status, job.error_code) == (JobStatus.FAILED, "disk_full")
    assert "the disk is full" in job.error and "/somewhere" not in job.error


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (OperationalError("database or disk is full"), True),
        (OperationalError("disk I/O error"), True),
        (OperationalError('could not extend file "base/5/1": No space left on device'), True),
        (OSError(errno.EFBIG, "File too large"), True),
        (OSError(errno.EACCES, "Permission denied"), False),
        (DataError("value too long"), False),
        (ValueError("no space left"), False),
    ],
)
def test_errors_of_room_are_told_from_others(error: Exception, is_full: bool) -> None:
    assert failing.has_no_room(error) is is_full
    assert failing.told(error)[1] == ("disk_full" if is_full else "error")
