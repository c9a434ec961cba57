"""The unprotected-exposure gauge: value × seconds of positions that nothing would close at a loss; alarms; waivers."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from core.bus import publish
from core.prepared import Prepared
from domain.errors import NotFound, ValidationFailed
from domain.events import PositionUnprotected
from portfolio.models import Account, Position
from risk.decisions import RuleSpec
from risk.models import ProtectionWaiver, UnprotectedEpisode
from risk.position_rules import Exposed, Holding, accrued_until, exposed_part

_REASON_LENGTH = 300


def measure_exposed(
    account: Account, holdings: Sequence[Holding], rules: Sequence[RuleSpec], *, at: datetime
) -> list[Holding]:
    """Bring the gauge of a locked account up to ``at`` and return its positions with what they have accrued.

    An episode begins when a position is seen without protection and ends when it is protected, waived or flat. Its
    beginning is told at once, and once: publishes PositionUnprotected.
    """
    running = {str(row.position_id): row for row in _running(account_id=account.pk)}
    waived = _waived(account) if holdings else set()
    done = []
    for holding in holdings:
        known = replace(holding, is_waived=(holding.key, holding.opened_at) in waived)
        row = running.pop(holding.key, None)
        exposed = exposed_part(known, rules)
        if exposed is None:
            if row is not None:
                _end(row, "a waiver" if known.is_waived else "protection", at)
            done.append(known)
            continue
        row = _go_on(row, exposed, at) if row else _begin(account, known, exposed, at)
        done.append(replace(known, accrued=row.value_seconds))
    for row in running.values():
        _end(row, "the position is flat", at)
    return done


_running: Prepared[UnprotectedEpisode] = Prepared(
    lambda account_id: UnprotectedEpisode.objects.filter(account_id=account_id, ended_at=None), account_id=UUID
)
_waivers: Prepared[tuple[UUID, datetime | None]] = Prepared(
    lambda account_id: ProtectionWaiver.objects.filter(account_id=account_id, revoked_at=None).values_list(
        "position_id", "opened_at"
    ),
    account_id=UUID,
)


def _waived(account: Account) -> set[tuple[str, datetime | None]]:
    return {(str(position_id), opened_at) for position_id, opened_at in _waivers(account_id=account.pk)}


def _begin(account: Account, holding: Holding, exposed: Exposed, at: datetime) -> UnprotectedEpisode:
    row = UnprotectedEpisode.objects.create(
        user_id=account.user_id,
        account=account,
        epoch=account.epoch,
        position_id=UUID(holding.key),
        instrument_id=holding.instrument_id,
        strategy_id=holding.strategy_id,
        quantity=exposed.quantity,
        value=exposed.value,
        worst_value=exposed.value,
        reason=exposed.reason,
        began_at=at,
        measured_at=at,
        alarmed_at=timezone.now(),
    )
    publish(
        PositionUnprotected(
            at=at,
            user_id=account.user_id,
            account_id=account.pk,
            position_id=row.position_id,
            strategy_id=holding.strategy_id,
            symbol=holding.symbol,
            quantity=holding.quantity,
            average_price=holding.average_price,
            realized_pnl=Position.objects.values_list("realized_pnl", flat=True).get(pk=row.position_id),
            currency=account.currency,
            is_alarm=True,
            reason=f"{exposed.quantity.normalize():f} of {holding.symbol} lie open: {exposed.reason}.",
        )
    )
    return row


def _go_on(row: UnprotectedEpisode, exposed: Exposed, at: datetime) -> UnprotectedEpisode:
    is_same = (row.quantity, row.value, row.reason) == (exposed.quantity, exposed.value, exposed.reason)
    if is_same and at <= row.measured_at:
        return row
    row.value_seconds = accrued_until(row.value_seconds, row.value, since=row.measured_at, at=at)
    row.quantity, row.value, row.reason = exposed.quantity, exposed.value, exposed.reason
    row.worst_value = max(row.worst_value, exposed.value)
    row.measured_at = max(row.measured_at, at)
    row.save()
    return row


def _end(row: UnprotectedEpisode, by: str, at: datetime) -> None:
    row.value_seconds = accrued_until(row.value_seconds, row.value, since=row.measured_at, at=at)
    row.measured_at = row.ended_at = max(row.measured_at, at)
    row.ended_by = by
    row.save()


@transaction.atomic
def sign_waiver(user: Any, position_id: UUID, *, reason: str, by: str) -> ProtectionWaiver:
    """Note that a person takes it upon himself that a position has no stop; signing again replaces the reason.

    It holds for this position until it is flat. Raises ValidationFailed without a reason, NotFound.
    """
    reason = reason.strip()
    if not reason:
        raise ValidationFailed("A waiver needs a reason", field="reason", code="required")
    position = Position.objects.for_user(user).filter(pk=position_id, is_open=True).first()
    if position is None:
        raise NotFound("There is no such open position")
    row, _ = ProtectionWaiver.objects.update_or_create(
        position_id=position.pk,
        revoked_at=None,
        defaults={
            "user_id": position.user_id,
            "account_id": position.account_id,
            "opened_at": position.opened_at,
            "reason": reason[:_REASON_LENGTH],
            "signed_by": by[:150],
        },
    )
    return row


def revoke_waiver(user: Any, position_id: UUID, *, at: datetime) -> None:
    """Take a waiver back: the gauge runs from the next measurement on. Raises NotFound."""
    rows = ProtectionWaiver.objects.for_user(user).filter(position_id=position_id, revoked_at=None)
    if not rows.update(revoked_at=at):
        raise NotFound("Nobody signed a waiver for this position")
