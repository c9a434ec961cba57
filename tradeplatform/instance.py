"""One running platform per VAR_DIR: a file lock that the kernel drops with the process, and who holds it."""

import fcntl
import json
import os
import sys
from pathlib import Path
from typing import IO

from tradeplatform.configuration.paths import var_dir

LOCK_NAME = "instance.lock"
_held: list[IO[str]] = []  # keeps the locked file open for as long as the process lives


class AlreadyRunningError(Exception):
    """Another process holds the lock; the message names it."""


def acquire(folder: Path) -> None:
    """Lock `folder` for this process, or raise `AlreadyRunningError` that names the holder's pid and address."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK_NAME
    handle = path.open("a+", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        holder = _parse(handle.read())
        handle.close()
        where = holder.get("address") or "an address it has not opened yet"
        raise AlreadyRunningError(
            f"The platform is already running on {folder}: process {holder.get('pid', 'unknown')}, {where}. "
            "Stop that one first, or give this one another VAR_DIR and PORT."
        ) from None
    _held.append(handle)
    announce(address="")


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
