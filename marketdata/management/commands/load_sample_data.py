"""manage.py load_sample_data: the daily bars of AAPL, GOOG, IBM, MSFT and FB; quick when they are there already."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from marketdata.samples import load_sample_data


class Command(BaseCommand):
    """Load the sample data."""

    help = "Load the public-domain sample data (five shares, daily); changes nothing the second time."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print how many bars of each symbol are new."""
        for symbol, n_bars in load_sample_data(at=timezone.now()).items():
            self.stdout.write(f"{symbol}: {n_bars} new bars")
