"""Books against fills (pure): what an account's positions, cash and journal say, and what its fills say."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from domain.orders import Fill
from domain.positions import PositionState, fold

Key = tuple[UUID, UUID | None]
COMPARED = ("quantity", "average_price", "cost", "realized_pnl", "fees", "cash_change")


@dataclass(frozen=True, slots=True)
class BookedPosition:
    """One position as the books have it: its amounts by name, and (entry fill, net P&L, is closed) of its trades."""

    amounts: Mapping[str, Decimal]
    trades: frozenset[tuple[str, Decimal, bool]]


def states_of(fills: Iterable[Fill]) -> dict[Key, PositionState]:
    """Fold fills into one state per instrument and strategy."""
    by_key: dict[Key, list[Fill]] = defaultdict(list)
    for fill in fills:
        by_key[fill.instrument_id, fill.strategy_id].append(fill)
    return {key: fold(each) for key, each in by_key.items()}


def differences_between(
    cash: Decimal, starting_cash: Decimal, booked: Mapping[Key, BookedPosition], fills: Iterable[Fill]
) -> tuple[str, ...]:
    """Return one sentence for everything in which the books differ from the fold of all fills."""
    states = states_of(fills)
    found = []
    expected = starting_cash + sum((state.cash_change for state in states.values()), Decimal(0))
    if cash != expected:
        found.append(f"Cash is {cash}, the fills make {expected}")
    for key in sorted(booked.keys() | states.keys(), key=str):
        state = states.get(key, PositionState())
        position = booked.get(key)
        if position is None:
            found.append(f"The position {_words(key)} is missing: the fills make {state.quantity}")
            continue
        for name in COMPARED:
            ours, theirs = position.amounts[name], getattr(state, name)
            if ours != theirs:
                what = name.replace("_", " ")
                found.append(f"The position {_words(key)} has a {what} of {ours}, the fills make {theirs}")
        if position.trades != _trades_of(state):
            found.append(f"The journal of {_words(key)} is not the one that the fills make")
    return tuple(found)


def _trades_of(state: PositionState) -> frozenset[tuple[str, Decimal, bool]]:
    closed = {(trip.entry_fill, trip.pnl_net, True) for trip in state.closed_trades}
    trip = state.open_trade
    return frozenset(closed | ({(trip.entry_fill, trip.pnl_net, False)} if trip else set()))


def _words(key: Key) -> str:
    instrument_id, strategy_id = key
    return f"{instrument_id} of strategy {strategy_id}" if strategy_id else f"{instrument_id} placed by hand"
