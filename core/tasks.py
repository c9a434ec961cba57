"""Periodic work of the core: deliver what a crash left, seal and anchor the audit log, forget old keys."""

from celery import shared_task
from django.utils import timezone

from core import audit, outbox
from core.api import idempotency


@shared_task(name="core.sweep_outbox", ignore_result=True)
def sweep_outbox() -> int:
    """Deliver facts that were left undelivered."""
    return outbox.sweep(at=timezone.now())


@shared_task(name="core.seal_audit", ignore_result=True)
def seal_audit() -> int:
    """Chain new audit rows."""
    return audit.seal()


@shared_task(name="core.anchor_audit", ignore_result=True)
def anchor_audit() -> None:
    """Write the head of the audit chain to its file outside the database."""
    audit.seal()
    audit.anchor()


@shared_task(name="core.forget_idempotency_keys", ignore_result=True)
def forget_idempotency_keys() -> int:
    """Forget the answers to Idempotency-Keys of more than 30 days ago."""
    return idempotency.forget_old(at=timezone.now())
