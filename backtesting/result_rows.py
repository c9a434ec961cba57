"""Rows of a result as people and programs read them: exact texts, times, excursions. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from domain.orders import OrderSide

_PLACES = 12
_MONEY_PLACES = 8


def trade_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one stored round trip by the API's names."""
    sign = 1.0 if row["side"] == OrderSide.BUY.value else -1.0
    entry = row["entry_price"]
    against, favour = (row["lowest"], row["highest"]) if sign > 0 else (row["highest"], row["lowest"])
    is_closed = bool(row["is_closed"])
    return {
        "symbol": row["symbol"],
        "side": row["side"],
        "quantity": plain_text(row["quantity"]),
        "entry_time": moment(row["entry_at"]),
        "entry_price": plain_text(entry),
        "exit_time": moment(row["exit_at"]) if is_closed else None,
        "exit_price": plain_text(row["exit_price"]) if is_closed else None,
        "exit_role": row.get("exit_role") or "",
        "pnl": plain_text(row["pnl"], _MONEY_PLACES),
        "pnl_net": plain_text(row["pnl_net"], _MONEY_PLACES),
        "return_fraction": row["return_fraction"],
        "mae": None if against is None or not entry else min(0.0, sign * (against - entry) / entry),
        "mfe": None if favour is None or not entry else max(0.0, sign * (favour - entry) / entry),
        "initial_stop": plain_text(row.get("initial_stop")),
        "r_multiple": row.get("r_multiple"),
        "fees": plain_text(row["fees"], _MONEY_PLACES),
        "is_closed": is_closed,
        "tags": [],
        "notes": "",
    }


def order_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return one stored order by the API's names."""
    amounts = ("quantity", "requested_quantity", "filled_quantity", "average_fill_price", "limit_price", "stop_price")
    words = ("number", "symbol", "side", "type", "role", "status")
    return {
        **{name: row[name] for name in words},
        **{name: plain_text(row[name]) for name in amounts},
        "created_at": moment(row["created_at"]),
        "closed_at": moment(row["closed_at"]),
        "reason": row["reason"] or "",
    }


def plain_text(value: float | None, places: int = _PLACES) -> str | None:
    """Write a number without exponent and without trailing zeros; None for none."""
    if value is None or value != value:
        return None
    text = format(round(Decimal(repr(float(value))), places), "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def moment(seconds: Any) -> datetime | None:
    """Read unix seconds; 0 is nothing."""
    return datetime.fromtimestamp(int(seconds), tz=UTC) if seconds else None
