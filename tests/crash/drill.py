"""Kill the embedded platform with SIGKILL while it trades, again and again; compare with a run that nobody killed."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.faults import POINTS

ROOT = Path(__file__).resolve().parents[2]
UP_SECONDS = 180
REST_SECONDS = 180
# Points that this world passes often enough to be hit within a few seconds.
AIMED = sorted(POINTS - {"store.before_rename"})


@dataclass(frozen=True, slots=True)
class Figures:
    """What a drill found."""

    kills: int
    killed_at: tuple[str, ...]
    signals: int
    orders: int
    fills: int
    notifications: int
    faults: tuple[str, ...]
    differs_from_reference: tuple[str, ...]


def _environment(var_dir: Path) -> dict[str, str]:
    dropped = ("DATABASE_URL", "REDIS_URL", "TEST_DB_SUFFIX", "PYTEST_VERSION", "PYTEST_CURRENT_TEST")
    kept = {k: v for k, v in os.environ.items() if k not in dropped}
    return kept | {"VAR_DIR": str(var_dir), "ENV_FILE": "/nonexistent", "PYTHONUNBUFFERED": "1"}


def ask(var_dir: Path, command: str, *arguments: Any) -> dict[str, Any]:
    """Run one command of the world and return its answer. Raises RuntimeError with what it printed."""
    call = [sys.executable, "-m", "tests.crash.world", command, *(json.dumps(each) for each in arguments)]
    done = subprocess.run(call, cwd=ROOT, env=_environment(var_dir), capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stderr[-3000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


class Platform:
    """One start of the embedded platform."""

    def __init__(self, var_dir: Path, fault: str = "") -> None:
        self.log = var_dir / "drill.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = _environment(var_dir) | {"DJANGO_SUPERUSER_PASSWORD": "crash drill phrase"}
        if fault:
            environment["FAULT_POINT"] = fault
        command = [sys.executable, "manage.py", "up", "--port", str(port), "--no-sample-data"]
        self.began = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def wait_until_up(self) -> bool:
        """Wait until it serves; False when a fault point killed it before that."""
        end = time.monotonic() + UP_SECONDS
        while time.monotonic() < end:
            if self.process.poll() is not None:
                if self.process.returncode == -signal.SIGKILL:
                    return False
                raise RuntimeError(f"the platform did not start: {self.text()[-3000:]}")
            if "is running" in self.text():
                return True
            time.sleep(0.05)
        raise RuntimeError(f"the platform did not start in {UP_SECONDS} s: {self.text()[-3000:]}")

    def text(self) -> str:
        """What this start printed."""
        with self.log.open("rb") as log:
            log.seek(self.began)
            return log.read().decode(errors="replace")

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()


def run_drill(folder: Path, *, kills: int, seed: int) -> Figures:
    """Kill ``kills`` times (at random moments and at named points in turn), then check and compare."""
    chance = random.Random(seed)
    var_dir, reference_dir = folder / "var", folder / "reference"
    for each in (var_dir, reference_dir):
        each.mkdir(parents=True)
    ask(var_dir, "setup")
    killed_at = [_one_kill(var_dir, chance, aimed=n % 2 == 1) for n in range(kills)]
    answer, until = _come_to_rest(var_dir)
    expected = ask(reference_dir, "reference", until)["fills"]
    actual = ask(var_dir, "fills")["fills"]
    differing = [f"missing {each}" for each in expected if each not in actual]
    differing += [f"too many {each}" for each in actual if each not in expected]
    return Figures(
        kills=len(killed_at),
        killed_at=tuple(killed_at),
        signals=answer["signals"],
        orders=answer["orders"],
        fills=answer["fills"],
        notifications=answer["notifications"],
        faults=tuple(answer["faults"]),
        differs_from_reference=tuple(differing[:20]),
    )


def _one_kill(var_dir: Path, chance: random.Random, *, aimed: bool) -> str:
    fault = f"{chance.choice(AIMED)}:{chance.randint(1, 5)}" if aimed else ""
    platform = Platform(var_dir, fault)
    if not platform.wait_until_up():
        return fault
    pause = chance.uniform(0.2, 3.0)
    try:
        platform.process.wait(timeout=8 if aimed else pause)
    except subprocess.TimeoutExpired:
        platform.kill()
        return "a random moment"
    if platform.process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the platform ended by itself: {platform.text()[-3000:]}")
    return fault


def _come_to_rest(var_dir: Path) -> tuple[dict[str, Any], list[str]]:
    """Start once more, stop the clocks, wait until nothing is under way; return the check and the market times."""
    platform = Platform(var_dir)
    try:
        platform.wait_until_up()
        until = ask(var_dir, "pause")["market_times"]
        end = time.monotonic() + REST_SECONDS
        while True:
            answer = ask(var_dir, "check")
            if not answer["n_faults"] or time.monotonic() > end:
                return answer, until
            time.sleep(2)
    finally:
        platform.process.terminate()
        platform.process.wait(timeout=30)
