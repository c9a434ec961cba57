"""The compiled rules: the same bits as the plain functions, and the same verdict as the gate's bounds."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from risk.compiled import (
    BOUND_OF,
    COMPILED,
    COUNTED,
    KINDS,
    MOST_INPUTS,
    is_good,
    judge,
    judge_all,
    rule_arrays,
    value_of,
)
from risk.decisions import RuleSpec
from risk.gate import is_within
from risk.rules.table import RULE_TYPES

N = 4_000


def numbers_of(name: str, n: int = N) -> Any:
    """Random inputs over many magnitudes, round ones and negative ones among them."""
    rng = np.random.default_rng(KINDS.index(name))
    sizes = 10.0 ** rng.uniform(-6, 12, (n, MOST_INPUTS)) * rng.choice([-1.0, 1.0, 1.0, 1.0], (n, MOST_INPUTS))
    rounded = rng.random((n, MOST_INPUTS)) < 0.3
    sizes[rounded] = np.round(sizes[rounded] % 1_000) + 1.0
    return sizes


@pytest.mark.parametrize("name", KINDS)
def test_compiled_and_plain_give_the_same_bits(name: str) -> None:
    plain, compiled, kind = RULE_TYPES[name].function, COMPILED[name], KINDS.index(name)
    n_inputs = len(RULE_TYPES[name].inputs)
    rows = numbers_of(name)

    expected = np.array([plain(*row[:n_inputs].tolist()) for row in rows])
    by_function = np.array([compiled(*row[:n_inputs]) for row in rows])
    by_number = np.array([value_of(kind, *row) for row in rows])

    assert expected.view(np.int64).tolist() == by_function.view(np.int64).tolist()
    assert expected.view(np.int64).tolist() == by_number.view(np.int64).tolist()


def test_what_is_counted_is_given_back() -> None:
    assert all(RULE_TYPES[name].function(7.25) == 7.25 for name in COUNTED)
    assert max(len(each.inputs) for each in RULE_TYPES.values()) == MOST_INPUTS


@pytest.mark.parametrize("name", KINDS)
def test_a_compiled_bound_is_that_of_the_gate(name: str) -> None:
    bound = RULE_TYPES[name].bound

    for value in (0.0, 0.5, 1.0, 1.0000000001, 2.0):
        exact = is_within(bound, Decimal(repr(value)), Decimal(1))
        assert is_good(BOUND_OF[KINDS.index(name)], value, 1.0) is exact


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_breaks_every_rule(bad: float) -> None:
    assert not any(is_good(bound, bad, 1.0) for bound in BOUND_OF)


def test_a_zero_to_divide_by_breaks_the_rule() -> None:
    kinds, limits = rule_arrays([RuleSpec(key="x", name="x", type="max_leverage", limit=Decimal(10))])

    assert judge(kinds, limits, np.zeros((1, MOST_INPUTS)), np.empty(1)) == 1


def test_many_orders_are_judged_as_one_by_one() -> None:
    rules = [RuleSpec(key=name, name=name, type=name, limit=Decimal(50)) for name in KINDS]
    kinds, limits = rule_arrays(rules)
    numbers = np.random.default_rng(3).uniform(1, 100, (200, len(rules), MOST_INPUTS))
    values, broken = np.empty((200, len(rules))), np.empty(200, dtype=np.int64)

    judge_all(kinds, limits, numbers, values, broken)

    for i in range(200):
        single = np.empty(len(rules))
        assert judge(kinds, limits, numbers[i], single) == broken[i]
        assert (single == values[i]).all()
    assert 0 < broken.min() < broken.max() < len(rules)
