"""manage.py api_token USERNAME --scopes read,trade: make a token and print it alone on standard output."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apikeys import services
from domain.errors import PlatformError
from users.models import User


class Command(BaseCommand):
    """Makes a token for a user from the command line."""

    help = "Make an API token for a user and print it (it is shown this once)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the user name, scopes, name and days until expiry."""
        parser.add_argument("username")
        parser.add_argument("--scopes", default="read", help="comma-separated: read, trade, admin")
        parser.add_argument("--name", default="command line", help="what the token is for")
        parser.add_argument("--days", type=int, default=None, help="days until it expires (never without it)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the token; fails with a clear message for an unknown user or scope."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}.")
        days = options["days"]
        if days is not None and not 1 <= days <= 3650:
            raise CommandError(f"--days {days} is not between 1 and 3650.")
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        expires_at = None if days is None else timezone.now() + timedelta(days=days)
        try:
            _, raw = services.make_token(user, scopes=scopes, name=options["name"], expires_at=expires_at)
        except PlatformError as error:
            raise CommandError(error.message) from error
        self.stdout.write(raw)
