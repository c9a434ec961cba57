"""Start a user's strategy from the command line."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from domain.errors import PlatformError
from trading.management.whose import strategy_named, user_named
from trading.services.strategies import start_strategy


class Command(BaseCommand):
    """`manage.py start_strategy USERNAME NAME`."""

    help = "Let a strategy trade, after the check that it does not look ahead."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take user and strategy."""
        parser.add_argument("username")
        parser.add_argument("name", help="name or id of the strategy")

    def handle(self, *args: Any, **options: Any) -> None:
        """Start it."""
        strategy = strategy_named(user_named(options["username"]), options["name"])
        try:
            started = start_strategy(strategy, by="the command line")
        except PlatformError as error:
            raise CommandError(error.message) from error
        self.stdout.write(f"{started.name} is {started.state}")
