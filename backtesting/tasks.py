"""Celery tasks of backtests. A message only wakes: what is to be done, and by whom, stands in rows with leases."""

from celery import shared_task
from django.utils import timezone

from backtesting.services import recovering, working
from core.jobs import wake


@shared_task(name="backtesting.work", ignore_result=True, acks_late=False)
def work() -> bool:
    """Do the next chunk, if there is one and this process has room; then look for another."""
    did_some = working.work_once()
    if did_some:
        wake(work)
    return did_some


_warmed: list[bool] = []


@shared_task(name="backtesting.warm_up", ignore_result=True, acks_late=False)
def warm_up() -> bool:
    """Load the engine in a calculating process before the first user waits for it."""
    is_warm = working.warm_up()
    wake(work)  # whatever came meanwhile found this process busy
    return is_warm


@shared_task(name="backtesting.recover", ignore_result=True)
def recover() -> int:
    """Give chunks of silent workers out again, wake workers where something waits; the first time, warm the engine."""
    if not _warmed:
        _warmed.append(True)
        wake(warm_up)
    waiting = recovering.recover(at=timezone.now())
    for _ in range(min(waiting, recovering.MAX_WAKE_UPS)):
        wake(work)
    return waiting
