"""The audit log: durable facts, chained by HMAC in one sequence, with the head anchored outside the database.

The facts are rows of the outbox. They are written in the transaction of what they tell; a sealer chains them a moment
later, one at a time under one lock, so that writers never wait for each other. ``verify`` finds a row that was edited,
deleted, inserted, reordered or cut off, and a restored old copy (the anchor is ahead of it), and names the first.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone

from core.models import AuditHead, OutboxEvent

_CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """The first bad row of the chain, or ``ok``; ``checked`` rows were verified, ``unsealed`` wait for the sealer."""

    ok: bool
    checked: int
    unsealed: int
    chain_seq: int | None = None
    message: str = "The log is complete and unchanged."


def _key() -> bytes:
    return hashlib.sha256(b"audit-chain/v1|" + settings.AUDIT_KEY.encode()).digest()


def link_hash(row: OutboxEvent, chain_seq: int, prev_hash: str) -> str:
    """HMAC-SHA256 over the row's content, its place and the link before it."""
    content = {
        "chain_seq": chain_seq,
        "event_id": str(row.event_id),
        "name": row.name,
        "user_id": str(row.user_id or ""),
        "account_id": str(row.account_id or ""),
        "payload": row.payload,
        "at": row.at.isoformat(),
        "prev": prev_hash,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), cls=DjangoJSONEncoder)
    return hmac.new(_key(), text.encode(), hashlib.sha256).hexdigest()


def seal(limit: int = 2000) -> int:
    """Chain the rows that are not chained yet; return how many. One sealer at a time (the head row's lock)."""
    with transaction.atomic():
        AuditHead.objects.get_or_create(pk=1)
        head = AuditHead.objects.select_for_update().get(pk=1)
        rows = list(OutboxEvent.objects.filter(chain_seq=None).order_by("seq")[:limit])
        for row in rows:
            row.prev_hash, row.chain_seq = head.hash, head.chain_seq + 1
            row.hash = link_hash(row, row.chain_seq, row.prev_hash)
            head.chain_seq, head.hash = row.chain_seq, row.hash
        if rows:
            OutboxEvent.objects.bulk_update(rows, ["chain_seq", "prev_hash", "hash"], batch_size=200)
            head.save()
    return len(rows)


def anchor_path() -> Path:
    """The file outside the database in which the head is written down (one line each time, only appended to)."""
    return Path(settings.VAR_DIR) / "audit.anchor"


def anchor() -> None:
    """Append the present head to the anchor file and bring it to the disk."""
    head = AuditHead.objects.filter(pk=1).first()
    if head is None or head.chain_seq == 0 or _last_anchor() == (head.chain_seq, head.hash):
        return
    line = f"{timezone.now().isoformat()} {head.chain_seq} {head.hash}\n"
    with anchor_path().open("a", encoding="ascii") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _anchors() -> Iterator[tuple[int, str]]:
    path = anchor_path()
    if path.exists():
        for line in path.read_text("ascii").splitlines():
            parts = line.split()
            if len(parts) == 3 and parts[1].isdigit():
                yield int(parts[1]), parts[2]


def _last_anchor() -> tuple[int, str] | None:
    return next(iter(reversed(list(_anchors()))), None)


def verify() -> Finding:
    """Check every link, the head and every anchor; return the first thing that is wrong."""
    unsealed = OutboxEvent.objects.filter(chain_seq=None).count()
    expected, prev, hashes = 1, "", dict(_anchors())
    for row in _sealed_rows():
        fault = _fault_of(row, expected, prev, hashes)
        if fault:
            return Finding(False, expected - 1, unsealed, expected, fault)
        prev, expected = row.hash, expected + 1
    return _check_end(expected - 1, prev, unsealed, hashes)


def _sealed_rows() -> Iterator[OutboxEvent]:
    rows = OutboxEvent.objects.exclude(chain_seq=None).order_by("chain_seq")
    return rows.iterator(chunk_size=_CHUNK)


def _fault_of(row: OutboxEvent, expected: int, prev: str, anchors: dict[int, str]) -> str:
    if row.chain_seq != expected:
        return f"Row {expected} is missing (the next one is {row.chain_seq})."
    if row.prev_hash != prev:
        return f"Row {expected} does not follow the row before it."
    if not hmac.compare_digest(row.hash, link_hash(row, expected, prev)):
        return f"Row {expected} ({row.name}, {row.at:%Y-%m-%d %H:%M:%S} UTC) was changed."
    if anchors.get(expected, row.hash) != row.hash:
        return f"Row {expected} differs from the anchor file: the log was written anew."
    return ""


def _check_end(last: int, last_hash: str, unsealed: int, anchors: dict[int, str]) -> Finding:
    head = AuditHead.objects.filter(pk=1).first()
    newest = max([head.chain_seq if head else 0, *anchors], default=0)
    if newest > last:
        message = f"The log ends at row {last}, but row {newest} was already written: rows were cut off or restored."
        return Finding(False, last, unsealed, last + 1, message)
    if head and head.hash != last_hash:
        return Finding(False, last, unsealed, last, f"The head of the log does not match row {last}.")
    return Finding(True, last, unsealed)


def export_rows(*, user_id: UUID | None = None, start: datetime | None = None) -> Iterator[OutboxEvent]:
    """Iterate the log in order, for one user or for all (operators)."""
    rows = OutboxEvent.objects.order_by("seq")
    if user_id is not None:
        rows = rows.filter(user_id=user_id)
    if start is not None:
        rows = rows.filter(at__gte=start)
    return rows.iterator(chunk_size=_CHUNK)
