"""How kernel functions are compiled: once, kept on disk, and again when any source that they are made of changes. Pure.

Numba looks only at the file of the function itself, so that a cached kernel would go on with the old version of what
it calls (a risk rule, say). The cache's folder is therefore named after all the sources. It lies under
NUMBA_CACHE_DIR (the platform's own folder), or where that is not set in the user's cache or the temporary folder.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])
_HERE = Path(__file__).resolve().parent
_SOURCES = (_HERE, _HERE.parents[1] / "risk" / "rules")


def _fingerprint() -> str:
    digest = hashlib.blake2b(f"numba {numba.__version__}".encode(), digest_size=8)
    for folder in _SOURCES:
        for source in sorted(folder.glob("*.py")):
            digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def _cache_folder() -> str:
    """Return the first folder that can be written to."""
    asked = os.environ.get("NUMBA_CACHE_DIR")
    user = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    places = [asked] if asked else [user, tempfile.gettempdir()]
    for place in places:
        folder = Path(place).expanduser() / "tradeplatform-numba" / FINGERPRINT
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return str(folder)
    return tempfile.mkdtemp(prefix="numba-")


FINGERPRINT = _fingerprint()
_FOLDER = _cache_folder()
_NUMBA: Any = numba.config  # its settings are made at run time


def compiled(**options: Any) -> Callable[[F], F]:
    """Return a decorator that compiles a function without Python objects and keeps the result on disk."""

    def decorate(function: F) -> F:
        before = _NUMBA.CACHE_DIR
        _NUMBA.CACHE_DIR = _FOLDER
        try:
            made: F = njit(cache=True, nogil=True, **options)(function)
        finally:
            _NUMBA.CACHE_DIR = before
        return made

    return decorate


kernel = compiled()
inlined = compiled(forceinline=True)  # its arrays need not be handed over at every call
