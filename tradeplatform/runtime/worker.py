"""The Celery worker and the beat as threads of the embedded process."""

import threading
from typing import Any

from celery import Celery
from celery.beat import EmbeddedService
from celery.worker import WorkController
from celery.worker import state as worker_state

from core.embedded import transport


class WorkerThread(threading.Thread):
    """A worker with a pool of threads.

    It is a WorkController, not `celery.apps.worker.Worker`: that one takes over signals and logging.
    """

    def __init__(self, app: Celery, *, concurrency: int) -> None:
        super().__init__(name="celery-worker", daemon=True)
        self._app, self._concurrency = app, concurrency
        self.ready = threading.Event()

    def run(self) -> None:
        """Work until `stop`."""
        ready = self.ready
        worker_state.should_stop = None  # Celery keeps it for the process: an earlier worker here may have set it

        class Embedded(WorkController):
            def on_consumer_ready(self, consumer: Any) -> None:
                ready.set()

        self._app.set_current()
        Embedded(
            app=self._app,
            hostname="embedded@localhost",
            pool="threads",
            concurrency=self._concurrency,
            without_heartbeat=True,
            without_mingle=True,
            without_gossip=True,
        ).start()

    def wait_until_ready(self) -> None:
        """Wait until the worker takes tasks; raises RuntimeError when it ended before (a task does not import)."""
        while not self.ready.wait(0.1):
            if not self.is_alive():
                raise RuntimeError("The worker could not start; the lines above say why.")

    def stop(self, timeout: float) -> bool:
        """Ask the worker to end after its running tasks; tell whether it did in time."""
        worker_state.should_stop = 0  # the consumer's loop ends at its next turn, with exit code 0
        transport.interrupt()
        self.join(timeout)
        return not self.is_alive()


def beat_service(app: Celery) -> Any:
    """Return the beat as a thread (without `thread=True` Celery would fork a process)."""
    return EmbeddedService(app, thread=True, scheduler_cls=app.conf.beat_scheduler)  # its own default is a file
