"""The backtest engine beside other engines: workloads W1 to W4 in one run, interleaved, with ratios.

Run with ``python -m bench.backtests`` (``--only ours`` leaves the peers out, ``--json FILE`` writes the figures, ``W1
W3`` runs these alone). Peers are the packages of ``requirements-bench.txt`` as far as they are installed, here or in
environments of their own: ``BENCH_PEERS="vectorbt=/path/to/python raptorbt=/other/python"``. Every engine runs in a
process of its own (ours is compiled by another one, as the platform does it); imports, preparation and the first run
are reported apart. The engines take turns. In its turn an engine first runs once unmeasured, since a process that slept
has lost its caches, and then for a quarter of a second or three times, whichever is longer; one that takes seconds runs
once. Speeds are only compared within one run, and results only where the conventions are the same: then final equity
must agree to 1e-6.

Goals: W1 and W2 100 M bars/s, W3 5,000 combinations/s on two cores, W4a 2 M bars/s, W4b 60 M bars/s; twelve risk rules
cost at most half the speed; W1 in under 400 MB, W3 in under 600 MB.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.peers import data

HERE = Path(__file__).resolve().parent
PEERS = ("raptorbt", "vectorbt", "backtesting", "backtrader", "nautilus")
# Workload: its name for people, its unit, its goal.
WORKLOADS: dict[str, tuple[str, str, float]] = {
    "W1": ("1 instrument, 1,000,000 bars", "bars/s", 100e6),
    "W1 rules": ("W1 with 12 risk rules", "bars/s", 0.0),
    "W1 arrays": ("W1 with arrays of an author's own", "bars/s", 0.0),
    "W2": ("500 instruments, shared cash", "bars/s", 100e6),
    "W2 split": ("500 instruments, cash in equal parts", "bars/s", 0.0),
    "W3": ("1,000 combinations of 100,000 bars", "combinations/s", 5_000),
    "W4a": ("user code in Python at every bar", "bars/s", 2e6),
    "W4b": ("stop and target brackets", "bars/s", 60e6),
}
AGREEMENT = 1e-6
_SLOW_SECONDS = 8.0  # a peer that takes longer runs once
_SHORT_SECONDS = 2.0  # one that takes less runs some times in a turn
_TURN_SECONDS, _TURN_RUNS = 0.25, 3


class Engine:
    """One engine on one workload in its own process."""

    def __init__(self, name: str, workload: str, folder: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [_python(name), str(HERE / "peers" / "worker.py"), name, workload, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "NUMBA_CACHE_DIR": str(folder / "numba")},
        )
        self.about = self._hear()
        self.runs: list[dict[str, Any]] = []

    def _hear(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        return json.loads(line) if line else {"error": "it ended without a word"}

    @property
    def is_there(self) -> bool:
        """Tell whether the engine is installed and knows the workload."""
        return "error" not in self.about

    @property
    def is_slow(self) -> bool:
        """Tell whether one run is enough."""
        return bool(self.runs) and self.runs[0]["seconds"] > _SLOW_SECONDS

    def turn(self) -> None:
        """Run: once unmeasured and then some times where it is quick, else once."""
        if self.about["again_seconds"] > _SHORT_SECONDS:
            self._run()
            return
        self._run(is_measured=False)
        n_before, spent = len(self.runs), 0.0
        while self.is_there and (len(self.runs) < n_before + _TURN_RUNS or spent < _TURN_SECONDS):
            spent += self._run()

    def _run(self, *, is_measured: bool = True) -> float:
        if self._process.stdin:
            self._process.stdin.write("run\n")
            self._process.stdin.flush()
        found = self._hear()
        if "error" in found:
            self.about = found
            return 0.0
        if is_measured:
            self.runs.append(found)
        return float(found["seconds"])

    def stop(self) -> None:
        """End the process."""
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait(timeout=30)

    def figures(self) -> dict[str, Any]:
        """Return the medians of the runs."""
        seconds = statistics.median(each["seconds"] for each in self.runs)
        return {
            "engine": self.name,
            **self.about,
            "n_runs": len(self.runs),
            "seconds": seconds,
            "best_seconds": min(each["seconds"] for each in self.runs),
            "cpu_seconds": statistics.median(each["cpu_seconds"] for each in self.runs),
            "rate": self.about["units"] / seconds,
            "peak_mb": self.runs[-1]["peak_mb"],
            "equity": self.runs[-1].get("equity"),
        }


def _python(name: str) -> str:
    given = dict(each.split("=", 1) for each in os.environ.get("BENCH_PEERS", "").split())
    return given.get(name, sys.executable)


def measure(workload: str, names: list[str], folder: Path, repeats: int) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Run the engines in turns; return the figures of those that are there, and why the others are not.

    Raises SystemExit where our own engine fails.
    """
    compiler = Engine("ours", workload, folder)  # as the platform does: whoever compiles ends, and another one runs
    compiler.stop()
    engines = [Engine(name, workload, folder) for name in names]
    present = [engine for engine in engines if engine.is_there]
    for _ in range(repeats):
        for engine in present:
            if not engine.is_slow and engine.is_there:
                engine.turn()
    for engine in engines:
        engine.stop()
    absent = {engine.name: engine.about["error"] for engine in engines if not engine.is_there}
    if "ours" in absent:
        raise SystemExit(f"{workload}: our own engine failed: {absent['ours']}")
    return [engine.figures() for engine in engines if engine.is_there], absent


def difference(workload: str, peer: dict[str, Any], ours: dict[str, Any], folder: Path) -> float | None:
    """Return the relative difference of final equity on the peer's bars; None where conventions differ."""
    theirs, mine = peer["equity"], ours["equity"]
    if theirs is None:
        return None
    if isinstance(theirs, list):
        return max(abs(a / b - 1) for a, b in zip(theirs, mine, strict=False))
    if peer["units"] != ours["units"]:
        size = peer["units"] // (data.N_DAYS if workload.startswith("W2") else 1)
        mine = measure(f"{workload}:{size}", ["ours"], folder, 1)[0][0]["equity"]
    return float(abs(theirs / mine - 1))


def table(workload: str, rows: list[dict[str, Any]], folder: Path) -> None:
    """Print a workload's figures, and complete them with ratios and differences."""
    words, unit, goal = WORKLOADS[workload]
    aim = f", goal {goal:,.0f}" if goal else ""
    print(f"\n{workload}: {words} ({unit}{aim})")
    ours = rows[0]
    for row in rows:
        row["ratio"] = ours["rate"] / row["rate"]
        is_peer = row is not ours
        row["equity_differs_by"] = difference(workload, row, ours, folder) if is_peer else None
        gap = row["equity_differs_by"]
        agrees = "" if not is_peer else "conventions differ" if gap is None else f"equity differs by {gap:.0e}"
        if gap is not None and gap > AGREEMENT:
            agrees += " (above 1e-6)"
        ratio = f"ours is {row['ratio']:,.1f} times as fast" if is_peer else "  "
        size = f"{row['peak_mb']:>6,.0f} MB  first {row['first_seconds']:.1f} s"
        print(f"  {row['engine']:<12} {row['rate']:>15,.0f}  {size}  {ratio}  {agrees}  [{row['note']}]", flush=True)


def main() -> None:
    """Read the command line, run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", help=f"some of {', '.join(WORKLOADS)} (all)")
    parser.add_argument("--only", choices=["ours"], help="leave the peers out")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--repeats", type=int, default=7, help="turns of each engine (7)")
    given = parser.parse_args()
    names = ["ours"] if given.only else ["ours", *PEERS]
    folder = Path(os.environ.get("BENCH_DATA") or Path(tempfile.gettempdir()) / "tradeplatform-bench")
    folder.mkdir(parents=True, exist_ok=True)
    data.write(folder)
    found: dict[str, list[dict[str, Any]]] = {}
    wanted = [each for each in WORKLOADS if not given.workloads or each.split()[0] in given.workloads]
    for workload in wanted:
        rows, absent = measure(workload, names, folder, given.repeats)
        table(workload, rows, folder)
        if absent:
            print("  left out:", "; ".join(f"{name}: {why}" for name, why in absent.items()), flush=True)
        found[workload] = rows
    rates = {workload: rows[0]["rate"] for workload, rows in found.items()}
    if {"W1", "W1 rules"} <= rates.keys():
        print(f"\n12 risk rules leave {rates['W1 rules'] / rates['W1']:.0%} of the speed of W1 (goal: at least 50 %)")
    if given.json:
        plain = {w: [{k: v for k, v in r.items() if k != "equity"} for r in rows] for w, rows in found.items()}
        told = {"load": os.getloadavg(), "cores": os.cpu_count(), "workloads": plain}
        given.json.write_text(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
