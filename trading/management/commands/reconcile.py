"""Compare one account with its venue now."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from domain.errors import PlatformError
from trading.management.whose import any_account
from trading.services import reconcile


class Command(BaseCommand):
    """`manage.py reconcile ACCOUNT`: exit status 1 when a difference remains."""

    help = "Compare an account (name or id) with its venue: carry on what was cut off, book what was missed."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account."""
        parser.add_argument("account", help="name or id")

    def handle(self, *args: Any, **options: Any) -> None:
        """Reconcile and tell."""
        account = any_account(options["account"])
        try:
            found = reconcile.reconcile(account.pk, grace=timedelta(0))
        except PlatformError as error:
            raise CommandError(f"{account.name} could not be compared: {error}") from error
        self.stdout.write(
            f"{account.name}: {found.carried_on} orders carried on, {found.fills_booked} fills booked, "
            f"{found.protected} protective orders placed"
        )
        if found.differences:
            raise CommandError("; ".join(found.differences))
