"""How many rows a second are imported: parsed, checked, stored. `python -m bench.import_bars [rows]`."""

import os
import sys
import tempfile
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path

import django
import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv


def sample_csv(n_rows: int) -> bytes:
    """Return a CSV of minute bars of a random walk with two decimals, as a vendor would write it."""
    random = np.random.default_rng(1)
    close = np.round(100 * np.exp(np.cumsum(random.normal(0, 0.0002, n_rows))), 2)
    opened = np.concatenate((close[:1], close[:-1]))
    spread = np.round(random.uniform(0, 0.1, n_rows), 2)
    minutes = np.datetime64("2020-01-01T00:00", "s") + np.arange(n_rows) * np.timedelta64(60, "s")
    columns = {
        "timestamp": np.char.add(np.datetime_as_string(minutes), "Z"),
        "open": opened,
        "high": np.round(np.maximum(opened, close) + spread, 2),
        "low": np.round(np.minimum(opened, close) - spread, 2),
        "close": close,
        "volume": random.integers(1, 100_000, n_rows),
    }
    sink = pa.BufferOutputStream()
    pacsv.write_csv(pa.table(columns), sink, pacsv.WriteOptions(quoting_style="none"))
    return sink.getvalue().to_pybytes()


def main() -> None:
    """Import the file three times as new instruments and once more; print rows a second."""
    n_rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"VAR_DIR": folder, "DJANGO_SETTINGS_MODULE": "tradeplatform.settings"}
        django.setup()
        _measure(sample_csv(n_rows), n_rows, Path(folder))


def _measure(content: bytes, n_rows: int, folder: Path) -> None:
    from django.core.management import call_command  # after django.setup

    from marketdata.bar_imports import ImportRequest, import_bars

    call_command("migrate", verbosity=0)
    at = datetime.now(tz=UTC)
    import_bars(content[:100_000].rsplit(b"\n", 1)[0], ImportRequest(symbol="WARM/USDT", timeframe="1m"), at=at)
    names = [f"B{uuid.uuid4().hex[:6].upper()}/USDT" for _ in range(3)]
    for name, label in [*((name, "new") for name in names), (names[-1], "the same again")]:
        begin = time.perf_counter()
        result = import_bars(content, ImportRequest(symbol=name, timeframe="1m"), at=at)
        rate = n_rows / (time.perf_counter() - begin)
        print(f"import_bars {n_rows:,} rows ({label}, {result.rows_stored:,} stored): {rate:,.0f} rows/s")
    size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    print(f"bytes on disk a bar: {size / (3 * n_rows):.1f}")


if __name__ == "__main__":
    main()
