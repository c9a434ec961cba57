"""What is wanted depends on what is held; most rows are no new signal."""

from decimal import Decimal

import pytest

from domain.orders import OrderSide
from domain.signals import SignalSide
from strategies.evaluate import AnswerRow
from strategies.intents import Enter, Exit, Intent, intent_of

FLAT, LONG, SHORT = Decimal(0), Decimal(5), Decimal(-5)


def row(*, long: bool = False, short: bool = False, out_long: bool = False, out_short: bool = False) -> AnswerRow:
    """Return a row that says these things."""
    return AnswerRow(long, short, out_long, out_short, 0.9, 0.5, 95.0, 110.0, "because in", "because out")


def ask(said: AnswerRow | None, held: Decimal, **more: bool) -> Intent | None:
    """Ask with nothing working and shorts allowed unless the test says otherwise."""
    known = {"has_working_entry": False, "has_working_exit": False, "allow_short": True}
    return intent_of(said, held=held, **{**known, **more})


def test_nothing_said_is_nothing_wanted() -> None:
    assert ask(None, FLAT) is None


def test_an_entry_when_flat_carries_stop_target_and_strength() -> None:
    wanted = ask(row(long=True), FLAT)

    assert isinstance(wanted, Enter)
    assert wanted.side is OrderSide.BUY and wanted.strength == Decimal("0.5")
    said = wanted.statement
    assert (said.side, said.stop, said.take_profit, said.reason) == (SignalSide.BUY, 95.0, 110.0, "because in")


def test_a_short_entry_sells_where_shorts_are_allowed() -> None:
    wanted = ask(row(short=True), FLAT)

    assert isinstance(wanted, Enter) and wanted.side is OrderSide.SELL
    assert wanted.statement.side is SignalSide.SELL
    assert ask(row(short=True), FLAT, allow_short=False) is None


@pytest.mark.parametrize(
    ("said", "held", "more"),
    [
        (row(long=True), LONG, {}),
        (row(long=True), FLAT, {"has_working_entry": True}),
        (row(short=True), SHORT, {}),
        (row(out_long=True), FLAT, {}),
        (row(out_long=True), LONG, {"has_working_exit": True}),
        (row(out_long=True), SHORT, {}),
        (row(out_short=True), LONG, {}),
    ],
)
def test_what_is_already_so_is_no_new_signal(said: AnswerRow, held: Decimal, more: dict[str, bool]) -> None:
    assert ask(said, held, **more) is None


def test_an_exit_closes_in_the_right_direction() -> None:
    out_of_long, out_of_short = ask(row(out_long=True), LONG), ask(row(out_short=True), SHORT)

    assert isinstance(out_of_long, Exit) and out_of_long.side is OrderSide.SELL
    assert isinstance(out_of_short, Exit) and out_of_short.side is OrderSide.BUY
    assert out_of_long.statement.reason == "because out"


def test_an_entry_for_the_other_side_only_closes() -> None:
    wanted = ask(row(short=True), LONG, allow_short=False)

    assert isinstance(wanted, Exit) and wanted.side is OrderSide.SELL
    assert wanted.statement.reason == "because in"
