"""``manage.py audit_verify``: check the hash-chained log; exit 1 and name the first bad row of a tampered one."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core import audit


class Command(BaseCommand):
    """Verify the audit log."""

    help = "Verify the audit log: finds edited, deleted, inserted, reordered or cut-off rows and restored copies."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many rows were checked, or fail with the first bad one."""
        audit.seal()
        finding = audit.verify()
        if not finding.ok:
            raise CommandError(f"{finding.message} {finding.checked:,} rows before it are intact.")
        self.stdout.write(f"{finding.checked:,} rows checked. {finding.message}")
