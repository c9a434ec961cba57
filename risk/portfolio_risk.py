"""Portfolio risk (pure): exposures by group, leverage, concentration, drawdown, stress, days to exit."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from domain.portfolio import AccountSnapshot, PositionView

ZERO = Decimal(0)
PARTICIPATION = Decimal("0.1")
"""Share of the average volume that an exit may take without moving the market much."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """Gross and net value of a group; percents of equity (None without equity)."""

    name: str
    gross: Decimal
    net: Decimal
    gross_percent: Decimal | None
    net_percent: Decimal | None


@dataclass(frozen=True, slots=True)
class Line:
    """All that an account holds of one instrument, netted."""

    instrument_id: UUID
    symbol: str
    sector: str
    asset_class: str
    quantity: Decimal
    value: Decimal
    unrealized_pnl: Decimal


def lines_of(positions: Iterable[PositionView]) -> list[Line]:
    """Net positions per instrument, the largest value first; what nets to nothing is left out."""
    found: dict[UUID, Line] = {}
    for p in positions:
        old = found.get(p.instrument_id)
        quantity, value, pnl = (old.quantity, old.value, old.unrealized_pnl) if old else (ZERO, ZERO, ZERO)
        found[p.instrument_id] = Line(
            p.instrument_id,
            p.symbol,
            p.sector,
            p.asset_class,
            quantity + p.quantity,
            value + p.value,
            pnl + p.unrealized_pnl,
        )
    return sorted((line for line in found.values() if line.quantity), key=lambda each: (-abs(each.value), each.symbol))


def total_exposure(snapshot: AccountSnapshot) -> Exposure:
    """Return gross (netted per instrument) and net exposure of the whole account."""
    return _exposure("", [line.value for line in lines_of(snapshot.positions)], snapshot.equity)


def exposures_by(snapshot: AccountSnapshot, name_of: Callable[[PositionView], str]) -> list[Exposure]:
    """Return exposure by sector, asset class, strategy; within a group netted per instrument. Largest first."""
    groups: dict[str, dict[UUID, Decimal]] = {}
    for position in snapshot.positions:
        values = groups.setdefault(name_of(position), {})
        values[position.instrument_id] = values.get(position.instrument_id, ZERO) + position.value
    found = [_exposure(name, list(values.values()), snapshot.equity) for name, values in groups.items()]
    return sorted((each for each in found if each.gross), key=lambda each: (-each.gross, each.name))


def _exposure(name: str, values: Sequence[Decimal], equity: Decimal) -> Exposure:
    gross, net = sum((abs(value) for value in values), ZERO), sum(values, ZERO)
    shares = (gross * 100 / equity, net * 100 / equity) if equity > 0 else (None, None)
    return Exposure(name, gross, net, *shares)


@dataclass(frozen=True, slots=True)
class Concentration:
    """Herfindahl-Hirschman index of the shares of gross exposure (0..1), its inverse, and the largest share."""

    hhi: Decimal
    effective_positions: Decimal
    largest_share: Decimal


def concentration(values: Sequence[Decimal]) -> Concentration | None:
    """Return how concentrated absolute values are (Herfindahl 1950); None where there are none.

    >>> concentration([Decimal(50), Decimal(-50)]).hhi
    Decimal('0.5')
    """
    gross = sum((abs(value) for value in values), ZERO)
    if not gross:
        return None
    shares = [abs(value) / gross for value in values]
    hhi = sum((share * share for share in shares), ZERO)
    return Concentration(hhi, 1 / hhi, max(shares))


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Fall from the peak in per cent, now and at its worst; how many points the present one lasts."""

    current_percent: Decimal
    worst_percent: Decimal
    n_points_below: int


def drawdown(equity: Sequence[Decimal]) -> Drawdown:
    """Return the drawdown of an equity curve, oldest first (all zero for an empty one)."""
    peak, worst, now, below = ZERO, ZERO, ZERO, 0
    for value in equity:
        below = 0 if value >= peak else below + 1
        peak = max(peak, value)
        now = 100 * (peak - value) / peak if peak > 0 else ZERO
        worst = max(worst, now)
    return Drawdown(now, worst, below)


@dataclass(frozen=True, slots=True)
class Scenario:
    """A shock in per cent. The most exact word wins: symbol, then sector, then asset class, then ``default``."""

    name: str
    default: Decimal
    shocks: Mapping[str, Decimal] = field(default_factory=dict)

    def shock_of(self, line: Line) -> Decimal:
        """Return the move of one instrument in per cent."""
        for word in (line.symbol, line.sector, line.asset_class):
            if word and word in self.shocks:
                return self.shocks[word]
        return self.default


# Peak to trough of the S&P 500 as the default: 24 Mar 2000 - 9 Oct 2002, 9 Oct 2007 - 9 Mar 2009, 19 Feb - 23 Mar 2020.
# Technology 2000 is the Nasdaq Composite; other sectors and crypto are rounded to what their indexes fell.
SCENARIOS = (
    Scenario("2000-2002 technology bust", Decimal(-49), {"Technology": Decimal(-78), "fx": ZERO}),
    Scenario(
        "2007-2009 credit crisis",
        Decimal(-57),
        {"Financials": Decimal(-83), "Financial Services": Decimal(-83), "fx": ZERO},
    ),
    Scenario("2020 pandemic", Decimal(-34), {"Energy": Decimal(-60), "crypto": Decimal(-50), "fx": ZERO}),
)


@dataclass(frozen=True, slots=True)
class Stress:
    """What a scenario would do: P&L, equity after it, and the P&L of each instrument."""

    name: str
    pnl: Decimal
    equity_after: Decimal
    by_symbol: Mapping[str, Decimal]


def stressed(lines: Sequence[Line], equity: Decimal, scenario: Scenario) -> Stress:
    """Return what a scenario would do to what is held."""
    by_symbol = {line.symbol: line.value * scenario.shock_of(line) / 100 for line in lines}
    pnl = sum(by_symbol.values(), ZERO)
    return Stress(scenario.name, pnl, equity + pnl, by_symbol)


def days_to_exit(quantity: Decimal, average_volume: Decimal | None) -> Decimal | None:
    """Return the sessions that an exit takes at a tenth of the average volume; None where that is unknown."""
    if average_volume is None or average_volume <= 0:
        return None
    return abs(quantity) / (average_volume * PARTICIPATION)
