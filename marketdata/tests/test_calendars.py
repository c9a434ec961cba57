"""Sessions as arrays: which bar a trading session ends with."""

from datetime import UTC, datetime

import numpy as np
import pytest

from domain.bars import Timeframe
from marketdata.calendars import session_ends


def closed_at(*times: str) -> np.ndarray:
    """Return moments (UTC) as unix seconds."""
    return np.array([int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) for at in times], dtype=np.int64)


@pytest.mark.parametrize(
    ("timeframe", "closes", "expected"),
    [
        # New York closes at 21:00 in winter; at 18:00 on the day after Thanksgiving 2024.
        (Timeframe.M1, ("2024-11-27T20:59", "2024-11-27T21:00", "2024-11-27T21:01"), (False, True, False)),
        (Timeframe.H1, ("2024-11-27T20:00", "2024-11-27T21:00", "2024-11-27T22:00"), (False, True, False)),
        (Timeframe.H1, ("2024-11-27T20:30", "2024-11-27T21:30", "2024-11-27T22:30"), (False, True, False)),
        (Timeframe.H1, ("2024-11-29T17:30", "2024-11-29T18:30", "2024-11-29T19:30"), (False, True, False)),
        (Timeframe.D1, ("2024-11-27T21:00", "2024-11-29T18:00"), (True, True)),
    ],
)
def test_a_session_ends_with_the_bar_that_its_close_lies_in(
    timeframe: Timeframe, closes: tuple[str, ...], expected: tuple[bool, ...]
) -> None:
    assert tuple(session_ends(closed_at(*closes), timeframe, "XNYS").tolist()) == expected


def test_without_sessions_days_end_at_midnight() -> None:
    closes = closed_at("2024-11-27T23:00", "2024-11-28T00:00", "2024-11-28T01:00")

    assert session_ends(closes, Timeframe.H1, "24/7").tolist() == [False, True, False]


def test_beyond_the_known_sessions_none_ends() -> None:
    assert not session_ends(closed_at("2999-01-02T21:00"), Timeframe.H1, "XNYS").any()
