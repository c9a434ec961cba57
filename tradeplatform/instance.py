"""One running platform per VAR_DIR: a file lock that the kernel drops with the process, and who holds it."""

import fcntl
import json
import os
import sys
import time
from pathlib import Path
from typing import IO

from tradeplatform.configuration.paths import var_dir

LOCK_NAME = "instance.lock"
PATIENCE_SECONDS = 5.0
_ENDED, _EXITING = "ZX", 0x4  # states of a process in /proc, and the flag of one that exits (proc_pid_stat(5))
_held: list[IO[str]] = []  # keeps the locked file open for as long as the process lives


class AlreadyRunningError(Exception):
    """Another process holds the lock; the message names it."""


def acquire(folder: Path) -> None:
    """Lock `folder` for this process, or raise `AlreadyRunningError` that names the holder's pid and address."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    handle = path.open("a+", encoding="utf-8")
    if not _lock(handle):
        holder = _holder(handle)
        handle.close()
        where = holder.get("address") or "an address it has not opened yet"
        raise AlreadyRunningError(
            f"The platform is already running on {folder}: process {holder.get('pid', 'unknown')}, {where}. "
            "Stop that one first, or give this one another VAR_DIR and PORT."
        )
    _held.append(handle)
    announce(address="")


def _lock(handle: IO[str]) -> bool:
    """Lock the file; wait a little for a holder that was killed just now: the kernel takes its time to bury it."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until or _lives(_holder(handle).get("pid")):
                return False
            time.sleep(0.1)
        else:
            return True


def _lives(pid: object) -> bool:
    """Tell whether a process exists and is not on its way out (which only Linux says)."""
    try:
        os.kill(int(str(pid)), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except FileNotFoundError:
        return not Path("/proc/self").exists()  # gone meanwhile, or no Linux
    return state not in _ENDED and not int(rest[5]) & _EXITING


def _holder(handle: IO[str]) -> dict[str, str]:
    handle.seek(0)
    return _parse(handle.read())


def announce(*, address: str) -> None:
    """Write pid and address into the held lock file, for whoever is refused later."""
    handle = _held[-1]
    handle.seek(0)
    handle.truncate()
    json.dump({"pid": os.getpid(), "address": address}, handle)
    handle.flush()


def release() -> None:
    """Give the lock back (the end of the process does so too)."""
    while _held:
        _held.pop().close()


def is_held() -> bool:
    """Tell whether this process holds an instance lock."""
    return bool(_held)


def guard_start() -> None:
    """Take the lock on VAR_DIR, or print why not and leave with status 1."""
    try:
        acquire(var_dir())
    except AlreadyRunningError as refusal:
        sys.exit(str(refusal))


def _parse(text: str) -> dict[str, str]:
    try:
        return dict(json.loads(text))
    except ValueError:
        return {}
