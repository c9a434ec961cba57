"""What a decision was given comes back from plain JSON as it was, also from what an older version stored by row."""

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from risk.decisions import RuleSpec
from risk.plain_values import built, written
from risk.records import FORMAT, Question, restored, stored
from risk.tests.examples import MSFT, NOW, intent, market, position, rule, snapshot, working

D = Decimal
SNAPSHOT_COLUMNS = {9: "positions", 10: "working"}


def question(**more: Any) -> Question:
    """A question with two of everything that comes in rows."""
    account = snapshot(position(400), position(5, instrument_id=MSFT), working(10), working(3, price=7))
    rules = (rule("max_order_quantity", 10), rule("restricted_list", 0, parameters={"symbols": ["AAA", "BBB"]}))
    given = {"intent": intent(100), "snapshot": account, "rules": rules, "market": market(), "at": NOW}
    return Question(**given | more)


def through_json(value: Any) -> Any:
    """The value as a database gives it back."""
    return json.loads(json.dumps(value))


def test_a_question_comes_back_as_it_was_stored() -> None:
    asked = question(faults=("the preferences can not be read",))

    again = restored(through_json(stored(asked)))

    assert again == asked
    assert type(again.snapshot.positions[0].quantity) is Decimal
    assert again.rules[1].parameters == {"symbols": ["AAA", "BBB"]}


def test_nothing_held_nothing_working_and_no_rules_come_back_too() -> None:
    asked = question(snapshot=snapshot(), rules=())

    assert restored(through_json(stored(asked))) == asked


def test_numbers_that_are_none_stay_none_and_nan_is_kept() -> None:
    asked = question(market=replace(market(), reference=None, spread_bps=D("NaN")))

    again = restored(through_json(stored(asked))).market

    assert again.reference is None
    assert again.spread_bps is not None and again.spread_bps.is_nan()


def test_a_record_stored_by_row_is_still_read() -> None:
    """Format 1 had a list a position, a working order and a rule where format 2 has a list a field."""
    asked = question()
    record = through_json(stored(asked))
    assert record["format"] == FORMAT == 2
    values = record["question"]
    for place in SNAPSHOT_COLUMNS:
        values[1][place] = [list(row) for row in zip(*values[1][place], strict=True)]
    values[2] = [list(row) for row in zip(*values[2], strict=True)]

    assert restored({"format": 1, "question": values}) == asked


def test_a_field_that_is_for_words_alone_is_not_stored() -> None:
    told = replace(rule("max_order_value", 100), currency="USD")

    form = written(tuple[RuleSpec, ...], (told,))

    assert len(form) == 13  # as in every record since format 2
    assert built(tuple[RuleSpec, ...], form) == (replace(told, currency=""),)


def test_a_record_with_a_field_too_few_is_refused() -> None:
    record = through_json(stored(question()))
    record["question"][2].pop()

    try:
        restored(record)
    except ValueError as error:
        assert "RuleSpec has 13 fields, not 12" in str(error)
    else:
        raise AssertionError("a record with a field too few was read")
