"""Points at which a crash may interrupt the platform, named once here, so that tests can stop the process there.

``FAULT_POINT=orders.after_commit`` in the environment kills the process (SIGKILL, as a power cut would) the first time
that point is passed; ``FAULT_POINT=orders.after_commit:3`` the third time. Without the variable a point costs one
dictionary look-up.
"""

import os
import signal

POINTS = frozenset(
    {
        "orders.after_intent",  # the order is committed, the broker has not been called
        "orders.after_send",  # the broker has answered, nothing of the answer is stored
        "orders.after_report",  # the answer is stored
        "venue.after_execution",  # the paper venue has stored an execution, the platform has not heard of it
        "execution.after_fill",  # a fill is booked and committed, its facts are not delivered
        "pipeline.after_match",
        "pipeline.after_mark",
        "pipeline.after_signal",  # the signal is committed, no order yet
        "pipeline.after_cursor",  # the bar is done
        "stream.after_step",  # the replay clock has moved, nobody was told
        "outbox.before_delivery",  # facts are committed, no handler has run
        "outbox.after_delivery",  # handlers have run, the row is not marked
        "notifications.after_store",  # the notification is stored, no browser was told
        "store.before_rename",  # a new bar file is written beside the old one
    }
)

_passed: dict[str, int] = {}


def point(name: str) -> None:
    """Kill the process here when the environment asks for it; raises KeyError for a name that is not in POINTS."""
    wanted = os.environ.get("FAULT_POINT")
    if wanted is None:
        return
    if name not in POINTS:
        raise KeyError(f"{name} is not a fault point")
    target, _, nth = wanted.partition(":")
    if target != name:
        return
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] >= int(nth or 1):
        os.kill(os.getpid(), signal.SIGKILL)
