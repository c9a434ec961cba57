"""How returns are put on a year: the length of one return and how many of them a year has. Pure.

Every annualised figure of the platform is made from daily returns (the last equity of each day): a year has 252 of
them where the market keeps sessions and 365 where it never closes. Bars of a week give weekly returns, 52 a year.
"""

from dataclasses import dataclass

from domain.bars import Timeframe

SESSION_DAYS = 252
CALENDAR_DAYS = 365
WEEKS = 52
DAY_SECONDS = 86_400
WEEK_SECONDS = 7 * DAY_SECONDS
YEAR_DAYS = 365.25


@dataclass(frozen=True, slots=True)
class Basis:
    """The step of the returns in seconds (values within one step count by their last) and the steps of a year."""

    name: str
    periods_per_year: int
    seconds: int

    @property
    def words(self) -> str:
        """How a page states it."""
        return f"{self.name} returns, {self.periods_per_year} a year"


DAILY = Basis("daily", SESSION_DAYS, DAY_SECONDS)
DAILY_ALWAYS_OPEN = Basis("daily", CALENDAR_DAYS, DAY_SECONDS)
WEEKLY = Basis("weekly", WEEKS, WEEK_SECONDS)


def basis_for(timeframe: Timeframe, *, always_open: bool) -> Basis:
    """Return the basis for bars of a timeframe in a market with sessions, or in one that never closes."""
    if timeframe is Timeframe.W1:
        return WEEKLY
    return DAILY_ALWAYS_OPEN if always_open else DAILY
