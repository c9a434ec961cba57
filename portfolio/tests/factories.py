"""Rows for tests: instruments, accounts and fills with sensible values."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from core.testing import make_user
from domain.orders import Fill, OrderSide
from marketdata.models import Instrument
from portfolio.models import Account
from portfolio.services.accounts import open_account

START = datetime(2024, 1, 2, 21, tzinfo=UTC)


def at_day(n: int) -> datetime:
    """The close of the n-th day."""
    return START + timedelta(days=n)


def make_instrument(symbol: str = "", **fields: Any) -> Instrument:
    """A US share with a tick of 0.01 and a lot of 1."""
    values = {
        "symbol": symbol or f"T{uuid4().hex[:6].upper()}",
        "venue": "XNYS",
        "asset_class": "equity",
        "currency": "USD",
        "tick_size": Decimal("0.01"),
        "lot_size": Decimal(1),
        "sector": "Technology",
        "calendar": "XNYS",
    }
    return Instrument.objects.create(**{**values, **fields})


def make_account(user: Any = None, *, cash: str = "100000", **fields: Any) -> Account:
    """A paper account with cash and nothing else."""
    values = {"name": f"Account {uuid4().hex[:8]}", "starting_cash": Decimal(cash), "at": START}
    return open_account(user or make_user(), **{**values, **fields})


def make_fill(
    instrument: Instrument,
    quantity: str | Decimal,
    price: str | Decimal,
    *,
    fee: str | Decimal = "0",
    at: datetime = START,
    venue_fill_id: str = "",
    strategy_id: UUID | None = None,
) -> Fill:
    """A fill; a negative quantity is a sell."""
    signed = Decimal(quantity)
    return Fill(
        fill_id=uuid4(),
        venue_fill_id=venue_fill_id or uuid4().hex,
        instrument_id=instrument.pk,
        symbol=instrument.symbol,
        strategy_id=strategy_id,
        side=OrderSide.BUY if signed > 0 else OrderSide.SELL,
        quantity=abs(signed),
        price=Decimal(price),
        fee=Decimal(fee),
        at=at,
    )
