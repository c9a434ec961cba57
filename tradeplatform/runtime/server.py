"""The embedded platform: web server, worker, beat and streams in one process, started and stopped in order."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable

import uvicorn
from django.conf import settings

from core.embedded import children
from marketdata import stream
from tradeplatform.asgi import application
from tradeplatform.celery import app as celery_app
from tradeplatform.runtime.worker import WorkerThread, beat_service

STOP_SECONDS = 4.0
HOLDER = "embedded"  # the instance lock keeps it single: after a kill it may go on at once with its own lease

logger = logging.getLogger(__name__)


class PortTakenError(Exception):
    """Another program listens on the port."""


def listening_socket(host: str, port: int) -> socket.socket:
    """Open the port now, before anything is started; raises PortTakenError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        raise PortTakenError(
            f"Cannot listen on {host}:{port} ({error.strerror}). Stop the program that uses the port, "
            "or choose another one: PORT=8001 make run."
        ) from error
    return opened


def serve(opened: socket.socket, *, on_ready: Callable[[], None], say: Callable[[str], None]) -> bool:
    """Run everything until SIGINT or SIGTERM; tell whether it all stopped in time."""
    config = uvicorn.Config(
        application,
        log_config=None,
        lifespan="off",
        access_log=False,
        timeout_graceful_shutdown=2,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_max_size=65_536,
        server_header=False,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]  # the signals are ours
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        return runner.run(_Platform(server, opened, say).run(on_ready))


class _Platform:
    """The threads around the web server."""

    def __init__(self, server: uvicorn.Server, opened: socket.socket, say: Callable[[str], None]) -> None:
        self._server, self._opened, self._say = server, opened, say
        self._worker = WorkerThread(celery_app, concurrency=settings.EMBEDDED_WORKER_THREADS)
        self._beat = beat_service(celery_app)
        self._stop_streams = threading.Event()
        self._streams = threading.Thread(target=_run_streams, args=(self._stop_streams,), name="streams", daemon=True)
        self._signals = 0

    async def run(self, on_ready: Callable[[], None]) -> bool:
        """Start in order, serve, stop in order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal, number)
        self._worker.start()
        await asyncio.to_thread(self._worker.wait_until_ready)
        self._beat.start()
        self._streams.start()
        announcing = asyncio.ensure_future(self._announce(on_ready))
        try:
            await self._server.serve(sockets=[self._opened])
        finally:
            announcing.cancel()
            stopped = await asyncio.to_thread(self._stop_threads)
        return stopped

    async def _announce(self, on_ready: Callable[[], None]) -> None:
        while not self._server.started:
            await asyncio.sleep(0.02)
        on_ready()

    def _on_signal(self, number: int) -> None:
        self._signals += 1
        if self._signals > 1:
            os._exit(130)
        self._say(f"{signal.Signals(number).name}: stopping (once more to force)")
        self._server.should_exit = True
        self._stop_streams.set()

    def _stop_threads(self) -> bool:
        deadline = time.monotonic() + STOP_SECONDS
        self._stop_streams.set()
        children.shutdown()
        self._beat.stop()
        is_clean = self._worker.stop(max(deadline - time.monotonic(), 0.5))
        self._streams.join(max(deadline - time.monotonic(), 0.1))
        return is_clean and not self._streams.is_alive()


def _run_streams(stop: threading.Event) -> None:
    """Run the market data feeds; a feed that fails is started again after a pause."""
    while not stop.is_set():
        try:
            stream.run(stop, holder=HOLDER)
        except Exception:
            logger.exception("the market data streams failed; they start again in 5 seconds")
        else:
            if not stop.is_set():
                logger.error("the market data streams ended by themselves; they start again in 5 seconds")
        stop.wait(5)
