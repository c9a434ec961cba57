"""How much to buy or sell short: a sizing method's wish, cut to what every limit in force leaves room for."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from domain.bars import Timeframe
from domain.errors import FieldError, ValidationFailed
from domain.orders import OrderRole, OrderSide
from domain.sizing import SizingMethod
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from preferences import selectors as preferences
from risk import selectors as risk
from risk.decisions import OrderIntent
from risk.room import room_for
from risk.sizing import Size, size
from risk.sizing_inputs import ATR_WINDOW, average_true_range, trade_returns
from trading import selectors
from trading.daily_bars import DailyBars


def sized(
    account: Account,
    instrument: Instrument,
    *,
    method: SizingMethod,
    entry_price: Decimal,
    value: Decimal | None = None,
    side: OrderSide = OrderSide.BUY,
    stop_price: Decimal | None = None,
    strategy_id: UUID | None = None,
) -> Size:
    """Return the size and which limit bound it; places nothing. Needs a transaction.

    Without a ``value`` the preference of percent_equity holds; raises ValidationFailed for another method.
    """
    at = market.market_time(instrument)
    snapshot = selectors.snapshot(account, at=at)
    arguments: dict[str, Any] = {
        "equity": snapshot.equity,
        "price": entry_price,
        "spec": market.spec(instrument),
        "stop_price": stop_price,
        "atr": _average_range(instrument, at) if method is SizingMethod.ATR_VOLATILITY else None,
        "trades": _returns(account, strategy_id) if strategy_id else None,
    }
    amount = _preferred(account, method) if value is None else value
    wanted_size = size(method, amount, **arguments)
    if wanted_size.quantity <= 0:
        return wanted_size
    intent = OrderIntent(
        symbol=instrument.symbol,
        instrument_id=instrument.pk,
        sector=instrument.sector,
        asset_class=instrument.asset_class,
        strategy_id=strategy_id,
        side=side,
        quantity=wanted_size.quantity,
        price=entry_price,
        role=OrderRole.ENTRY,
        lot_size=instrument.lot_size,
    )
    view = DailyBars(snapshot, at, instrument).view(intent, snapshot)
    rules = (*risk.kill_rules(account, strategy_id), *risk.rules_in_force(account, at=at).rules)
    quantity, binding = room_for(intent, snapshot, rules, market=view, at=at)
    if not binding:
        return wanted_size
    at_risk = None if stop_price is None else quantity * abs(entry_price - stop_price)
    return Size(
        quantity=quantity,
        value=quantity * entry_price,
        risk_amount=at_risk,
        bound_by=binding,
        explanation=f"{wanted_size.explanation}; {binding} leaves room for {quantity:f}",
    )


def _preferred(account: Account, method: SizingMethod) -> Decimal:
    if method is not SizingMethod.PERCENT_EQUITY:
        fault = FieldError("value", "required", f"The method {method} needs a value")
        raise ValidationFailed.of((fault,))
    return preferences.current(account.user_id).trading.default_position_size_percent


def _average_range(instrument: Instrument, at: datetime) -> Decimal | None:
    """The average true range of the newest daily bars; None where there are too few."""
    return average_true_range(market.bar_series(instrument, Timeframe.D1, limit=ATR_WINDOW, as_of=at))


def _returns(account: Account, strategy_id: UUID) -> tuple[Decimal, ...]:
    return trade_returns((t.pnl_net, t.entry_value) for t in portfolio.trades_of_strategy(account, strategy_id))
