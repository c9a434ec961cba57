"""One engine in a process of its own: told to warm up and to run, it answers with lines of JSON.

Run as a file, by whichever interpreter has the engine: ``python worker.py <engine> <workload> <data folder>``.
"""

import importlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

BENCH = Path(__file__).resolve().parents[1]
_LONG_SECONDS = 5.0


def answer(**told: Any) -> None:
    """Send one line to whoever asked."""
    sys.__stdout__.write(json.dumps(told) + "\n")  # type: ignore[union-attr]  # a process of ours has it
    sys.__stdout__.flush()  # type: ignore[union-attr]  # a process of ours has it


def main(engine: str, workload: str, folder: str) -> None:
    """Import the engine, prepare the workload, then run it once for every line on standard input."""
    sys.stdout = sys.stderr  # what engines print is no answer
    sys.path.insert(0, str(BENCH.parent if engine == "ours" else BENCH))
    began = time.perf_counter()
    try:
        module = importlib.import_module(("bench." if engine == "ours" else "") + f"peers.{engine}_runs")
        run, units, note = module.prepare(workload, Path(folder))
    except KeyError:
        answer(error="no such workload")
        return
    except ImportError as error:
        answer(error=f"not installed ({error})")
        return
    imported = time.perf_counter()
    run()
    warm = time.perf_counter()
    first = again = warm - imported
    if first < _LONG_SECONDS or "numba" in sys.modules:  # the first may have been compilation
        run()
        again = time.perf_counter() - warm
    told = {"prepared_seconds": imported - began, "first_seconds": first, "again_seconds": again}
    answer(units=units, note=note, version=module.VERSION, **told)
    for _ in sys.stdin:
        began, cpu = time.perf_counter(), time.process_time()
        found = run()
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        answer(seconds=seconds, cpu_seconds=cpu, peak_mb=round(peak, 1), **found)


if __name__ == "__main__":
    main(*sys.argv[1:4])
