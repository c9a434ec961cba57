"""Several runs side by side: what they were told, what came out, and the trades that only some of them made."""

from collections.abc import Mapping, Sequence
from typing import Any

from backtesting import selectors
from backtesting.models import Job
from backtesting.result_rows import trade_row

MAX_TRADES = 200  # of one kind that are listed; the counts are of all
_SETTINGS = ("starting_cash", "fees", "slippage", "sizing", "allow_short", "benchmark", "seed")
Key = tuple[str, str, int]


def differences(jobs: Sequence[Job]) -> dict[str, list[Any]]:
    """Return each parameter and setting whose value is not the same in all runs, with its values in their order."""
    told = [_told(job) for job in jobs]
    names = dict.fromkeys(name for each in told for name in each)
    values = {name: [each.get(name) for each in told] for name in names}
    return {name: found for name, found in values.items() if any(value != found[0] for value in found[1:])}


def _told(job: Job) -> dict[str, Any]:
    return {
        "type": job.type,
        "symbols": job.symbols,
        "timeframe": job.timeframe,
        "start": job.start_at,
        "end": job.end_at,
        "risk_rules": job.request["risk_rules"],
        **{name: job.settings.get(name) for name in _SETTINGS},
        **{f"parameters.{name}": value for name, value in job.request["parameters"].items()},
    }


def trade_differences(jobs: Sequence[Job]) -> list[dict[str, Any]]:
    """Return, for every run but the first, the trades that it and the first do not share.

    Two trades are the same when instrument, side and entry time are; those with another result are counted apart.
    """
    if len(jobs) < 2:
        return []
    first = _trades(jobs[0])
    return [_against(first, _trades(job), job) for job in jobs[1:]]


def _trades(job: Job) -> dict[Key, Mapping[str, Any]]:
    limit = selectors.n_rows(job, "trades")
    rows = selectors.rows_of(job, "trades", limit=limit) if limit else []
    return {(row["symbol"], row["side"], row["entry_at"]): row for row in rows}


def _against(first: Mapping[Key, Any], other: Mapping[Key, Any], job: Job) -> dict[str, Any]:
    shared = first.keys() & other.keys()
    only_first = sorted(first.keys() - other.keys(), key=lambda key: (key[2], key[0]))
    only_other = sorted(other.keys() - first.keys(), key=lambda key: (key[2], key[0]))
    return {
        "id": job.pk,
        "n_same": sum(first[key]["pnl_net"] == other[key]["pnl_net"] for key in shared),
        "n_other_result": sum(first[key]["pnl_net"] != other[key]["pnl_net"] for key in shared),
        "n_only_first": len(only_first),
        "n_only_here": len(only_other),
        "only_first": [_short(first[key]) for key in only_first[:MAX_TRADES]],
        "only_here": [_short(other[key]) for key in only_other[:MAX_TRADES]],
    }


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    whole = trade_row(row)
    names = ("symbol", "side", "quantity", "entry_time", "entry_price", "exit_time", "exit_price", "pnl_net")
    return {name: whole[name] for name in names}


def curve_of(job: Job, n: int = 500) -> dict[str, Any]:
    """Return a run's equity, thinned for drawing."""
    columns = selectors.equity_of(job).thinned(n)
    return {"t": columns.t.tolist(), "equity": columns.equity.tolist()}
