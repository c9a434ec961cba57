"""Where tests find the shared data and reference numbers: SHARED_DIR, by default beside the repository."""

import csv
import gzip
import io
import os
from pathlib import Path

import numpy as np
import pytest

from domain.bars import BarArrays, Floats

SHARED = Path(os.environ.get("SHARED_DIR") or Path(__file__).resolve().parents[3] / "shared")


def shared(path: str) -> Path:
    """Return a file of the reference data, which may not be published with the project.

    Where there is none of it (`.ci/suite` says so aloud) the test is skipped; a folder that lacks the file fails.
    """
    if not SHARED.is_dir():
        pytest.skip(f"no reference data in {SHARED}; set SHARED_DIR")
    found = SHARED / path
    if not found.exists():
        pytest.fail(f"{found} is missing")
    return found


def columns(path: str) -> dict[str, list[str]]:
    """Read a CSV (gzipped or not) as text columns."""
    raw = shared(path).read_bytes()
    text = (gzip.decompress(raw) if path.endswith(".gz") else raw).decode("utf-8-sig")
    head, *rows = [row for row in csv.reader(io.StringIO(text)) if row]
    return {name.strip(): [row[i].strip() if i < len(row) else "" for row in rows] for i, name in enumerate(head)}


def floats(texts: list[str]) -> Floats:
    """Return numbers; empty cells are NaN."""
    return np.array([float(text) if text else np.nan for text in texts])


def bars(path: str) -> BarArrays:
    """Read the OHLCV columns of a file; the times are row numbers."""
    table = {name.lower(): texts for name, texts in columns(path).items()}
    volume = floats(table["volume"]) if "volume" in table else np.zeros(len(table["close"]))
    ohlc = [floats(table[name]) for name in ("open", "high", "low", "close")]
    return BarArrays(np.arange(len(volume), dtype=np.int64) * 86_400, *ohlc, volume)
