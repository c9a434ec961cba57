"""The in-process transport under a real Celery worker: quick, complete, and quick to stop."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from celery import Celery, _state
from kombu.transport import TRANSPORT_ALIASES

from core.embedded import transport
from tradeplatform.runtime.worker import WorkerThread

pytestmark = pytest.mark.both_ways
DONE: list[float] = []


@pytest.fixture
def app() -> Iterator[Celery]:
    """An app of its own; the threads of a pool find it as the default, as they find the platform's when it runs."""
    before = _state.default_app
    TRANSPORT_ALIASES["inproc"] = "core.embedded.transport:Transport"
    app = Celery("transport-test", broker="inproc://localhost", set_as_current=False)
    app.conf.update(
        task_ignore_result=True, task_acks_late=True, worker_prefetch_multiplier=4, task_default_queue="transport-test"
    )
    app.task(name="note")(note)
    app.set_default()
    yield app
    _state.set_default_app(before)


def note(sent: float) -> None:
    DONE.append(time.monotonic() - sent)


@pytest.fixture
def worker(app: Celery) -> Iterator[WorkerThread]:
    DONE.clear()
    transport.reset()
    worker = WorkerThread(app, concurrency=2)
    worker.start()
    assert worker.ready.wait(10)
    yield worker
    worker.stop(5)
    transport.reset()


def wait_until(is_true: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not is_true() and time.monotonic() < end:
        time.sleep(0.005)
    return is_true()


@pytest.mark.serial
def test_an_idle_worker_takes_a_task_at_once(app: Celery, worker: WorkerThread) -> None:
    time.sleep(0.3)

    app.tasks["note"].apply_async((time.monotonic(),))

    assert wait_until(lambda: len(DONE) == 1)
    assert DONE[0] < 0.3  # the stock transport polls: up to a second


@pytest.mark.serial
def test_no_task_is_lost_or_doubled_beyond_the_prefetch_size(app: Celery, worker: WorkerThread) -> None:
    senders = [
        threading.Thread(target=lambda: [app.tasks["note"].apply_async((time.monotonic(),)) for _ in range(50)])
        for _ in range(4)
    ]

    began = time.monotonic()
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert wait_until(lambda: len(DONE) >= 200)
    assert time.monotonic() - began < 5  # 16 a second with the stock transport: 12 s
    time.sleep(0.05)
    assert len(DONE) == 200


@pytest.mark.serial
def test_an_idle_worker_stops_at_once(app: Celery, worker: WorkerThread) -> None:
    began = time.monotonic()

    assert worker.stop(5)

    assert time.monotonic() - began < 1.5


def test_a_worker_that_cannot_start_is_told_instead_of_waited_for(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(WorkerThread, "run", lambda self: None)
    worker = WorkerThread(app, concurrency=1)
    worker.start()

    with pytest.raises(RuntimeError, match="could not start"):
        worker.wait_until_ready()
