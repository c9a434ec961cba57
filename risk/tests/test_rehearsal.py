"""Rehearsal: the rules of the time give the verdicts of the time; a further rule says what it would have stopped."""

import json
import time
from decimal import Decimal as D
from typing import Any
from uuid import uuid4

import numpy as np
import pytest

from risk.decisions import Action, OrderIntent, RuleSpec
from risk.gate import evaluate
from risk.records import Question, reasons_of, stored
from risk.rehearsal import Recorded, rehearse, reproduce
from risk.tests.examples import AAPL, MSFT, NOW, XOM, intent, market, position, rule, snapshot, working


def recorded(order: OrderIntent, *rules: RuleSpec, pnl: Any = None, **more: Any) -> Recorded:
    """Judge an order and store it as the gate does, through JSON text."""
    account = more.pop("of", None) or snapshot()
    question = Question(intent=order, snapshot=account, rules=rules, market=market(**more), at=NOW)
    decision = evaluate(order, account, rules, market=question.market, at=NOW)
    return Recorded(
        decision_id=uuid4(),
        symbol=order.symbol,
        side=order.side.value,
        verdict=decision.verdict.value,
        quantity=decision.quantity,
        inputs=json.loads(json.dumps(stored(question))),
        reasons=json.loads(json.dumps(reasons_of(decision))),
        pnl=None if pnl is None else D(pnl),
    )


def test_what_a_rule_stops_and_the_money_that_goes_with_it() -> None:
    records = [
        recorded(intent(100), pnl=50),
        recorded(intent(300), pnl=-90),
        recorded(intent(400, side="sell"), of=snapshot(position(400))),
        recorded(intent(900), rule("max_order_quantity", 10)),  # never went out
    ]

    refused = rehearse(records, rule("max_order_quantity", 200))
    resized = rehearse(records, rule("max_order_quantity", 200, action=Action.RESIZE))

    assert [(each.decision_id, each.allowed) for each in refused.stopped] == [(records[1].decision_id, 0)]
    assert (refused.pnl_kept, refused.pnl_forgone) == (50, -90)
    assert [each.allowed for each in resized.stopped] == [200]
    assert (resized.pnl_kept, resized.pnl_forgone) == (D(-10), D(-30))  # a third of the order, a third of its loss
    assert refused.n_decisions == 4 and "300" in refused.stopped[0].message


def test_several_rules_together_stop_what_any_of_them_stops() -> None:
    records = [recorded(intent(100), pnl=50), recorded(intent(300), pnl=-90), recorded(intent(10), pnl=1)]
    large, small = rule("max_order_quantity", 200), rule("max_order_quantity", 50, key="rule:2", action=Action.RESIZE)

    found = rehearse(records, large, small)

    assert [each.allowed for each in found.stopped] == [50, 0]
    assert (found.pnl_kept, found.pnl_forgone) == (26, -65)
    assert rehearse(records).stopped == () and rehearse(records).pnl_kept == -39


def test_what_can_not_be_measured_is_counted_and_not_stopped_and_old_records_are_told() -> None:
    old = Recorded(
        decision_id=uuid4(), symbol="AAPL", side="buy", verdict="allowed", quantity=D(1), inputs={"format": 0}
    )

    found = rehearse([recorded(intent(1)), old], rule("liquidity", 5))

    assert (len(found.stopped), found.n_unmeasured, found.n_unreadable) == (0, 1, 1)
    both = rehearse([recorded(intent(9))], rule("liquidity", 5), rule("max_order_quantity", 8, key="rule:2"))
    assert (len(both.stopped), both.n_unmeasured) == (1, 1)


def test_a_changed_verdict_is_found() -> None:
    right = recorded(intent(100), rule("max_order_quantity", 200))
    wrong = Recorded(
        decision_id=uuid4(),
        symbol="AAPL",
        side="buy",
        verdict="denied",
        quantity=right.quantity,
        inputs=right.inputs,
        reasons=right.reasons,
    )

    assert reproduce([right]).differing == ()
    assert reproduce([right, wrong]).differing == (wrong.decision_id,)


LIMITS = (
    rule("max_position_size", 5, action=Action.RESIZE),
    rule("max_exposure", 60),
    rule("max_leverage", 1),
    rule("sector_limit", 30, action=Action.RESIZE),
    rule("position_limit", 3),
    rule("max_order_value", 9000, action=Action.WARN),
    rule("max_daily_loss", 3),
    rule("max_drawdown", 10),
    rule("stop_loss", 2),
)


def random_records(n: int, seed: int) -> list[Recorded]:
    rng = np.random.default_rng(seed)
    ids = [AAPL, MSFT, XOM]

    def one() -> Recorded:
        held = [position(int(rng.integers(-80, 80)) or 1, int(rng.integers(20, 90)), key) for key in ids]
        works = [working(int(rng.integers(1, 50)), 50, "buy" if rng.random() < 0.5 else "sell", ids[0])]
        account = snapshot(*held[: rng.integers(0, 4)], *works[: rng.integers(0, 2)], equity=int(rng.integers(1, 2e5)))
        order = intent(int(rng.integers(1, 300)), 50, "buy" if rng.random() < 0.7 else "sell")
        return recorded(order, *LIMITS, of=account)

    return [one() for _ in range(n)]


def test_a_thousand_records_are_reproduced_exactly() -> None:
    records = random_records(1000, seed=1)

    assert len({record.verdict for record in records}) == 4
    assert reproduce(records).differing == ()


@pytest.mark.serial
def test_ten_thousand_records_take_less_than_five_seconds() -> None:
    records = random_records(500, seed=2) * 20

    began = time.process_time()
    again, found = reproduce(records), rehearse(records, rule("max_exposure", 20))
    took = time.process_time() - began

    assert len(records) == again.n_decisions == found.n_decisions == 10_000
    assert again.differing == () and took < 2 * 5  # two passes, each under five seconds
