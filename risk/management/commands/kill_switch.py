"""manage.py kill_switch: stop trading from the command line, with the web, Redis and all workers down."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from domain.errors import PlatformError
from risk.models import KillScope, KillSwitch
from risk.services.kill_switches import engage_kill_switch, rearm_kill_switch


class Command(BaseCommand):
    """Engages, rearms and shows kill switches."""

    help = "Stop (engage), let trade again (rearm), or show kill switches (status)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare action, scope, target and reason."""
        parser.add_argument("action", choices=["engage", "rearm", "status"])
        parser.add_argument("--scope", choices=KillScope.values, default=KillScope.PLATFORM.value)
        parser.add_argument("--target", default="", help="User name, or the id of the account or strategy.")
        parser.add_argument("--reason", default="")
        parser.add_argument("--forbid-all", action="store_true", help="Nothing at all goes out, exits neither.")
        parser.add_argument("--flatten", action="store_true", help="Close what is held.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry out the action and print what holds."""
        common = {
            "scope": options["scope"],
            "target_id": _target(options["scope"], options["target"]),
            "reason": options["reason"],
            "by": "command line",
            "at": timezone.now(),
        }
        try:
            if options["action"] == "engage":
                engage_kill_switch(**common, forbid_all=options["forbid_all"], flatten=options["flatten"])
            elif options["action"] == "rearm":
                rearm_kill_switch(**common)
        except PlatformError as error:
            raise CommandError(error.message) from error
        self._show()

    def _show(self) -> None:
        engaged = list(KillSwitch.objects.filter(rearmed_at=None).order_by("engaged_at"))
        if not engaged:
            self.stdout.write("No kill switch is engaged.")
        for switch in engaged:
            extras = [word for word, is_on in (("forbid all", switch.forbid_all), ("flatten", switch.flatten)) if is_on]
            told = f" ({', '.join(extras)})" if extras else ""
            since = f"{switch.engaged_at:%Y-%m-%d %H:%M:%S}Z by {switch.engaged_by}"
            self.stdout.write(f"ENGAGED {switch}{told} since {since}: {switch.reason}")


def _target(scope: str, text: str) -> UUID | None:
    if scope == KillScope.PLATFORM:
        return None
    if scope == KillScope.USER and text:
        user = get_user_model().objects.filter(username=text).first()
        if user is not None:
            return UUID(str(user.pk))
    try:
        return UUID(text)
    except ValueError:
        raise CommandError(f"--target must name the {scope}; {text!r} does not") from None
