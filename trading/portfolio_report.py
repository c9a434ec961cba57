"""Portfolio risk of one account at its market time: exposures, tails, comovement, stress, headroom, as plain values."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
from django.db import transaction
from django.utils import timezone

from domain.bars import BarArrays, Floats, Timeframe
from domain.portfolio import AccountSnapshot, PositionView
from marketdata import selectors as market
from marketdata.models import Instrument
from portfolio import selectors as portfolio
from portfolio.models import Account
from preferences import selectors as preferences
from risk import comovement, market_inputs, portfolio_risk, tail_risk
from risk import selectors as risk
from risk.headroom import headroom_of
from risk.portfolio_risk import SCENARIOS, Line, Scenario
from strategies.models import Strategy
from trading import selectors

_LEVEL = 0.99
MAX_CORRELATIONS = 100


def portfolio_report(account: Account) -> dict[str, Any]:
    """Return everything; what can not be known (no prices, too short a history) is None, with a warning.

    The user's own crises stand after the historical ones.
    """
    scenarios: Sequence[Scenario] = (*SCENARIOS, *risk.own_scenarios(account.user_id))
    at = account.market_at or timezone.now()
    with transaction.atomic():
        rules = risk.rules_in_force(account, at=at).rules
        snapshot = selectors.snapshot(account, at=at)
    lines = portfolio_risk.lines_of(snapshot.positions)
    bars = _bars_of(lines, at)
    curve = [point.equity for point in portfolio.equity_curve(account)]
    return {
        "account": account.pk,
        "at": at,
        "currency": account.currency,
        "equity": snapshot.equity,
        **_exposures(snapshot, account.user_id),
        **_prices(account, lines, bars, at),
        "drawdown": asdict(_drawdown(curve, snapshot)),
        "concentration": _concentration(lines),
        "stress": [asdict(portfolio_risk.stressed(lines, snapshot.equity, each)) for each in scenarios],
        "liquidity": _liquidity(lines, bars),
        "heat_map": [_cell(line, snapshot) for line in lines],
        "headroom": [{**asdict(each), "used": each.used} for each in headroom_of(snapshot, rules, at=at)],
    }


def _bars_of(lines: Sequence[Line], at: datetime) -> dict[UUID, BarArrays]:
    rows = Instrument.objects.in_bulk([line.instrument_id for line in lines])
    return {key: _daily(row, at) for key, row in rows.items()}


def _daily(row: Instrument, at: datetime) -> BarArrays:
    return market.bar_series(row, Timeframe.D1, limit=market_inputs.DAYS_NEEDED, as_of=at)


def _exposures(snapshot: AccountSnapshot, user_id: UUID) -> dict[str, Any]:
    names = dict(Strategy.objects.filter(user_id=user_id).values_list("pk", "name"))

    def strategy_of(position: PositionView) -> str:
        return "By hand" if position.strategy_id is None else names.get(position.strategy_id, str(position.strategy_id))

    total = portfolio_risk.total_exposure(snapshot)
    by = portfolio_risk.exposures_by
    return {
        "exposures": {
            "total": asdict(total),
            "by_sector": [asdict(each) for each in by(snapshot, lambda p: p.sector or "No sector")],
            "by_asset_class": [asdict(each) for each in by(snapshot, lambda p: p.asset_class)],
            "by_strategy": [asdict(each) for each in by(snapshot, strategy_of)],
        },
        "leverage": total.gross / snapshot.equity if snapshot.equity > 0 else None,
    }


def _prices(account: Account, lines: Sequence[Line], bars: dict[UUID, BarArrays], at: datetime) -> dict[str, Any]:
    """What is measured from past prices; lines whose history is too short are left out and named."""
    known = [line for line in lines if len(bars[line.instrument_id]) > market_inputs.MIN_TAIL_DAYS]
    left_out = [line.symbol for line in lines if line not in known]
    warnings = [f"{symbol} has too few daily bars: it is in no figure of past prices" for symbol in left_out]
    closes = [market_inputs.closes_of(bars[line.instrument_id]) for line in known]
    returns = comovement.aligned_returns(closes, market_inputs.TAIL_DAYS)
    if len(returns) < market_inputs.MIN_TAIL_DAYS:
        if known:
            warnings.append("What is held has too few daily bars in common")
        return {"value_at_risk": [], "contributions": [], "beta": None, "correlation": None, "warnings": warnings}
    values = np.array([float(line.value) for line in known])
    return {
        "value_at_risk": [asdict(tail) for tail in tail_risk.all_tails(returns @ values)],
        "contributions": _contributions(known, values, returns),
        "beta": _beta(account, closes, values, at),
        "correlation": _correlation(known[:MAX_CORRELATIONS], returns[:, :MAX_CORRELATIONS]),
        "warnings": warnings,
    }


def _contributions(lines: Sequence[Line], values: Floats, returns: Floats) -> list[dict[str, Any]]:
    found = tail_risk.contributions(values, returns, _LEVEL)
    return [
        {"symbol": line.symbol, "marginal": float(marginal), "component": float(component)}
        for line, marginal, component in zip(lines, found.marginal, found.component, strict=True)
    ]


def _beta(account: Account, closes: list[comovement.Closes], values: Floats, at: datetime) -> dict[str, Any] | None:
    """Beta of the account's equity to the benchmark of its user's preferences; None without its prices."""
    symbol = preferences.current(account.user_id).performance.benchmark_symbol
    row = Instrument.objects.filter(symbol=symbol).first()
    if row is None or account.equity <= 0:
        return None
    together = [*closes, market_inputs.closes_of(_daily(row, at))]
    returns = comovement.aligned_returns(together, market_inputs.TAIL_DAYS)
    if len(returns) < market_inputs.MIN_CORRELATION_DAYS:
        return None
    own = returns[:, :-1] @ values / float(account.equity)
    found = comovement.beta(own, returns[:, -1])
    return None if found is None else {"benchmark": symbol, "value": found, "n_days": len(returns)}


def _correlation(lines: Sequence[Line], returns: Floats) -> dict[str, Any]:
    found = comovement.shrunk_correlation(returns)
    symbols = [line.symbol for line in lines]
    return {
        "symbols": symbols,
        "matrix": found.matrix.tolist(),
        "shrinkage": found.shrinkage,
        "n_days": len(returns),
        "clusters": [[symbols[i] for i in group] for group in comovement.clusters(found.matrix)],
    }


def _drawdown(curve: Sequence[Decimal], snapshot: AccountSnapshot) -> portfolio_risk.Drawdown:
    """The curve has a point a market day; a peak between two points, which the limits count, is in the books alone."""
    found, peak = portfolio_risk.drawdown(curve), snapshot.peak_equity
    now = 100 * (peak - snapshot.equity) / peak if peak > 0 else Decimal(0)
    return replace(found, current_percent=max(found.current_percent, now), worst_percent=max(found.worst_percent, now))


def _concentration(lines: Sequence[Line]) -> dict[str, Any] | None:
    found = portfolio_risk.concentration([line.value for line in lines])
    return None if found is None else asdict(found)


def _liquidity(lines: Sequence[Line], bars: dict[UUID, BarArrays]) -> list[dict[str, Any]]:
    volumes = {line.symbol: market_inputs.average_volume(bars[line.instrument_id]) for line in lines}
    return [
        {
            "symbol": line.symbol,
            "average_volume": volumes[line.symbol],
            "days_to_exit": portfolio_risk.days_to_exit(line.quantity, volumes[line.symbol]),
        }
        for line in lines
    ]


def _cell(line: Line, snapshot: AccountSnapshot) -> dict[str, Any]:
    cost = line.value - line.unrealized_pnl
    return {
        "symbol": line.symbol,
        "sector": line.sector or "No sector",
        "value": line.value,
        "share_percent": line.value * 100 / snapshot.equity if snapshot.equity > 0 else None,
        "pnl": line.unrealized_pnl,
        "pnl_percent": line.unrealized_pnl * 100 / abs(cost) if cost else None,
    }
