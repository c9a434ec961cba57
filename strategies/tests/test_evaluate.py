"""An answer that is no answer is refused with a reason; a good one becomes rows."""

from typing import Any

import numpy as np
import pytest

from domain.bars import BarArrays
from domain.errors import StrategyError
from strategies.base import Params, Signals, Strategy
from strategies.evaluate import answer, last_row, warmup_of
from strategies.library.sma_cross import SmaCross, SmaCrossParams
from strategies.tests.series import of_closes, walk

N = 6
YES, NO = np.ones(N, dtype=np.bool_), np.zeros(N, dtype=np.bool_)


class Says(Strategy):
    """Answers whatever the test wants."""

    name = "says"

    def __init__(self, said: Any, *, warmup: Any = 0) -> None:
        self.said, self.needs = said, warmup

    def warmup(self, params: Any) -> Any:
        """What the test wants."""
        return self.needs

    def signals(self, bars: BarArrays, params: Any) -> Any:
        """What the test wants."""
        return self.said() if callable(self.said) else self.said


def fails(error: Exception) -> Any:
    """Return a function that raises."""

    def raises() -> Signals:
        raise error

    return raises


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (None, "wrong_type"),
        ({"entry": YES}, "wrong_type"),
        (Signals(), "wrong_type"),
        (Signals(entry=YES, exit=NO, target=np.zeros(N)), "wrong_type"),
        (Signals(entry=[True] * N), "wrong_type"),
        (Signals(entry=YES[:-1]), "wrong_length"),
        (Signals(entry=np.ones((N, 1), dtype=np.bool_)), "wrong_length"),
        (Signals(entry=YES.astype(np.float64)), "not_bool"),
        (Signals(entry=np.full(N, np.nan)), "not_bool"),
        (Signals(entry=np.full(N, None)), "not_bool"),
        (Signals(entry=YES, short_entry=YES), "contradictory"),
        (Signals(entry=YES, confidence=np.full(N, np.nan)), "not_finite"),
        (Signals(entry=YES, confidence=np.full(N, np.inf)), "not_finite"),
        (Signals(entry=YES, confidence=np.full(N, 1.5)), "out_of_bounds"),
        (Signals(entry=YES, confidence=np.full(N, 1 + 2j)), "not_real"),
        (Signals(entry=YES, confidence=np.array(["1"] * N)), "not_real"),
        (Signals(entry=YES, stop=np.zeros(N)), "out_of_bounds"),
        (Signals(entry=YES, take_profit=np.full(N, -np.inf)), "not_finite"),
        (Signals(target=np.full(N, 1.01)), "out_of_bounds"),
        (Signals(target=np.full(N, 1j)), "not_real"),
        (Signals(entry=YES, values={"x": np.zeros(N - 1)}), "wrong_length"),
        (fails(ZeroDivisionError("division by zero")), "exception"),
        (fails(ValueError("assignment destination is read-only")), "mutates_input"),
    ],
)
def test_a_bad_answer_is_refused(said: Any, code: str) -> None:
    with pytest.raises(StrategyError) as refused:
        answer(Says(said), Params(), walk(N))

    assert refused.value.code == code
    assert refused.value.message


@pytest.mark.parametrize("needs", [-1, 1.5, True, "3", None, 10**9])
def test_a_warmup_that_is_no_count_is_refused(needs: Any) -> None:
    with pytest.raises(StrategyError):
        warmup_of(Says(None, warmup=needs), Params())


def test_a_reason_that_cannot_be_filled_in_is_refused() -> None:
    said = Signals(entry=YES, entry_reason="RSI {rsi:.1f}", values={})

    with pytest.raises(StrategyError, match="rsi"):
        last_row(Says(said, warmup=N - 1), Params(), walk(N))


def test_last_row_takes_only_the_bars_it_needs() -> None:
    seen: list[int] = []

    class Counts(SmaCross):
        """Remembers how many bars it was given."""

        def signals(self, bars: BarArrays, params: Any) -> Signals:
            """Count, then answer."""
            seen.append(len(bars))
            return super().signals(bars, params)

    params = SmaCrossParams(fast=5, slow=20)

    last_row(Counts(), params, walk(300))

    assert seen == [Counts().warmup(params) + 1]


def test_last_row_says_nothing_before_there_are_enough_bars() -> None:
    assert last_row(SmaCross(), SmaCrossParams(fast=5, slow=20), walk(25)) is None


def test_row_carries_prices_confidence_and_the_filled_reason() -> None:
    column = np.arange(N, dtype=np.float64)
    said = Signals(
        entry=YES,
        confidence=np.full(N, 0.8),
        stop=np.where(column == N - 1, 9.5, np.nan),
        entry_reason="row {i:.0f}",
        values={"i": column},
    )

    row = last_row(Says(said, warmup=N - 1), Params(), walk(N))

    assert row is not None
    assert (row.enters_long, row.exits_long, row.stop, row.take_profit) == (True, False, 9.5, None)
    assert (row.confidence, row.strength, row.entry_reason) == (0.8, 1.0, "row 5")


def test_target_becomes_entries_exits_and_a_strength() -> None:
    target = np.array([np.nan, 1.0, 0.25, 0.0, -0.5, np.nan])

    found = answer(Says(Signals(target=target)), Params(), walk(N))

    assert found.enters_long.tolist() == [False, True, True, False, False, False]
    assert found.enters_short.tolist() == [False, False, False, False, True, False]
    assert found.exits_long.tolist() == [False, False, False, True, True, False]
    assert found.exits_short.tolist() == [False, True, True, True, False, False]
    assert found.strength[[1, 2, 4]].tolist() == [1.0, 0.25, 0.5]


def test_sma_cross_enters_on_the_bar_of_the_cross() -> None:
    # fast 1, slow 2: the close crosses its two-bar mean upwards on the first rise after a fall.
    found = answer(SmaCross(), SmaCrossParams(fast=1, slow=2), of_closes(10, 9, 8, 9, 10, 9))

    assert found.enters_long.tolist() == [False, False, False, True, False, False]
    assert found.exits_long.tolist() == [False, True, True, False, False, True]
