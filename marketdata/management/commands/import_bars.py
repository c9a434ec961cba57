"""manage.py import_bars FILE --symbol AAPL --timeframe 1d: import a file of bars and print the answer as JSON."""

import json
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from domain.errors import PlatformError
from marketdata.bar_imports import ImportRequest, import_bars

_TEXTS = ("symbol", "timezone", "price", "stamp", "date-order", "venue", "asset-class", "currency", "calendar")
_STEPS = ("tick-size", "lot-size")


class Command(BaseCommand):
    """Import bars from CSV, gzipped CSV or Parquet."""

    help = "Import bars from a CSV, CSV.gz or Parquet file; bad lines are told, good ones stored."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options, named as the fields of POST bars/import/."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--timeframe", required=True, help="1m 5m 15m 30m 1h 4h 1d 1w")
        for name in (*_TEXTS, *_STEPS):
            parser.add_argument(f"--{name}", default=None)
        parser.add_argument("--column", action="append", default=[], metavar="ROLE=NAME", help="close=Adj Close")
        parser.add_argument("--replace", action="store_true", help="let rows of the file replace stored bars")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import the file; exit with an error when it cannot be taken as a whole."""
        given = {name.replace("-", "_"): options[name.replace("-", "_")] for name in _TEXTS}
        try:
            steps = {n.replace("-", "_"): _decimal(options[n.replace("-", "_")]) for n in _STEPS}
            request = ImportRequest(
                timeframe=options["timeframe"],
                columns=dict(pair.split("=", 1) for pair in options["column"]),
                replace=options["replace"],
                **{name: value for name, value in {**given, **steps}.items() if value is not None},
            )
            result = import_bars(options["file"].read_bytes(), request, at=timezone.now())
        except (PlatformError, OSError, ValueError, InvalidOperation) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(result.as_json(), indent=2))


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
