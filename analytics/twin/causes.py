"""Why a step of a strategy's real life differs from its shadow's: one cause, in plain words. Pure.

What its own records say comes first, then what lay over it at the time (a pause, a kill switch), then how it was
executed, then the nearest change before it, then an earlier difference that it follows from. Else it is unexplained.
"""

from collections.abc import Sequence

from analytics.twin.values import Cause, Difference, Happening, Step

EXECUTION = frozenset({"price", "fee", "filled_at"})
Told = tuple[Cause, str]


def cause_of(
    live: Step | None,
    shadow: Step | None,
    fields: Sequence[str],
    happenings: Sequence[Happening],
    earlier: Sequence[Difference],
) -> Told:
    """Return the cause of one difference and what speaks for it; ``earlier`` are the differences before it."""
    return (
        _own_word(live)
        or _spell(live or shadow, happenings)
        or _execution(live, shadow, fields)
        or _change(live or shadow, happenings)
        or _consequence(earlier)
        or _refusal(live)
        or (Cause.UNEXPLAINED, "Nothing that is on record explains it: please look into it, or tell us of it.")
    )


def _own_word(live: Step | None) -> Told | None:
    if live is None or live.hint is None:
        return None
    return live.hint, live.hint_words


def _spell(step: Step | None, happenings: Sequence[Happening]) -> Told | None:
    """Return the latest spell in which the step lies."""
    if step is None:
        return None
    found = [each for each in happenings if each.covers(step.at)]
    return (found[-1].cause, found[-1].words) if found else None


def _execution(live: Step | None, shadow: Step | None, fields: Sequence[str]) -> Told | None:
    """The same order, executed otherwise: later, at another price, or at another fee."""
    if live is None or shadow is None or not set(fields) <= EXECUTION or not live.filled or not shadow.filled:
        return None
    if live.filled_at is not None and shadow.filled_at is not None and live.filled_at > shadow.filled_at:
        return Cause.ORDER_LATE, "The order was the same; live it was filled later than it could have been."
    if "price" in fields:
        return Cause.PRICE, "The order was the same; the market filled it at another price than the bars suggest."
    return Cause.FEES, "The order was the same; live it paid another fee than the account's settings say now."


def _change(step: Step | None, happenings: Sequence[Happening]) -> Told | None:
    """Return the nearest change before the step."""
    if step is None:
        return None
    found = [each for each in happenings if not each.is_spell and each.at <= step.at]
    nearest = max(found, key=lambda each: each.at, default=None)
    return None if nearest is None else (nearest.cause, nearest.words)


def _consequence(earlier: Sequence[Difference]) -> Told | None:
    """The two hold, or have, other amounts since an earlier difference."""
    roots = [each for each in earlier if each.cause is not Cause.FOLLOWS]
    if not roots:
        return None
    root = roots[-1]
    when = f"{root.at:%Y-%m-%d %H:%M} UTC"
    return Cause.FOLLOWS, f"It follows from the difference of {when} in {root.symbol}: the two were not alike since."


def _refusal(live: Step | None) -> Told | None:
    """A signal that live skipped, for a reason that the shadow did not have."""
    if live is None or live.quantity or not live.reason:
        return None
    return Cause.SIGNAL_SKIPPED, live.reason
