"""From what a strategy says to what it wants done, given what is held. Both drivers ask this one function. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from domain.orders import OrderSide
from domain.signals import SignalRow, SignalSide
from strategies.evaluate import AnswerRow


@dataclass(frozen=True, slots=True)
class Enter:
    """A new position is wanted; `statement` is the signal to record, `strength` the share of the sizing (0..1]."""

    side: OrderSide
    statement: SignalRow
    strength: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Exit:
    """The whole position is to be closed; `side` is that of the closing order."""

    side: OrderSide
    statement: SignalRow


Intent = Enter | Exit


def intent_of(
    row: AnswerRow | None, *, held: Decimal, has_working_entry: bool, has_working_exit: bool, allow_short: bool
) -> Intent | None:
    """Return what is to be done, or None: then there is no signal and nothing is recorded.

    `held` is the strategy's own net quantity of the instrument. Entering what is held, or while an entry works, is no
    new signal; neither is an exit with nothing held or while one works. A row for the other side closes what is held;
    the reversal itself takes another row, on a later bar, that finds the position flat. Exits go before entries.
    """
    if row is None:
        return None
    if held:
        wants_out = row.exits_long or row.enters_short if held > 0 else row.exits_short or row.enters_long
        return _exit(row, held) if wants_out and not has_working_exit else None
    if has_working_entry:
        return None
    if row.enters_long:
        return _enter(row, OrderSide.BUY)
    return _enter(row, OrderSide.SELL) if row.enters_short and allow_short else None


def _enter(row: AnswerRow, side: OrderSide) -> Enter:
    statement = SignalRow(
        SignalSide.BUY if side is OrderSide.BUY else SignalSide.SELL,
        row.confidence,
        stop=row.stop,
        take_profit=row.take_profit,
        reason=row.entry_reason,
    )
    return Enter(side, statement, Decimal(repr(row.strength)))


def _exit(row: AnswerRow, held: Decimal) -> Exit:
    exits = row.exits_long if held > 0 else row.exits_short
    statement = SignalRow(SignalSide.EXIT, row.confidence, reason=row.exit_reason if exits else row.entry_reason)
    return Exit(OrderSide.SELL if held > 0 else OrderSide.BUY, statement)
