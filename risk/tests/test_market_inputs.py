"""Numbers of the gate that need past prices: by hand, with what works counted, and unknown where data lack."""

from decimal import Decimal as D
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from domain.bars import BarArrays
from risk import market_inputs as inputs
from risk.comovement import Closes
from risk.decisions import Verdict
from risk.tests.examples import AAPL, MSFT, XOM, ask, intent, position, rule, snapshot, working

MOVES = np.array([0.01, -0.02, 0.015, -0.005] * 70)


def closes_of(moves: Any) -> Closes:
    price = 100 * np.cumprod(np.concatenate([[1.0], 1 + moves]))
    return Closes(np.arange(len(price), dtype=np.int64) * 86_400, price)


ALIKE, MIRRORED = closes_of(MOVES), closes_of(-MOVES)
UNRELATED = closes_of(np.array([0.01, 0.01, -0.01, -0.01] * 70))
HISTORY = {AAPL: ALIKE, MSFT: ALIKE, XOM: MIRRORED}


def known(key: UUID) -> Closes:
    return HISTORY[key]


def test_correlation_is_weighted_by_value_and_knows_direction() -> None:
    alike = snapshot(position(100, 50, MSFT))
    mixed = snapshot(position(300, 50, MSFT), position(100, 50, XOM))

    assert inputs.held_correlation(intent(), alike, known) == 1
    assert inputs.held_correlation(intent(side="sell"), alike, known) == -1
    assert inputs.held_correlation(intent(), snapshot(position(-100, 50, MSFT)), known) == -1
    assert inputs.held_correlation(intent(), mixed, known) == D("0.5")  # 3/4 alike, 1/4 mirrored


def test_correlation_counts_what_is_being_entered_and_needs_twenty_returns() -> None:
    entering = snapshot(working(100, instrument_id=MSFT))
    few = {AAPL: closes_of(MOVES[:19]), MSFT: ALIKE}

    assert inputs.held_correlation(intent(), entering, known) == 1
    assert inputs.held_correlation(intent(), entering, few.__getitem__) is None
    assert ask(intent(), rule("max_correlation", "0.9"), of=entering).verdict is Verdict.DENIED  # unknown


def test_value_at_risk_is_that_after_the_order_with_working_orders_at_their_worst() -> None:
    order, held = intent(100, 50), snapshot(position(100, 50))
    bigger = snapshot(position(100, 50), working(100, 50))
    hedged = snapshot(position(100, 50), working(200, 50, "sell"))

    alone = inputs.value_at_risk_after(order, snapshot(), known)

    assert alone == pytest.approx(D(100))  # 5,000 falls by 2 % on every fourth day
    assert inputs.value_at_risk_after(order, held, known) == pytest.approx(D(200))
    assert inputs.value_at_risk_after(order, bigger, known) == pytest.approx(D(300))
    assert inputs.value_at_risk_after(order, hedged, known) == pytest.approx(D(200))  # the sell may not fill
    mirrored = snapshot(position(100, 50, XOM))
    assert inputs.value_at_risk_after(order, mirrored, known) == pytest.approx(D(0), abs=D("0.0001"))


def test_value_at_risk_needs_sixty_returns() -> None:
    few = {AAPL: closes_of(MOVES[:59])}

    assert inputs.value_at_risk_after(intent(), snapshot(), few.__getitem__) is None
    assert inputs.value_at_risk({}, known) == 0


def test_usual_volume_is_the_mean_of_twenty_sessions() -> None:
    volume = np.array([1e9] * 5 + [100.0] * 19 + [300.0])
    flat = np.ones(25)

    found = inputs.average_volume(BarArrays(np.arange(25, dtype=np.int64), flat, flat, flat, flat, volume))

    assert found == 110 and inputs.average_volume(BarArrays.empty()) is None


def test_the_spread_is_unknown_and_denies_only_a_rule_that_measures_it() -> None:
    share = rule("liquidity", 10, parameters={"measure": "volume_percent"})
    spread = rule("liquidity", 10, key="rule:2", parameters={"measure": "spread_bps"})

    assert not ask(intent(100), share, average_volume=D(1000)).is_denied
    assert ask(intent(101), share, average_volume=D(1000)).is_denied
    assert ask(intent(1), spread, average_volume=D(1000)).is_denied
