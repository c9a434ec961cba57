"""Sizes that come out whole by hand are whole in both engines, whatever doubles and divisions lose on the way."""

from decimal import Decimal as D

import numpy as np
import pytest

from backtesting import engine
from backtesting.kernel.layout import FILL
from backtesting.kernel.segments import closes, measured
from backtesting.spec import Sizing
from backtesting.tests.scene import Says, instrument, ohlc, rows, spec_of
from domain.bars import Floats
from domain.sizing import SizingMethod
from risk.decisions import RuleSpec

pytestmark = pytest.mark.timeout(900)  # the first one may have to compile the kernel


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(("price", "stop"), [(25, 24.9), (20, 19.9), (30, 29.9), (100, 99.9), (0.3, 0.2)])
def test_risk_by_a_distance_of_a_tenth(price: float, stop: float, exact: bool) -> None:
    bars = ohlc(*[(price,) * 4] * 3)
    spec = spec_of(Says(entry=rows(0), stop={0: stop}), sizing=Sizing(SizingMethod.RISK_PER_TRADE, D(1)))

    run = engine.run(spec, {"AAA": bars}, exact=exact)

    assert run.fills["quantity"].tolist() == [1000]  # 100 of 10,000 at risk, 0.10 a share


@pytest.mark.parametrize("exact", [False, True])
def test_a_third_of_the_money_for_each_of_three(exact: bool) -> None:
    names = ("AAA", "BBB", "CCC")
    spec = spec_of(
        Says(entry=rows(0)),
        instruments=tuple(instrument(name) for name in names),
        sizing=Sizing(SizingMethod.EQUAL_WEIGHT, D(1)),
        starting_cash=D(3_000),
    )

    run = engine.run(spec, dict.fromkeys(names, ohlc(*[(10, 10, 10, 10)] * 3)), exact=exact)

    assert run.fills["quantity"].tolist() == [100, 100, 100]


@pytest.mark.parametrize("exact", [False, True])
def test_a_share_of_the_average_true_range(exact: bool) -> None:
    bars = ohlc(*[(25, 25, 24.9, 25)] * 8, *[(25, 25.2, 24.9, 25)] * 8, (25, 25, 25, 25))
    spec = spec_of(Says(entry=rows(15)), sizing=Sizing(SizingMethod.ATR_VOLATILITY, D("0.3")))

    run = engine.run(spec, {"AAA": bars}, exact=exact)

    assert run.fills["quantity"].tolist() == [140]  # 30 by (6 x 0.1 + 8 x 0.3) / 14


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize(
    ("kind", "limit", "price", "quantity"),
    [
        ("max_order_value", "0.3", 0.1, 3),  # 3 x 0.1 is 0.30000000000000004 in doubles
        ("max_exposure", "0.077", 1.1, 7),
        ("max_leverage", "0.00077", 1.1, 7),
        ("max_position_size", "0.003", 0.1, 3),
    ],
)
def test_what_meets_a_limit_exactly_is_within_it(
    kind: str, limit: str, price: float, quantity: int, exact: bool
) -> None:
    spec = spec_of(
        Says(entry=rows(0)),
        sizing=Sizing(SizingMethod.FIXED_QUANTITY, D(quantity)),
        rules=(RuleSpec(key="a", name="Limit", type=kind, limit=D(limit)),),
    )

    run = engine.run(spec, {"AAA": ohlc(*[(price,) * 4] * 3)}, exact=exact)

    assert run.fills["quantity"].tolist() == [quantity]


@pytest.mark.parametrize("exact", [False, True])
def test_a_fall_of_exactly_the_limit_stops_trading(exact: bool) -> None:
    bars = ohlc(*[(10, 10, 10, 10)] * 2, *[(9.3, 9.3, 9.3, 9.3)] * 4)  # 7 % of all in
    spec = spec_of(
        Says(entry=rows(0, 3), exit=rows(2)),
        rules=(RuleSpec(key="a", name="Fall", type="max_drawdown", limit=D(7)),),
        sizing=Sizing(SizingMethod.FIXED_QUANTITY, D(1000)),
    )

    run = engine.run(spec, {"AAA": bars}, exact=exact)

    assert run.fills["quantity"].tolist() == [1000, 1000]  # in and out, not in again


def test_as_many_lots_as_a_double_can_count() -> None:
    coin = instrument(lot_size=D("1E-8"), tick_size=D("1E-8"))
    spec = spec_of(Says(entry=rows(0)), instruments=(coin,), sizing=Sizing(SizingMethod.PERCENT_EQUITY, D(95)))

    run = engine.run(spec, {"AAA": ohlc(*[(1e-4,) * 4] * 3)})

    assert run.fills["quantity"].tolist() == [95_000_000]


def by_hand(c: Floats, fills: list[tuple[int, float, float]], cash: float) -> tuple[float, float]:
    """Return the largest fall and the ratio of an account that does these fills (row, quantity, price), bar by bar."""
    equity, held, at = [cash], 0.0, dict[int, tuple[float, float]]()
    at = {row: (quantity, price) for row, quantity, price in fills}
    for row, close in enumerate(c.tolist()):
        quantity, price = at.get(row, (0.0, 0.0))
        cash, held = cash - quantity * price, held + quantity
        equity.append(cash + held * close)
    curve = np.array(equity)
    returns = np.diff(curve) / curve[:-1]
    fall = float((1 - curve / np.maximum.accumulate(curve)).max())
    return fall, float(returns[1:].mean() / returns[1:].std(ddof=1))


def told(c: Floats, fills: list[tuple[int, float, float]], cash: float) -> tuple[float, float]:
    """Return the same by the kernel."""
    records = np.zeros(len(fills) + 1, dtype=FILL)
    for record, (row, quantity, price) in zip(records, fills, strict=False):
        record["row"], record["quantity"], record["price"] = row, quantity, price
    return measured(closes(c.reshape(-1, 1)), records, len(fills), cash)


def test_returns_after_a_rocket_are_not_lost_in_its_sum() -> None:
    rng = np.random.default_rng(1)
    calm = np.round(100 * np.exp(np.cumsum(rng.normal(0.001, 0.01, 400))), 2)
    c = np.concatenate((calm[:100] * 1e-10, calm[100:]))
    fills = [(150, 100.0, float(c[150]))]

    assert told(c, fills, 100.0 * float(c[150])) == pytest.approx(by_hand(c, fills, 100.0 * float(c[150])), rel=1e-9)


def test_a_fall_below_nothing_is_measured_from_the_peak_before_it() -> None:
    c = np.full(96, 10.0)
    c[5], c[40], c[50:] = 25.0, 28.0, 1.0  # the second fall and a new peak lie in one block
    fills = [(1, -100.0, 10.0)]  # short more than all

    assert told(c, fills, 1_000.0)[0] == pytest.approx(by_hand(c, fills, 1_000.0)[0], rel=1e-12)
    assert by_hand(c, fills, 1_000.0)[0] == pytest.approx(1.8)
