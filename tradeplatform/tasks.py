"""Periodic work of the platform as a whole."""

from celery import shared_task

from tradeplatform import health


@shared_task(name="tradeplatform.sign_of_life", ignore_result=True)
def sign_of_life(queue: str) -> None:
    """Note that a worker takes work from this queue."""
    health.record_sign_of_life(queue)
