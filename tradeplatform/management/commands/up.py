"""Run the whole platform in this one process: web, websockets, worker, beat, feeds."""

import os
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from tradeplatform import instance
from trading.services.startup import prepare


class Command(BaseCommand):
    """`manage.py up`: bring the data up to date, then serve until Ctrl-C."""

    help = "Run web server, websockets, worker, beat and market data feeds in one process (no service needed)."
    requires_system_checks: list[str] = []  # noqa: RUF012 - the lock comes first; `make check` runs the checks

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the address to listen on."""
        parser.add_argument("--host", default=os.environ.get("HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--no-sample-data", action="store_true", help="start with an empty database")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prepare and serve; the exit status is 0 only when everything stopped in time."""
        from tradeplatform.runtime.server import PortTakenError, listening_socket, serve  # heavy: after the options

        if not settings.IS_EMBEDDED:
            raise CommandError(
                "REDIS_URL is set: this is the way to run with services. Start web, worker, beat and stream processes "
                "as docs/operations.md shows, or unset REDIS_URL."
            )
        self._lock()
        try:
            opened = listening_socket(options["host"], options["port"])
        except PortTakenError as error:
            raise CommandError(str(error)) from error
        self._prepare(with_sample_data=not options["no_sample_data"])
        host = "localhost" if options["host"] in ("127.0.0.1", "0.0.0.0", "::1") else options["host"]
        address = f"http://{host}:{opened.getsockname()[1]}/"
        is_clean = serve(opened, on_ready=lambda: self._announce(address), say=self._say)
        self._say("Stopped." if is_clean else "Stopped; some work did not end in time and will be taken up again.")
        if not is_clean:
            os._exit(1)  # a thread that does not end would hold the process

    def _lock(self) -> None:
        if not instance.is_held():
            try:
                instance.acquire(settings.VAR_DIR)
            except instance.AlreadyRunningError as error:
                raise CommandError(str(error)) from error

    def _prepare(self, *, with_sample_data: bool) -> None:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            self._say("Bringing the database up to date …")
            call_command("migrate", verbosity=0, interactive=False)
        call_command("create_first_user", stdout=self.stdout)
        if with_sample_data and "load_sample_data" in get_commands():
            call_command("load_sample_data", stdout=self.stdout)
        differing = prepare(is_only_process=True)
        if differing:
            self._say(f"{differing} accounts differ from their venue and only reduce: see the notifications.")
        connection.close()

    def _announce(self, address: str) -> None:
        instance.announce(address=address)
        self._say(f"The platform is running: {address}  (Ctrl-C stops it)")

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()
