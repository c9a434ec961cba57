"""kill -9 while trading: no order twice, no fill lost, no notification lost; the figures are printed.

``CRASH_KILLS`` says how often (``make bench`` runs the full thirty).
"""

import os
from pathlib import Path

import pytest

from tests.crash.drill import run_drill

pytestmark = [pytest.mark.runtime, pytest.mark.timeout(900)]


def test_a_platform_that_is_killed_again_and_again_trades_as_if_nothing_had_happened(tmp_path: Path) -> None:
    kills = int(os.environ.get("CRASH_KILLS", "4"))

    figures = run_drill(tmp_path, kills=kills, seed=int(os.environ.get("CRASH_SEED", "7")))

    print(f"\n{figures.kills} kills, {figures.orders} orders, {figures.fills} fills, 0 violations allowed: {figures}")
    assert figures.faults == ()
    assert figures.differs_from_reference == ()
    assert figures.fills > 0
