"""The table of order states: its laws hold for every pair of states."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.orders import AT_VENUE, FINAL, FOLLOWS, LOCAL, OPEN, OrderStatus, may_follow

S = OrderStatus


def test_every_state_has_a_row():
    assert set(FOLLOWS) == set(OrderStatus)


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_follows_a_final_state(state):
    assert FOLLOWS[state] == frozenset()


def test_only_an_initialized_or_approval_order_can_be_denied_by_us():
    sources = {old for old in OrderStatus if may_follow(old, S.DENIED)}

    assert sources == {S.INITIALIZED, S.PENDING_APPROVAL, S.HELD}


def test_only_a_submitted_order_can_be_rejected_by_the_venue():
    assert {old for old in OrderStatus if may_follow(old, S.REJECTED)} == {S.SUBMITTED}


def test_nothing_reaches_the_venue_without_having_been_submitted():
    for old in LOCAL:
        assert not FOLLOWS[old] & OPEN
        assert S.FILLED not in FOLLOWS[old]


@pytest.mark.parametrize("state", sorted(AT_VENUE))
def test_whatever_is_at_the_venue_can_be_filled_canceled_and_expire(state):
    assert {S.FILLED, S.CANCELED, S.EXPIRED} <= FOLLOWS[state]


@given(st.lists(st.sampled_from(sorted(OrderStatus)), max_size=40))
def test_no_sequence_of_reports_brings_a_final_order_back(reports):
    state = S.INITIALIZED
    seen_final = None
    for report in reports:
        if may_follow(state, report):
            state = report
        if seen_final:
            assert state == seen_final
        if state in FINAL:
            seen_final = state
