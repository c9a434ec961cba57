"""How long a random search looks for combinations while somebody waits for the answer."""

from typing import Any

import pytest

from backtesting.search.draws import MOST_MISSES, MOST_TRIES, Method, planned
from backtesting.search.space import space_of
from domain.errors import ValidationFailed

WIDE: dict[str, Any] = {"fast": {"min": 1, "max": 1_000}, "slow": {"min": 1, "max": 1_000}}
N = 20_000


def test_constraints_that_leave_nothing_are_given_up_soon() -> None:
    tried = []

    def refused(combo: Any) -> bool:
        tried.append(combo)
        return False

    with pytest.raises(ValidationFailed, match="No combination"):
        planned(space_of(WIDE), method=Method.RANDOM, n=N, is_valid=refused)

    assert len(tried) == MOST_MISSES


def test_constraints_that_leave_hardly_any_give_fewer_after_a_bounded_search() -> None:
    tried = []

    def rare(combo: Any) -> bool:
        tried.append(combo)
        return combo["fast"] % 200 == 0

    found = planned(space_of(WIDE), method=Method.RANDOM, n=N, is_valid=rare)

    assert 100 < len(found) < 1_000 and len(tried) == MOST_TRIES
    assert len({tuple(each.values()) for each in found}) == len(found)


def test_a_space_that_takes_most_gives_as_many_as_asked_for_and_the_same_again() -> None:
    space = space_of(WIDE, ["fast < slow"])

    first, second = (planned(space, method=Method.RANDOM, n=2_000, seed=3) for _ in range(2))

    assert len(first) == 2_000 and first == second
