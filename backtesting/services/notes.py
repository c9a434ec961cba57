"""Notes beside a run."""

from django.db import transaction

from backtesting.models import Job, JobNote
from domain.errors import Conflict, ValidationFailed

MAX_NOTES = 200
MAX_LENGTH = 4000


@transaction.atomic
def add_note(job: Job, text: str) -> JobNote:
    """Keep a note. Raises ValidationFailed for an empty one, Conflict for too many."""
    if not text.strip():
        raise ValidationFailed("A note needs words.", field="text", code="blank")
    if JobNote.objects.filter(job=job).count() >= MAX_NOTES:
        raise Conflict(f"There are {MAX_NOTES} notes already.", code="too_many")
    return JobNote.objects.create(job=job, user_id=job.user_id, text=text.strip())


def remove_note(note: JobNote) -> None:
    """Take a note away."""
    note.delete()
