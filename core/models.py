"""Base classes of every table, and the platform's own tables: outbox (= audit log), failed deliveries, audit head."""

import uuid
from typing import ClassVar, Self, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

_Row = TypeVar("_Row", bound=models.Model, covariant=True)


class OwnedManager(models.Manager[_Row]):
    """Reaches rows that belong to a user."""

    def for_user(self, user: models.Model | UUID) -> models.QuerySet[_Row]:
        """Only the rows of this user (a user object or its id)."""
        return self.filter(user_id=getattr(user, "pk", user))


class UuidModel(models.Model):
    """A row with a random id and its wall-clock times."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True


class OwnedModel(UuidModel):
    """A row that belongs to one user; every query of one starts with ``.for_user(user)``."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects: ClassVar[OwnedManager[Self]] = OwnedManager()

    class Meta:
        abstract = True


class OutboxEvent(models.Model):
    """One durable fact: written in the transaction of what it tells, delivered after commit, never changed.

    ``prev_hash`` and ``hash`` are empty until the sealer has chained the row (core.audit); ``chain_seq`` is its place
    in the chain, without gaps. ``delivered_at`` is when every handler had it.
    """

    seq = models.BigAutoField(primary_key=True)
    event_id = models.UUIDField(unique=True)
    name = models.CharField(max_length=64)
    user_id = models.UUIDField(null=True)
    account_id = models.UUIDField(null=True)
    payload = models.JSONField(encoder=DjangoJSONEncoder)
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    delivered_at = models.DateTimeField(null=True)
    chain_seq = models.BigIntegerField(null=True, unique=True)
    prev_hash = models.CharField(max_length=64, default="")
    hash = models.CharField(max_length=64, default="")

    class Meta:
        indexes = [
            models.Index(fields=["user_id", "seq"], name="outbox_user"),
            models.Index(fields=["account_id", "seq"], name="outbox_account"),
            models.Index(fields=["seq"], name="outbox_undelivered", condition=models.Q(delivered_at__isnull=True)),
            models.Index(fields=["seq"], name="outbox_unsealed", condition=models.Q(chain_seq__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.name}"


class FailedDelivery(UuidModel):
    """A handler that failed on an event; tried again with growing pauses, ``dead`` after the last try."""

    event = models.ForeignKey(OutboxEvent, on_delete=models.PROTECT, related_name="failures")
    handler = models.CharField(max_length=200)
    attempts = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    last_error = models.TextField(default="")
    resolved_at = models.DateTimeField(null=True)
    dead = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "failed deliveries"
        constraints = [models.UniqueConstraint(fields=["event", "handler"], name="failed_delivery_once")]
        indexes = [models.Index(fields=["resolved_at", "dead", "next_try_at"], name="failed_delivery_due")]

    def __str__(self) -> str:
        return f"{self.handler} on {self.event_id}"


class AuditHead(models.Model):
    """The newest link of the audit chain (one row); locked by whoever seals."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    chain_seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"audit head {self.chain_seq}"


class IdempotencyRecord(UuidModel):
    """The answer to one POST with an Idempotency-Key, written in the transaction of what that POST made."""

    user_id = models.UUIDField()
    path = models.CharField(max_length=310)
    key_digest = models.CharField(max_length=64)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    location = models.CharField(max_length=300, default="")
    is_sealed = models.BooleanField(default=False)
    body = models.TextField(default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user_id", "path", "key_digest"], name="idempotency_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.path} {self.key_digest[:8]}"
