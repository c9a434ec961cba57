"""Loading the engine: compiled by one process at a time, and before the first user waits for it. No Django.

Several processes that compile into one cache at once can leave each other half a library. Who compiles needs twice the
memory of who loads what was compiled; so a process of its own does it (``python -m backtesting.warming``) and ends.
"""

import contextlib
import fcntl
import functools
import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np

from backtesting import engine
from backtesting.assignments import code_digest
from backtesting.kernel.play import play
from backtesting.spec import RunSpec, Sizing
from backtesting.tables import Result
from domain.bars import BarArrays, Timeframe
from domain.costs import FeeModel, SlippageModel
from domain.instruments import AssetClass, InstrumentSpec
from domain.sizing import SizingMethod
from risk.decisions import RuleSpec
from strategies.library.sma_cross import SmaCross

logger = logging.getLogger(__name__)
_ROOT = Path(__file__).resolve().parents[1]
N_BARS = 200
DAY = 86_400


def calculated(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function in a process whose engine is loaded."""
    load()
    return function(*args)


@functools.cache
def load() -> int:
    """Load the engine once in this process, compiling it where nobody did; others on this machine wait meanwhile."""
    place = Path(tempfile.gettempdir()) / f"backtest-engine-{os.getuid()}-{code_digest()[:16]}.lock"
    with place.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed, also by a kill
        if not is_compiled():
            compile_apart()
        n_orders = rehearse()
        with contextlib.suppress(OSError):  # a full disk: the next one finds what was compiled, only not that it is all
            _mark().touch()
    return n_orders


def is_compiled() -> bool:
    """Tell whether the engine, as its sources are now, lies compiled on this machine."""
    return _mark().exists()


def _mark() -> Path:
    kernel: Any = play  # as Numba made it
    return Path(kernel.stats.cache_path) / "compiled"


def compile_apart() -> None:
    """Compile the engine in a process that ends with this one. Where that fails, whoever runs it compiles it."""
    command = [sys.executable, "-m", "backtesting.warming"]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        process.wait()
    if process.returncode:
        logger.warning("the engine could not be compiled in a process of its own (exit %s)", process.returncode)


def _end_with_parent() -> None:
    sys.stdin.read()  # until the parent closes it, or is gone
    os._exit(1)


def rehearse() -> int:
    """Run a moving average cross over a made-up price, with and without rules; returns how many orders there were."""
    t = np.arange(N_BARS, dtype=np.int64) * DAY
    price = np.round(100 + 10 * np.sin(np.arange(N_BARS) / 9.0), 2)
    bars = BarArrays(t, price, price + 1, price - 1, price, np.full(N_BARS, 1e6))
    rules = (RuleSpec(key="warm", name="warm", type="max_position_size", limit=Decimal(50)),)
    return sum(_read(engine.run(_spec(rules=each), {"WARM": bars})) for each in ((), rules))


def _read(result: Result) -> int:
    """Ask for what every job asks for and is compiled too; return how many orders there were."""
    _ = result.trades["lowest"], result.exposure
    return len(result.orders)


def _spec(*, rules: tuple[RuleSpec, ...]) -> RunSpec:
    instrument = InstrumentSpec(
        id=UUID(int=7),
        symbol="WARM",
        venue="TEST",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.01"),
        lot_size=Decimal(1),
        sector="",
        calendar="24/7",
    )
    return RunSpec(
        strategy=SmaCross(),
        params=SmaCross.Params.model_validate({"fast": 5, "slow": 20}),
        instruments=(instrument,),
        timeframe=Timeframe.D1,
        sizing=Sizing(SizingMethod.PERCENT_EQUITY, Decimal(40)),
        fees=FeeModel(percent=Decimal("0.1")),
        slippage=SlippageModel(bps=Decimal(2)),
        rules=rules,
    )


if __name__ == "__main__":
    threading.Thread(target=_end_with_parent, daemon=True).start()
    rehearse()
