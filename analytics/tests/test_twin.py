"""Putting two lives next to each other: what is the same, what differs, and which cause speaks first. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D

import pytest

from analytics.twin.comparing import compare, differing
from analytics.twin.values import Cause, Happening, Side, Step, TwinTrade

AT = datetime(2024, 1, 1, 21, tzinfo=UTC)
DAY = timedelta(days=1)
ENTRY = Step(
    at=AT,
    symbol="ONE",
    role="entry",
    side="buy",
    status="filled",
    quantity=D(10),
    filled=D(10),
    price=D(100),
    fee=D(1),
    filled_at=AT + DAY,
)
EXIT = replace(ENTRY, at=AT + 5 * DAY, role="exit", side="sell", filled_at=AT + 6 * DAY)
TRADE = TwinTrade(
    symbol="ONE",
    side="buy",
    quantity=D(10),
    entry_at=AT + DAY,
    entry_price=D(100),
    exit_at=AT + 6 * DAY,
    exit_price=D(101),
    pnl_net=D(8),
    fees=D(2),
)


def side(*steps: Step, trades: tuple[TwinTrade, ...] = ()) -> Side:
    return Side(steps=steps, trades=trades, n_signals=len(steps), n_fills=len(steps))


def causes(live: Side, shadow: Side, *happenings: Happening) -> list[Cause]:
    return [each.cause for each in compare(live, shadow, happenings).differences]


def change(cause: Cause, days: int) -> Happening:
    return Happening(cause=cause, at=AT + days * DAY, words=f"{cause} on day {days}")


def test_equal_sides_match_whole_and_their_trades_have_no_cause() -> None:
    found = compare(side(ENTRY, EXIT, trades=(TRADE,)), side(ENTRY, EXIT, trades=(TRADE,)))

    assert (found.n_matched, found.differences) == (2, ())
    assert [(pair.cause, pair.pnl_difference) for pair in found.trades] == [(None, 0)]
    assert (found.live.pnl, found.live.fees, found.live.n_trades, found.live.n_orders) == (8, 2, 1, 2)


def test_rounding_of_the_compiled_engine_is_no_difference_but_a_lot_is() -> None:
    assert differing(ENTRY, replace(ENTRY, price=D("100.00000001"))) == ()
    assert differing(ENTRY, replace(ENTRY, quantity=D(11))) == ("quantity",)
    assert differing(ENTRY, replace(ENTRY, level=D(5))) == ("level",)
    assert differing(ENTRY, None) == differing(None, ENTRY) == ("missing",)


def test_steps_of_one_moment_are_matched_by_symbol_and_role_in_their_order() -> None:
    other = replace(ENTRY, symbol="TWO")
    twice = replace(ENTRY, quantity=D(3), filled=D(3))

    found = compare(side(ENTRY, twice, other), side(other, ENTRY))

    assert found.n_matched == 2
    assert [each.live for each in found.differences] == [twice]


def test_nothing_on_record_is_unexplained() -> None:
    assert causes(side(), side(ENTRY)) == [Cause.UNEXPLAINED]


def test_what_comes_after_an_unexplained_difference_follows_from_it() -> None:
    found = compare(side(), side(ENTRY, EXIT))

    assert [each.cause for each in found.differences] == [Cause.UNEXPLAINED, Cause.FOLLOWS]
    assert "2024-01-01 21:00 UTC in ONE" in found.differences[1].message


def test_a_steps_own_record_speaks_before_everything_else() -> None:
    asked = replace(ENTRY, status="canceled", hint=Cause.APPROVAL, hint_words="It waited.")
    pause = Happening(cause=Cause.STRATEGY_PAUSED, at=AT - DAY, words="paused", is_spell=True)

    assert causes(side(asked), side(ENTRY), pause, change(Cause.RULE_CHANGED, -1)) == [Cause.APPROVAL]


def test_a_spell_explains_what_lies_within_it_alone() -> None:
    spell = Happening(cause=Cause.KILL_SWITCH, at=AT - DAY, until=AT + DAY, words="on", is_spell=True)

    assert causes(side(), side(ENTRY), spell) == [Cause.KILL_SWITCH]
    assert causes(side(), side(EXIT), spell) == [Cause.UNEXPLAINED]
    assert causes(side(), side(EXIT), replace(spell, until=None)) == [Cause.KILL_SWITCH]


def test_the_nearest_change_before_a_step_is_its_cause_and_a_later_one_never() -> None:
    given = (change(Cause.PREFERENCES_CHANGED, -9), change(Cause.OTHER_STRATEGY, -2), change(Cause.RULE_CHANGED, 1))

    assert causes(side(), side(ENTRY), *given) == [Cause.OTHER_STRATEGY]
    assert causes(side(), side(ENTRY), given[2]) == [Cause.UNEXPLAINED]


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"filled_at": AT + 3 * DAY, "price": D(104)}, Cause.ORDER_LATE),
        ({"price": D(104)}, Cause.PRICE),
        ({"fee": D(2)}, Cause.FEES),
        ({"price": D(104), "fee": D(2)}, Cause.PRICE),
        ({"price": D(104), "quantity": D(11)}, Cause.UNEXPLAINED),
    ],
)
def test_the_same_order_executed_otherwise(changed: dict[str, object], cause: Cause) -> None:
    assert causes(side(replace(ENTRY, **changed)), side(ENTRY)) == [cause]  # type: ignore[arg-type]  # any field


def test_a_signal_that_only_live_skipped_says_why() -> None:
    skipped = Step(
        at=AT, symbol="ONE", role="entry", side="buy", status="skipped", reason="The size comes to less than one lot"
    )

    [found] = compare(side(skipped), side(ENTRY)).differences

    assert (found.cause, found.message) == (Cause.SIGNAL_SKIPPED, "The size comes to less than one lot")


def test_a_trade_has_the_cause_of_the_difference_that_made_it_differ() -> None:
    dearer = replace(ENTRY, price=D(104))
    worse = replace(TRADE, entry_price=D(104), pnl_net=D(-32))
    later = replace(TRADE, entry_at=AT + 30 * DAY, exit_at=None)

    found = compare(side(dearer, EXIT, trades=(worse, later)), side(ENTRY, EXIT, trades=(TRADE, later)))

    assert [(pair.cause, pair.pnl_difference) for pair in found.trades] == [(Cause.PRICE, -40), (None, 0)]


def test_a_trade_of_one_side_alone_counts_with_all_it_made() -> None:
    [pair] = compare(side(), side(ENTRY, trades=(TRADE,))).trades

    assert (pair.live, pair.any, pair.pnl_difference, pair.cause) == (None, TRADE, -8, Cause.UNEXPLAINED)
