"""One page of a result's trades or orders: chosen, put in order, cut. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from backtesting.result_tables import read

PER_PAGE = 25
ORDERS_OF = {
    "trades": {
        "": ("First to last", "entry_at", "ascending"),
        "latest": ("Last to first", "entry_at", "descending"),
        "best": ("Best first", "pnl_net", "descending"),
        "worst": ("Worst first", "pnl_net", "ascending"),
        "longest": ("Longest held first", "held", "descending"),
        "largest": ("Largest first", "value", "descending"),
    },
    "orders": {
        "": ("First to last", "number", "ascending"),
        "latest": ("Last to first", "number", "descending"),
    },
}
"""By table and by word in the address: what the choice is called, the column, the direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which rows are wanted, and which page of them; what is empty chooses nothing."""

    symbol: str = ""
    status: str = ""
    order: str = ""
    number: int = 1


@dataclass(frozen=True, slots=True)
class RowPage:
    """One page: its rows, its number, how many pages and rows the choice has."""

    rows: Sequence[Mapping[str, Any]]
    number: int
    n_pages: int
    n_rows: int


def page_of(data: bytes, name: str, choice: Choice) -> RowPage:
    """Return one page of a stored table; a page beyond the last is the last."""
    table = _chosen(read(data), choice)
    _, column, direction = ORDERS_OF[name].get(choice.order, ORDERS_OF[name][""])
    placed = _with_measures(table) if name == "trades" else table
    indices = pc.sort_indices(placed, sort_keys=[(column, direction)])
    n_pages = max(1, -(-table.num_rows // PER_PAGE))
    number = min(max(1, choice.number), n_pages)
    found = table.take(indices.slice((number - 1) * PER_PAGE, PER_PAGE)).to_pylist()
    rows = [{key: None if value != value else value for key, value in row.items()} for row in found]
    return RowPage(rows, number, n_pages, table.num_rows)


def _chosen(table: pa.Table, choice: Choice) -> pa.Table:
    for column in ("symbol", "status"):
        if value := getattr(choice, column):
            table = table.filter(pc.equal(table.column(column).cast(pa.string()), value))
    return table


def _with_measures(table: pa.Table) -> pa.Table:
    """Add how long each trade was held (one that is open: until the newest moment known) and what it was worth."""
    entry, left = table.column("entry_at"), table.column("exit_at")
    newest = max(pc.max(entry).as_py() or 0, pc.max(left).as_py() or 0)
    held = pc.subtract(pc.if_else(table.column("is_closed"), left, newest), entry)
    value = pc.multiply(table.column("entry_price"), table.column("quantity"))
    return table.append_column("held", held).append_column("value", value)


def refusals(data: bytes) -> list[tuple[str, int]]:
    """Return which rules refused orders and how many each, the busiest first. A reason begins with its rule's name."""
    table = read(data)
    denied = table.filter(pc.equal(table.column("status").cast(pa.string()), "denied"))
    counts: dict[str, int] = {}
    for reason in denied.column("reason").cast(pa.string()).to_pylist():
        name = str(reason or "Without a reason").partition(": ")[0]
        counts[name] = counts.get(name, 0) + 1
    return sorted(counts.items(), key=lambda each: (-each[1], each[0]))
