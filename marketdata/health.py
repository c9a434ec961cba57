"""What /health/ready/ says of market data."""

from typing import Any

from django.utils import timezone

from marketdata import replay_services
from marketdata.models import Feed, PriceMark, StreamLease
from marketdata.stream import PROVIDER


def feeds() -> dict[str, Any]:
    """Return whether somebody plays what has to be played, and which feeds are degraded."""
    n_running = sum(1 for _ in replay_services.running())
    lease = StreamLease.objects.filter(provider=PROVIDER).first()
    is_played = lease is not None and lease.expires_at > timezone.now()
    degraded = list(Feed.objects.filter(is_open=True).exclude(fault="").values_list("instrument__symbol", flat=True))
    return {
        "ok": (is_played or not n_running) and not degraded,
        "running_clocks": n_running,
        "stream": lease.holder if lease and is_played else None,
        "degraded": degraded,
    }


def last_tick() -> dict[str, Any]:
    """Return how long ago (wall clock) the newest price arrived; ok also when no clock runs."""
    newest = PriceMark.objects.order_by("-updated_at").first()
    if newest is None:
        return {"ok": True, "age_seconds": None}
    return {"ok": True, "age_seconds": (timezone.now() - newest.updated_at).total_seconds()}
