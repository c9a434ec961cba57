"""How much memory a large sweep takes as a job, process by process, and how fast it goes.

Run with ``python -m bench.sweep_memory [combinations]`` (10,000 of two moving averages over 100,000 bars of five
minutes, with fees). The job takes the road of every job: submitted, cut into chunks, calculated in niced children,
stored. It makes a database and bars of its own in a temporary folder. Goal: at most 1 GB in every process; exit
status 1 beyond it. Memory is the peak of resident pages as Linux counts it (VmHWM), so it runs on Linux alone.
"""

import os
import shutil
import sys
import tempfile
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

FOLDER = Path(tempfile.mkdtemp(prefix="bench-"))
os.environ["VAR_DIR"] = str(FOLDER)
os.environ["ENV_FILE"] = "/nonexistent"
for _name in ("DATABASE_URL", "REDIS_URL", "BARS_URL"):
    os.environ.pop(_name, None)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tradeplatform.settings")

N_BARS, N_COMBINATIONS = 100_000, 10_000
MOST_MB = 1_000.0
FIRST_SLOW = 120


class Watch:
    """Looks at this process and all below it until it is left, and keeps the peak of each."""

    def __init__(self) -> None:
        self.peaks: dict[int, tuple[str, float]] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._is_over.set()
        self._thread.join()

    def _look_on(self) -> None:
        while not self._is_over.wait(0.1):
            self._look()

    def _look(self) -> None:
        parents = {int(path.name): told for path in Path("/proc").glob("[0-9]*") if (told := status_of(path))}
        for pid, told in parents.items():
            if is_below(pid, parents):
                self.peaks[pid] = ("this process" if pid == os.getpid() else command_of(pid), told[1])


def status_of(path: Path) -> tuple[int, float] | None:
    """Return a process' parent and its peak of memory in MB; None for one that has ended (or a kernel thread)."""
    try:
        lines = dict(line.split(":", 1) for line in (path / "status").read_text().splitlines() if ":" in line)
        return int(lines["PPid"]), int(lines["VmHWM"].split()[0]) * 1024 / 1e6
    except (OSError, KeyError):
        return None


def is_below(pid: int, parents: dict[int, tuple[int, float]]) -> bool:
    """Tell whether a process is this one or stems from it."""
    while pid in parents and pid != os.getpid():
        pid = parents[pid][0]
    return pid == os.getpid()


def command_of(pid: int) -> str:
    """Return what a process was started for."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return "ended"
    kinds = {"spawn_main": "calculating process", "resource_tracker": "tracker of shared memory"}
    return next((name for word, name in kinds.items() if any(word in each for each in words)), " ".join(words)[:60])


def submitted(n: int) -> Any:
    """Store made-up bars and submit a grid of n combinations over them."""
    from backtesting.services.searching import SearchRequest, submit_sweep
    from backtesting.tests.jobs import request, walk
    from domain.bars import Timeframe
    from marketdata.tests.factories import make_instrument, store_bars
    from users.models import User

    store_bars(make_instrument("WALK"), walk(N_BARS, timeframe=Timeframe.M5), Timeframe.M5)
    width = max(1, round(n**0.5))
    space = {"fast": {"min": 2, "max": 1 + width}, "slow": {"min": FIRST_SLOW, "max": FIRST_SLOW - 1 + n // width}}
    user = User.objects.create_user("bench", password="a long enough password")
    asked = request(timeframe=Timeframe.M5, fees={"percent": Decimal("0.02")})
    return submit_sweep(user, SearchRequest(run=asked, space=space))


def main() -> None:
    """Do the sweep, print every process' peak and the rate."""
    import django

    django.setup()
    from django.core.management import call_command

    from backtesting.services import working
    from core.embedded import children

    n = int(sys.argv[1]) if len(sys.argv) > 1 else N_COMBINATIONS
    call_command("migrate", verbosity=0)
    working.warm_up()  # a first compilation is no part of a sweep
    children.shutdown()
    job = submitted(n)
    with Watch() as watch:
        begun = time.perf_counter()
        working.work_all()
        seconds = time.perf_counter() - begun
    job.refresh_from_db()
    children.shutdown()
    shutil.rmtree(FOLDER, ignore_errors=True)
    report(job, n, seconds, watch)


def report(job: Any, n: int, seconds: float, watch: Watch) -> None:
    """Print the figures; exit status 1 for a sweep that failed or took too much."""
    if not job.is_completed:
        raise SystemExit(f"the sweep is {job.status}: {job.error}")
    n_trials, n_failed = job.summary["n_trials"], job.summary["n_failed"]
    print(f"{n_trials:,} combinations over {job.n_bars:,} bars ({n_failed} failed), {job.chunks.count()} chunks")
    print(f"{seconds:.1f} s, {n_trials / seconds:,.0f} combinations/s, the end of the sweep included")
    for name, peak in watch.peaks.values():
        print(f"{peak:>8,.0f} MB  {name}")
    is_within = max(peak for _, peak in watch.peaks.values()) <= MOST_MB and n_trials == n
    print(f"{'within' if is_within else 'BEYOND'} {MOST_MB:,.0f} MB for each process")
    raise SystemExit(0 if is_within else 1)


if __name__ == "__main__":
    main()
