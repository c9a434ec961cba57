"""manage.py import_corporate_actions FILE: splits and dividends from CSV (symbol, date, kind, value)."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from domain.errors import PlatformError
from marketdata.action_services import import_actions


class Command(BaseCommand):
    """Import splits and dividends."""

    help = "Import splits and dividends from a CSV file with the columns symbol, date, kind (split, dividend), value."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the file."""
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        """Store the good rows, tell the bad ones by line."""
        try:
            answers = list(import_actions(options["file"].read_text(encoding="utf-8")))
        except (PlatformError, OSError, UnicodeDecodeError) as error:
            raise CommandError(str(error)) from error
        for line, outcome, why in answers:
            if outcome == "rejected":
                self.stderr.write(f"line {line}: {why}")
        counts = {word: sum(outcome == word for _, outcome, _ in answers) for word in ("stored", "known", "rejected")}
        self.stdout.write(", ".join(f"{n} {word}" for word, n in counts.items()))
