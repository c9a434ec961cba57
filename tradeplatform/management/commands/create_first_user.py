"""Make the first operator with a paper account, once; a password that nobody gave is made and shown this one time."""

import os
import secrets
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from portfolio.services.accounts import open_account
from users.models import User

PAPER_CASH = Decimal(100_000)


class Command(BaseCommand):
    """`manage.py create_first_user`: does nothing when there is a user already."""

    help = "Create the first operator from DJANGO_SUPERUSER_USERNAME, _PASSWORD (else one is made) and _EMAIL."

    def handle(self, *args: Any, **options: Any) -> None:
        """Create the user and print how to sign in."""
        with transaction.atomic():
            if User.objects.exists():
                return
            username = os.environ.get("DJANGO_SUPERUSER_USERNAME") or "admin"
            given = os.environ.get("DJANGO_SUPERUSER_PASSWORD") or ""
            password = given or secrets.token_urlsafe(12)
            email = os.environ.get("DJANGO_SUPERUSER_EMAIL") or ""
            user = User.objects.create_superuser(username, email=email, password=password)
            open_account(user, name="Paper", starting_cash=PAPER_CASH, at=timezone.now())
        if given:
            self.stdout.write(f"Sign in as {username} with the password from DJANGO_SUPERUSER_PASSWORD.")
        else:
            self.stdout.write(f"Sign in as {username} with the password {password}")
            self.stdout.write("(It is shown this once; change it under your account.)")
