"""Plain values for tests of the gate: an account of 100,000 that holds nothing, an order, a market, rules."""

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.orders import OrderRole, OrderSide
from domain.portfolio import AccountSnapshot, PositionView, TradingState, WorkingOrder
from risk.decisions import Activity, Decision, MarketView, OrderIntent, RuleSpec
from risk.gate import evaluate

D = Decimal
NOW = datetime(2024, 1, 2, 21, tzinfo=UTC)
AAPL, MSFT, XOM = (UUID(int=n) for n in (1, 2, 3))
STRATEGY, OTHER = UUID(int=11), UUID(int=12)
SYMBOLS = {AAPL: ("AAPL", "Technology"), MSFT: ("MSFT", "Technology"), XOM: ("XOM", "Energy")}
DEFAULT_ACTIVITY = Activity()


def intent(quantity: Any = 100, price: Any = 50, side: str = "buy", **more: Any) -> OrderIntent:
    """An order in AAPL by STRATEGY."""
    instrument_id = more.pop("instrument_id", AAPL)
    symbol, sector = SYMBOLS[instrument_id]
    values = {"strategy_id": STRATEGY, "role": OrderRole.ENTRY, "lot_size": D(1), "asset_class": "equity", **more}
    return OrderIntent(
        symbol=symbol,
        sector=sector,
        instrument_id=instrument_id,
        side=OrderSide(side),
        quantity=D(quantity),
        price=D(price),
        **values,
    )


def position(quantity: Any, mark: Any = 50, instrument_id: UUID = AAPL, strategy_id: UUID | None = STRATEGY) -> Any:
    """A position."""
    symbol, sector = SYMBOLS[instrument_id]
    return PositionView(
        instrument_id=instrument_id,
        symbol=symbol,
        sector=sector,
        asset_class="equity",
        strategy_id=strategy_id,
        quantity=D(quantity),
        average_price=D(mark),
        mark=D(mark),
    )


def working(
    remaining: Any, price: Any = 50, side: str = "buy", instrument_id: UUID = AAPL, **more: Any
) -> WorkingOrder:
    """A working entry."""
    symbol, sector = SYMBOLS[instrument_id]
    values = {"strategy_id": STRATEGY, "role": OrderRole.ENTRY, "reduce_only": False, **more}
    return WorkingOrder(
        client_order_id=f"w-{remaining}-{price}-{side}",
        instrument_id=instrument_id,
        symbol=symbol,
        sector=sector,
        asset_class="equity",
        side=OrderSide(side),
        remaining=D(remaining),
        price=D(price),
        **values,
    )


def snapshot(*rows: PositionView | WorkingOrder, equity: Any = 100_000, **more: Any) -> AccountSnapshot:
    """An account with these positions and working orders."""
    values = {
        "session_start_equity": D(100_000),
        "peak_equity": D(100_000),
        "trading_state": TradingState.ACTIVE,
        **more,
    }
    return AccountSnapshot(
        account_id=UUID(int=21),
        user_id=UUID(int=22),
        at=NOW,
        currency="USD",
        cash=D(100_000),
        equity=D(equity),
        positions=tuple(row for row in rows if isinstance(row, PositionView)),
        working=tuple(row for row in rows if isinstance(row, WorkingOrder)),
        **values,
    )


def market(**more: Any) -> MarketView:
    """A market with a fresh price of 50."""
    values = {"reference": D(50), "age_seconds": D(0), "activity": DEFAULT_ACTIVITY}
    return MarketView(**{**values, **more})


def rule(type_name: str, limit: Any, **more: Any) -> RuleSpec:
    """A rule of an account."""
    key = more.pop("key", f"rule:{type_name}")
    return RuleSpec(key=key, name=more.pop("name", type_name), type=type_name, limit=D(limit), **more)


def ask(order: OrderIntent, *rules: RuleSpec, of: AccountSnapshot | None = None, **more: Any) -> Decision:
    """Ask the gate."""
    return evaluate(order, of or snapshot(), rules, market=market(**more), at=NOW)


def busy(**more: Any) -> dict[str, Any]:
    """A market in which something was ordered lately."""
    return {"activity": dataclasses.replace(DEFAULT_ACTIVITY, **more)}
