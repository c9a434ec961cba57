"""The part that plays feeds: `run(stop)` moves every running market clock at its speed until it is told to stop.

Of several processes only the one that holds the database lease plays; another takes over when the lease runs out.
"""

import logging
import os
import socket
import threading
import time
import uuid
from datetime import datetime, timedelta

from django.db import close_old_connections, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from core import durability, faults
from marketdata import replay_services
from marketdata.models import Replay, StreamLease

LEASE_SECONDS = 10.0
TICK_SECONDS = 0.02
LOOK_SECONDS = 0.5  # how often new, paused and changed clocks are looked for
MAX_STEPS = 50  # in one transaction, at high speed
PROVIDER = "replay"

logger = logging.getLogger(__name__)


def run(stop: threading.Event, *, holder: str = "") -> None:
    """Play all running replays until `stop` is set. Survives database errors; gives the lease back at the end."""
    name = holder or f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
    player = Player()
    renewed = 0.0
    try:
        while not stop.is_set():
            try:
                if time.monotonic() - renewed > LEASE_SECONDS / 4:
                    if not take_lease(name, at=timezone.now()):
                        stop.wait(1.0)
                        continue
                    renewed = time.monotonic()
                player.turn(time.monotonic())
            except DatabaseError:
                logger.exception("stream: the database did not answer; trying again")
                close_old_connections()
                stop.wait(1.0)
            stop.wait(player.pause(time.monotonic()))
    finally:
        give_lease_back(name)


def take_lease(holder: str, *, at: datetime) -> bool:
    """Take or renew the right to play; return whether this process has it."""
    until = at + timedelta(seconds=LEASE_SECONDS)
    with transaction.atomic():
        lease, is_new = StreamLease.objects.select_for_update().get_or_create(
            provider=PROVIDER, defaults={"holder": holder, "expires_at": until}
        )
        if is_new:
            return True
        if lease.holder != holder:
            if lease.expires_at > at:
                return False
            lease.holder, lease.fence = holder, lease.fence + 1
        lease.expires_at = until
        lease.save(update_fields=["holder", "fence", "expires_at"])
    return True


def give_lease_back(holder: str) -> None:
    """Let another process play at once."""
    try:
        StreamLease.objects.filter(provider=PROVIDER, holder=holder).update(expires_at=timezone.now())
    except DatabaseError:
        logger.warning("stream: the lease could not be given back; it runs out by itself", exc_info=True)


class Player:
    """Keeps when each clock's next step is due; everything else is in the database."""

    def __init__(self) -> None:
        self._due: dict[uuid.UUID, float] = {}
        self._replays: dict[uuid.UUID, Replay] = {}
        self._looked = float("-inf")

    def turn(self, now: float) -> int:
        """Play what is due at `now` (monotonic seconds); return the number of steps."""
        if now - self._looked >= LOOK_SECONDS:
            self._look(now)
        return sum(self._play(replay, now) for replay in list(self._replays.values()))

    def pause(self, now: float) -> float:
        """Return how long nothing is due."""
        soonest = min([*self._due.values(), self._looked + LOOK_SECONDS])
        return min(max(soonest - now, TICK_SECONDS), LOOK_SECONDS)

    def _look(self, now: float) -> None:
        self._looked = now
        self._replays = {replay.pk: replay for replay in replay_services.running()}
        self._due = {pk: self._due.get(pk, now + 1 / replay.speed) for pk, replay in self._replays.items()}

    def _play(self, replay: Replay, now: float) -> int:
        behind = now - self._due[replay.pk]
        if behind < 0:
            return 0
        wanted = 1 + int(behind * replay.speed)
        with durability.relaxed():  # a clock that a power cut takes back plays the same bars again
            played = replay_services.play(replay, steps=min(wanted, MAX_STEPS))
        faults.point("stream.after_step")
        # A clock that cannot keep its speed forgets what it is behind, so that it never runs faster afterwards.
        kept = self._due[replay.pk] + played / replay.speed
        self._due[replay.pk] = max(kept, now) if wanted > MAX_STEPS else kept
        if not played:
            del self._replays[replay.pk], self._due[replay.pk]
        return played
