"""Run one provider's market data stream; of two such processes one stands by and takes over (marketdata.stream)."""

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from marketdata import stream


class Command(BaseCommand):
    """`manage.py stream PROVIDER`."""

    help = "Run a provider's market data stream (services); start two, and one stands by."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the provider's name."""
        parser.add_argument("provider", choices=[stream.PROVIDER])

    def handle(self, *args: Any, **options: Any) -> None:
        """Stream until SIGINT or SIGTERM."""
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        self.stdout.write(f"stream {options['provider']}: started")
        self.stdout.flush()
        stream.run(stop)
        self.stdout.write(f"stream {options['provider']}: stopped")
