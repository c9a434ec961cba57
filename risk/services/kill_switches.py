"""Kill switches: engage and rearm. They are rows of the database and nothing else, so they work with all else down."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from core.bus import publish
from core.urgency import urgent
from domain.errors import IllegalState, NotFound, ValidationFailed
from domain.events import KillSwitchEngaged, KillSwitchRearmed
from portfolio.models import Account
from risk.models import KillScope, KillSwitch
from strategies.models import Strategy

_REASON_LENGTH = 300


def engage_kill_switch(
    *,
    scope: str,
    target_id: UUID | None = None,
    reason: str,
    by: str,
    at: datetime,
    forbid_all: bool = False,
    flatten: bool = False,
) -> KillSwitch:
    """Stop everything in the scope from sending orders that add risk (any order with ``forbid_all``).

    An engaged switch stays engaged; a stricter wish (forbid_all, flatten) is added to it. Publishes KillSwitchEngaged.
    Raises ValidationFailed without a reason, NotFound for a target that does not exist.
    """
    with urgent(), transaction.atomic():
        return _engage(scope, target_id, reason, by=by, at=at, forbid_all=forbid_all, flatten=flatten)


def _engage(
    scope: str, target_id: UUID | None, reason: str, *, by: str, at: datetime, forbid_all: bool, flatten: bool
) -> KillSwitch:
    reason = _checked_reason(reason)
    owner = _owner_of(KillScope(scope), target_id)
    switch = _engaged(scope, target_id)
    is_news = switch is None or (forbid_all and not switch.forbid_all) or (flatten and not switch.flatten)
    switch = switch or KillSwitch(
        scope=scope, target_id=target_id, user_id=owner, reason=reason, engaged_at=at, engaged_by=by
    )
    switch.forbid_all, switch.flatten = switch.forbid_all or forbid_all, switch.flatten or flatten
    switch.save()
    if is_news:
        publish(
            KillSwitchEngaged(
                at=at,
                user_id=owner,
                account_id=target_id if scope == KillScope.ACCOUNT else None,
                scope=str(scope),
                target_id=target_id,
                reason=reason,
                by=by,
                forbid_all=switch.forbid_all,
                flatten=switch.flatten,
            )
        )
    return switch


@transaction.atomic
def rearm_kill_switch(*, scope: str, target_id: UUID | None = None, reason: str, by: str, at: datetime) -> KillSwitch:
    """Let the scope trade again; publishes KillSwitchRearmed. Raises IllegalState when it is not engaged."""
    reason = _checked_reason(reason)
    switch = _engaged(scope, target_id)
    if switch is None:
        raise IllegalState(f"The kill switch of the {scope} is not engaged")
    switch.rearmed_at, switch.rearmed_by, switch.rearm_reason = at, by, reason
    switch.save()
    publish(
        KillSwitchRearmed(
            at=at,
            user_id=switch.user_id,
            account_id=target_id if scope == KillScope.ACCOUNT else None,
            scope=str(scope),
            target_id=target_id,
            reason=reason,
            by=by,
        )
    )
    return switch


def _checked_reason(reason: str) -> str:
    if not reason.strip():
        raise ValidationFailed("A kill switch needs a reason", field="reason", code="required")
    return reason.strip()[:_REASON_LENGTH]


def _engaged(scope: str, target_id: UUID | None) -> KillSwitch | None:
    return KillSwitch.objects.select_for_update().filter(scope=scope, target_id=target_id, rearmed_at=None).first()


def _owner_of(scope: KillScope, target_id: UUID | None) -> Any:
    """Return the id of the user whose trading a target is (None for the platform). Raises NotFound."""
    if scope is KillScope.PLATFORM:
        return None
    if target_id is None:
        raise ValidationFailed(f"A kill switch of scope {scope} needs its target", field="target", code="required")
    if scope is KillScope.USER:
        return target_id
    model = Account if scope is KillScope.ACCOUNT else Strategy
    owner = model.objects.filter(pk=target_id).values_list("user_id", flat=True).first()
    if owner is None:
        raise NotFound(f"There is no such {scope}")
    return owner
