"""Closed trades in bulk: as columns for figures, and as facts for statistics; only what both need is read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np

from analytics.metrics.trades import TradeColumns
from domain.orders import OrderSide
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.statistics import ClosedTrade

ZERO = Decimal(0)
_COLUMNS = (
    *("pnl_net", "fees", "entry_value", "exit_value", "entry_quantity", "entry_at", "closed_at", "lowest", "highest"),
    *("initial_stop", "side", "strategy_id", "instrument_id"),
)


@dataclass(frozen=True, slots=True)
class _Row:
    """One closed trade as it is stored."""

    pnl_net: Decimal
    fees: Decimal
    entry_value: Decimal
    exit_value: Decimal
    entry_quantity: Decimal
    entry_at: datetime
    closed_at: datetime
    lowest: Decimal | None
    highest: Decimal | None
    initial_stop: Decimal | None
    side: str
    strategy_id: UUID | None
    instrument_id: UUID

    @property
    def r_multiple(self) -> float | None:
        """Net P&L in units of what was at risk at the entry; None without a stop."""
        if self.initial_stop is None:
            return None
        risk = abs(self.entry_value - self.initial_stop * self.entry_quantity)
        return float(self.pnl_net / risk) if risk else None


@dataclass(frozen=True, slots=True)
class ClosedTrades:
    """Closed trades, oldest first by their end: columns, facts, and what all their fills cost and moved."""

    columns: TradeColumns
    facts: tuple[ClosedTrade, ...]
    fees: Decimal
    traded_value: Decimal


def closed_trades(user: Any, where: Mapping[str, Any]) -> ClosedTrades:
    """Read a user's closed trades that fit, since the last reset of each account."""
    stored = portfolio.trades_of(user).select_related(None).filter(closed_at__isnull=False, **where)
    rows = [_Row(*values) for values in stored.order_by("closed_at", "pk").values_list(*_COLUMNS)]
    symbols = dict(Instrument.objects.filter(pk__in={row.instrument_id for row in rows}).values_list("pk", "symbol"))
    return ClosedTrades(
        columns=_columns(rows),
        facts=tuple(_fact(row, symbols[row.instrument_id]) for row in rows),
        fees=sum((row.fees for row in rows), ZERO),
        traded_value=sum((row.entry_value + row.exit_value for row in rows), ZERO),
    )


def _fact(row: _Row, symbol: str) -> ClosedTrade:
    return ClosedTrade(
        pnl_net=row.pnl_net,
        fees=row.fees,
        return_fraction=float(row.pnl_net / row.entry_value),
        r_multiple=row.r_multiple,
        entry_at=row.entry_at,
        symbol=symbol,
        strategy=str(row.strategy_id or ""),
        tags=(),
    )


def _columns(rows: list[_Row]) -> TradeColumns:
    if not rows:
        return TradeColumns.empty()
    pnl, value, quantity, lowest, highest = (
        np.array([np.nan if (each := getattr(row, name)) is None else float(each) for row in rows])
        for name in ("pnl_net", "entry_value", "entry_quantity", "lowest", "highest")
    )
    direction = np.array([float(OrderSide(row.side).sign) for row in rows])
    entry = value / quantity
    worst, best = np.where(direction > 0, lowest, highest), np.where(direction > 0, highest, lowest)
    return TradeColumns(
        pnl=pnl,
        returns=pnl / value,
        entry_t=np.array([int(row.entry_at.timestamp()) for row in rows], dtype=np.int64),
        exit_t=np.array([int(row.closed_at.timestamp()) for row in rows], dtype=np.int64),
        fees=np.array([float(row.fees) for row in rows]),
        entry_value=value,
        mae=np.minimum((worst / entry - 1.0) * direction, 0.0),
        mfe=np.maximum((best / entry - 1.0) * direction, 0.0),
        direction=direction,
    )
