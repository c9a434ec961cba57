"""Where the project and its state live. Imports nothing heavy, because the instance lock needs it first."""

import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parents[2]


def environment_file() -> Path:
    """Return the optional file of environment settings (`ENV_FILE`, else `.env` beside manage.py)."""
    return Path(os.environ.get("ENV_FILE") or BASE_DIR / ".env")


def _from_environment_file(name: str) -> str:
    path = environment_file()
    if not path.is_file():
        return ""
    pairs = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines())
    return next((value.strip().strip("'\"") for key, _, value in pairs if key.strip() == name), "")


def var_dir() -> Path:
    """Return the absolute folder that holds all state (`VAR_DIR`, else `var` beside manage.py)."""
    named = os.environ.get("VAR_DIR") or _from_environment_file("VAR_DIR")
    return (BASE_DIR / (named or "var")).resolve()
