"""One runner an account: a lease in the database with a token that grows, so that a runner that lost it cannot act."""

import os
import socket
import threading
import uuid
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.prepared import Prepared, update
from domain.errors import Conflict
from trading.models import AccountLease

LEASE = timedelta(seconds=20)
_PROCESS = f"{socket.gethostname()[:20]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


class LeaseLost(Conflict):
    """Another runner has taken the account over; whatever this one was about to do, it must not."""

    code = "lease_lost"


@dataclass(slots=True)
class Lease:
    """The right to run an account's pipeline."""

    account_id: UUID
    token: int

    def check(self) -> None:
        """Raise LeaseLost unless the lease is still ours; call it inside the transaction that acts. Extends it."""
        row = _locked.first(pk=self.account_id)
        if row is None or row.token != self.token:
            raise LeaseLost("Another process runs this account now")
        if row.until is None or row.until - timezone.now() < LEASE / 2:
            AccountLease.objects.filter(pk=self.account_id).update(until=timezone.now() + LEASE)


_locked: Prepared[AccountLease] = Prepared(lambda pk: AccountLease.objects.select_for_update().filter(pk=pk), pk=UUID)


def acquire(account_id: UUID) -> Lease | None:
    """Take the lease of an account; None (and a note that more work waits) when another runner has it."""
    holder = f"{_PROCESS}-{threading.get_ident()}"
    with transaction.atomic():
        row = _locked.first(pk=account_id)
        if row is None:
            AccountLease.objects.get_or_create(pk=account_id)
            row = AccountLease.objects.select_for_update().get(pk=account_id)
        if row.until is not None and row.until > timezone.now() and row.holder != holder:
            AccountLease.objects.filter(pk=account_id).update(wanted=True)
            return None
        row.holder, row.token, row.until, row.wanted = holder, row.token + 1, timezone.now() + LEASE, False
        update(row, ["holder", "token", "until", "wanted"])
    return Lease(account_id, row.token)


def release(lease: Lease) -> bool:
    """Give the lease back; return False when somebody asked for a run meanwhile: run once more before releasing."""
    with transaction.atomic():
        row = _locked.first(pk=lease.account_id)
        if row is None or row.token != lease.token:
            return True
        is_wanted, row.wanted = row.wanted, False
        row.until = timezone.now() + LEASE if is_wanted else None
        update(row, ["until", "wanted"])
        if is_wanted:
            return False
    return True


def abandon(lease: Lease) -> None:
    """Give the lease back after a failure, whatever waits (the sweep comes back for it)."""
    AccountLease.objects.filter(pk=lease.account_id, token=lease.token).update(until=None)


def clear_all() -> int:
    """Forget every lease: for a start of the embedded platform, where no other process can hold one."""
    return AccountLease.objects.filter(until__isnull=False).update(until=None)
