"""Thirty kills of the embedded platform while it trades: what was lost or doubled (nothing may be)."""

import argparse
import tempfile
from pathlib import Path

from tests.crash.drill import run_drill


def main() -> None:
    """Run the drill and print its figures; exit status 1 on any violation."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=2026)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run_drill(Path(folder), kills=options.kills, seed=options.seed)
    n = len(found.faults) + len(found.differs_from_reference)
    print(f"{found.kills} kills at: {', '.join(found.killed_at)}")
    print(f"{found.signals} signals, {found.orders} orders, {found.fills} fills, {found.notifications} notifications")
    print(f"violations: {n} in {found.kills} kills (95 % bound {3 / found.kills:.3f} a kill)")
    for each in (*found.faults, *found.differs_from_reference):
        print(f"  {each}")
    raise SystemExit(1 if n else 0)


if __name__ == "__main__":
    main()
