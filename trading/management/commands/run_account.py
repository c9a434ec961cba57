"""Bring one account up to its market time, here and now."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from trading import pipeline
from trading.management.whose import any_account


class Command(BaseCommand):
    """`manage.py run_account ACCOUNT`: what the task does, by hand."""

    help = "Run an account's pipeline until it has no more closed bars to do; another runner keeps its turn."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account."""
        parser.add_argument("account", help="name or id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run and tell how many moments were done."""
        account = any_account(options["account"])
        done = pipeline.run_account(account.pk)
        self.stdout.write(f"{account.name}: {done} moments done")
