"""Conditions of notification entries: refused when saved, or decided; never an exception in between."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.notices import Channel, NotificationType, Priority
from preferences.conditions import FIELDS, MAX_NODES, faults_of, holds
from preferences.notices import NotificationEntry, NotificationPreferences, clean_entry

LOSS = NotificationType.LARGE_LOSS


@pytest.mark.parametrize(
    ("tree", "facts", "expected"),
    [
        ({}, {}, True),
        ({"loss_amount": {"min": 1000}}, {"loss_amount": "1000"}, True),
        ({"loss_amount": {"min": 1000}}, {"loss_amount": Decimal("999.99")}, False),
        ({"loss_amount": {"min": 1, "max": Decimal("2.5")}}, {"loss_amount": 2}, True),
        ({"loss_amount": {"min": 1}}, {}, False),
        ({"not": {"loss_amount": {"min": 1}}}, {}, True),
        ({"symbol": {"in": ["SPY", "QQQ"]}, "loss_amount": {"min": 1}}, {"symbol": "SPY", "loss_amount": 5}, True),
        ({"symbol": {"not_in": ["SPY"]}}, {"symbol": "SPY"}, False),
        (
            {"any": [{"symbol": {"equals": "SPY"}}, {"loss_amount": {"min": 9}}]},
            {"symbol": "X", "loss_amount": 9},
            True,
        ),
        (
            {"all": [{"symbol": {"equals": "SPY"}}, {"loss_amount": {"min": 9}}]},
            {"symbol": "X", "loss_amount": 9},
            False,
        ),
    ],
)
def test_a_tree_holds_or_not(tree: dict[str, Any], facts: dict[str, Any], expected: bool) -> None:
    assert faults_of(tree, LOSS) == []
    assert holds(tree, facts) is expected


@pytest.mark.parametrize(
    "tree",
    [
        5,
        [],
        {"price": {"min": 1}},
        {"loss_amount": {}},
        {"loss_amount": {"in": [1]}},
        {"loss_amount": {"min": True}},
        {"loss_amount": {"min": Decimal("NaN")}},
        {"loss_amount": {"min": Decimal("1E+30")}},
        {"symbol": {"min": "A"}},
        {"symbol": {"in": []}},
        {"symbol": {"in": [1]}},
        {"symbol": {"in": "SPY"}},
        {"not": []},
        {"any": {}},
        {"all": [1]},
        {"not": {"not": {"not": {"not": {"not": {"not": {}}}}}}},
        {"any": [{"symbol": {"equals": "A"}}] * (MAX_NODES // 2 + 1)},
    ],
)
def test_a_malformed_tree_is_refused(tree: Any) -> None:
    assert faults_of(tree, LOSS)


_TREES = st.recursive(
    st.none() | st.integers() | st.decimals() | st.text(max_size=4) | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["all", "any", "not", "symbol", "loss_amount", "min", "max", "in", "equals"]), inner
        )
    ),
    max_leaves=12,
)


@given(_TREES, st.dictionaries(st.sampled_from(["symbol", "loss_amount"]), st.integers(0, 5)))
def test_every_tree_is_refused_or_decided(tree: Any, facts: dict[str, Any]) -> None:
    if faults_of(tree, LOSS):
        return
    assert holds(tree, facts) in (True, False)


def test_every_type_has_its_fields() -> None:
    assert set(FIELDS) == set(NotificationType)


def test_an_entry_comes_back_from_storage_as_it_was() -> None:
    values = {
        "channels": ["email", "IN_APP"],
        "priority": "high",
        "throttle_minutes": 5,
        "conditions": {"any": [{"loss_amount": {"min": Decimal("0.10")}}, {"symbol": {"in": ["A"]}}]},
    }
    entry, faults = clean_entry(NotificationEntry(event_type=LOSS), values)
    before = NotificationPreferences().with_entry(entry)

    assert faults == [] and entry.channels == (Channel.EMAIL, Channel.IN_APP) and entry.priority is Priority.HIGH
    assert NotificationPreferences.restored(before.stored()) == before
    assert before.without(LOSS).entry(LOSS) == NotificationEntry(event_type=LOSS)
