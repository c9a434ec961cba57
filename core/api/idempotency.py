"""Idempotency-Key: the same key and body give the first answer again, another body is 409.

The row is written in the transaction of what the request makes: a crash leaves both or neither. Equal requests at
the same time wait for the first one in the database and get its answer. A request that fails leaves no row.
"""

import functools
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.response import Response

from core.api.parsers import canonical
from core.api.render import dumps
from core.models import IdempotencyRecord
from domain.errors import Conflict, FieldError, ValidationFailed

HEADER = "Idempotency-Key"
KEPT = timedelta(days=30)
_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_SALT = "core.api.idempotency"


def once(
    request: Request, make: Callable[[], Response], *, user_id: UUID | None = None, is_secret: bool = False
) -> Response:
    """Call ``make`` once per Idempotency-Key of this user and address, and answer every repetition like the first.

    ``make`` then runs inside a transaction: whatever must leave the platform goes by ``transaction.on_commit``.
    Without the header it is simply called. ``user_id`` is for views where nobody is signed in; ``is_secret`` seals
    the kept answer with the key itself, so that the database alone tells nobody. Raises ValidationFailed for a
    malformed key, Conflict for another body.
    """
    key = request.headers.get(HEADER)
    if key is None:
        return make()
    if not _KEY.fullmatch(key):
        message = "Idempotency-Key must be 1 to 255 visible ASCII characters."
        raise ValidationFailed.of((FieldError(HEADER, "invalid", message),))
    with transaction.atomic():
        record = _claim(request, key, user_id or request.user.pk)
        if record.status is not None:
            return _replay(record, key)
        response = make()
        _keep(record, response, key if is_secret else None)
        return response


def idempotent(method: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's POST method with ``once``; a view with ``idempotency_is_secret`` has its answers sealed."""

    @functools.wraps(method)
    def wrapped(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        is_secret = bool(getattr(self, "idempotency_is_secret", False))
        return once(request, lambda: method(self, request, *args, **kwargs), is_secret=is_secret)

    wrapped.is_idempotent = True  # type: ignore[attr-defined]  # read by core.api.schema
    return wrapped


def forget_old(*, at: datetime) -> int:
    """Delete the records that are older than 30 days; return how many."""
    return IdempotencyRecord.objects.filter(created_at__lt=at - KEPT).delete()[0]


def _claim(request: Request, key: str, user_id: UUID) -> IdempotencyRecord:
    """Insert our row, or wait for and read the one that another request inserted."""
    place = {
        "user_id": user_id,
        "path": f"{request.method} {request.path.rstrip('/')}"[:300],
        "key_digest": hashlib.sha256(key.encode()).hexdigest(),
    }
    digest = request_digest(request.data)
    ours = IdempotencyRecord(**place, request_digest=digest)
    # ON CONFLICT DO NOTHING waits on PostgreSQL until the other transaction has ended; SQLite has one writer anyway.
    IdempotencyRecord.objects.bulk_create([ours], ignore_conflicts=True)
    record = IdempotencyRecord.objects.get(**place)
    if record.request_digest != digest:
        raise Conflict(f"{HEADER} was used before with another body.", code="idempotency_key_reused")
    return record


def request_digest(data: Any) -> str:
    """Return a keyed digest of a body, uploads included (keyed: bodies may hold secrets that could be guessed)."""
    plain = {name: _plain(value) for name, value in data.items()} if isinstance(data, Mapping) else data
    return salted_hmac(_SALT, canonical(plain), algorithm="sha256").hexdigest()


def _plain(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return {"name": value.name, "sha256": digest.hexdigest()}


def _keep(record: IdempotencyRecord, response: Response, key: str | None) -> None:
    body = dumps(response.data)
    record.is_sealed = key is not None
    record.body = _cipher(key).encrypt(_nonce(record), body, None).hex() if key is not None else body.decode()
    record.status = response.status_code
    record.location = response.headers.get("Location", "")
    record.save(update_fields=["is_sealed", "body", "status", "location", "updated_at"])


def _replay(record: IdempotencyRecord, key: str) -> Response:
    text = record.body
    if record.is_sealed:
        text = _cipher(key).decrypt(_nonce(record), bytes.fromhex(text), None).decode()
    headers = {"Idempotency-Replayed": "true"}
    if record.location:
        headers["Location"] = record.location
    return Response(json.loads(text), status=record.status, headers=headers)


def _cipher(key: str) -> AESGCM:
    return AESGCM(salted_hmac(f"{_SALT}.seal", key, algorithm="sha256").digest())


def _nonce(record: IdempotencyRecord) -> bytes:
    return record.pk.bytes[:12]
