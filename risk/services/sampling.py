"""Samples of headroom: how much of every limit an account uses, kept small by thinning what is old."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from portfolio.models import Account
from risk.headroom import Headroom
from risk.histories import to_drop
from risk.models import HeadroomSample

EVERY = timedelta(minutes=1)
SUDDEN = 0.01
MOST = 2_000


def sample_headroom(account: Account, found: Sequence[Headroom], *, at: datetime, now: datetime) -> bool:
    """Keep how much of each limit is used, where that is worth a row; return whether it was.

    A row is kept when market time moved and a minute has passed since the last one, or some limit moved by a hundredth.
    """
    if not found:
        return False
    used = {each.key: round(float(each.used), 4) for each in found}
    rows = HeadroomSample.objects.filter(account=account, epoch=account.epoch)
    last = rows.order_by("-seq").first()
    if last is not None and not _is_worth_it(last, used, at, now):
        return False
    HeadroomSample.objects.create(
        user_id=account.user_id,
        account=account,
        epoch=account.epoch,
        at=at,
        sampled_at=now,
        nearest=max(used.values()),
        limits={e.key: [_text(e.value), _text(e.limit), used[e.key]] for e in found},
    )
    if rows.count() > MOST:
        _thin(account)
    return True


def _text(value: object) -> str:
    return f"{round(value, 6):f}"  # type: ignore[call-overload]  # a Decimal


def _is_worth_it(last: HeadroomSample, used: dict[str, float], at: datetime, now: datetime) -> bool:
    before = {key: float(row[2]) for key, row in last.limits.items()}
    if before.keys() != used.keys():
        return True
    if any(abs(value - before[key]) >= SUDDEN for key, value in used.items()):
        return True
    return at > last.at and now - last.sampled_at >= EVERY


def _thin(account: Account) -> None:
    """Drop every other row of the older half once there are too many."""
    rows = HeadroomSample.objects.filter(account=account, epoch=account.epoch).order_by("seq")
    numbers = list(rows.values_list("seq", flat=True))
    HeadroomSample.objects.filter(seq__in=to_drop(numbers, MOST)).delete()
