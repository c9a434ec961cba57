"""Rehearsal (pure): past decisions judged again, by a rule that was not there, or by the very rules that were."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from risk.decisions import RuleSpec, Verdict
from risk.gate import evaluate
from risk.records import Question, reasons_of, restored

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One decision as it was stored, and the net P&L of what its order opened (None: it opened nothing)."""

    decision_id: UUID
    symbol: str
    side: str
    verdict: str
    quantity: Decimal
    inputs: dict[str, Any]
    reasons: Sequence[dict[str, Any]] = ()
    pnl: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """An order that passed and that the rule would have stopped or made smaller."""

    decision_id: UUID
    symbol: str
    side: str
    quantity: Decimal
    allowed: Decimal
    pnl: Decimal | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What a rule would have done: P&L kept is that of what still opens, P&L forgone (below 0: spared) of the rest.

    ``n_unmeasured`` orders could not be judged by one of the rules, for want of a number that was not recorded then;
    that rule lets them pass here (live the number would be known, or the order refused).
    ``n_unreadable`` records are of an older format.
    """

    n_decisions: int
    stopped: tuple[Stopped, ...]
    pnl_kept: Decimal
    pnl_forgone: Decimal
    n_unmeasured: int
    n_unreadable: int


def rehearse(records: Iterable[Recorded], *rules: RuleSpec) -> Rehearsal:
    """Judge every recorded order by these further rules; each by itself, as if those before had gone as they did."""
    keys = {rule.key for rule in rules}
    stopped: list[Stopped] = []
    kept = forgone = ZERO
    n = n_unmeasured = n_unreadable = 0
    for record in records:
        n += 1
        question = _question(record)
        if question is None:
            n_unreadable += 1
            continue
        decision = evaluate(question.intent, question.snapshot, rules, market=question.market, at=question.at)
        found = [each for each in decision.reasons if each.key in keys]
        asked = [each for each in found if each.value is not None or each.quantity >= record.quantity]
        n_unmeasured += len(asked) < len(found)
        reason = min(asked, key=lambda each: (each.quantity, each.key), default=None)
        allowed = record.quantity if reason is None else min(record.quantity, reason.quantity)
        lost = ZERO if record.pnl is None else _share(record.pnl, record.quantity - allowed, record.quantity)
        kept += (record.pnl or ZERO) - lost
        forgone += lost
        if reason is not None and allowed < record.quantity:
            stopped.append(_stopped(record, allowed, lost, reason.message))
    return Rehearsal(
        n_decisions=n,
        stopped=tuple(stopped),
        pnl_kept=kept,
        pnl_forgone=forgone,
        n_unmeasured=n_unmeasured,
        n_unreadable=n_unreadable,
    )


def _question(record: Recorded) -> Question | None:
    try:
        return restored(record.inputs)
    except (ValueError, TypeError, LookupError):
        return None


def _share(pnl: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return pnl * part / whole if whole else ZERO


def _stopped(record: Recorded, allowed: Decimal, lost: Decimal, message: str) -> Stopped:
    return Stopped(
        decision_id=record.decision_id,
        symbol=record.symbol,
        side=record.side,
        quantity=record.quantity,
        allowed=allowed,
        pnl=None if record.pnl is None else lost,
        message=message,
    )


@dataclass(frozen=True, slots=True)
class Reproduction:
    """How many decisions were judged again under the rules of their own time, and which came out differently."""

    n_decisions: int
    differing: tuple[UUID, ...]


def reproduce(records: Iterable[Recorded]) -> Reproduction:
    """Judge every record again by its own rules: verdict, quantity and every reason must be what was recorded."""
    differing: list[UUID] = []
    n = 0
    for record in records:
        n += 1
        question = _question(record)
        if question is None or not _is_same(record, question):
            differing.append(record.decision_id)
    return Reproduction(n, tuple(differing))


def _is_same(record: Recorded, question: Question) -> bool:
    found = evaluate(
        question.intent,
        question.snapshot,
        question.rules,
        market=question.market,
        at=question.at,
        faults=question.faults,
    )
    is_same_verdict = (found.verdict, found.quantity) == (Verdict(record.verdict), record.quantity)
    return is_same_verdict and reasons_of(found) == list(record.reasons)
