"""Do positions and cash equal the sum of all fills, for every account?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from portfolio import selectors as portfolio
from portfolio.models import Account
from trading import selectors
from trading.management.whose import any_account
from trading.models import Fill


class Command(BaseCommand):
    """`manage.py books_check`: changes nothing; exit status 1 names every difference."""

    help = "Check that positions and cash of every account (or of one) equal the sum of its fills."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take an account, or none for all."""
        parser.add_argument("--account", help="name or id; without it all of them")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, tell, and fail on a difference."""
        named = options["account"]
        accounts = [any_account(named)] if named else list(Account.objects.order_by("user__username", "name"))
        found = [
            f"{account.name} ({account.pk}): {text}" for account in accounts for text in self._differences(account)
        ]
        for text in found:
            self.stderr.write(text)
        n_fills = Fill.objects.filter(account__in=accounts).count()
        if found:
            raise CommandError(f"{len(found)} differences in {len(accounts)} accounts")
        self.stdout.write(f"{len(accounts)} accounts, {n_fills} fills: positions and cash equal the sum of the fills")

    @staticmethod
    def _differences(account: Account) -> list[str]:
        with transaction.atomic():  # the lock keeps a fill from coming in between
            locked = portfolio.locked_account(account.pk)
            return list(portfolio.differences(locked, selectors.fills_of_account(locked)))
