"""Writing down splits and dividends, from which moment on every reader sees prices on today's scale."""

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation

from django.db import IntegrityError, transaction

from domain.errors import Conflict, FieldError, PlatformError, ValidationFailed
from marketdata import selectors
from marketdata.models import ActionKind, CorporateAction, Instrument, PriceMark, Subscription, SubscriptionKind

MAX_RATIO, MIN_RATIO = Decimal(1_000), Decimal("0.001")
MAX_DIVIDEND = Decimal(1_000_000)
MAX_ROWS = 10_000
_EARLIEST = date(1900, 1, 1)
_COLUMNS = ("symbol", "date", "kind", "value")
_TRADING = (SubscriptionKind.STRATEGY, SubscriptionKind.ORDER, SubscriptionKind.POSITION)


@transaction.atomic
def record_action(row: Instrument, *, kind: ActionKind, ex_date: date, value: Decimal) -> CorporateAction:
    """Write down a split or a dividend. Raises ValidationFailed; Conflict: it is known, or a split's shares are traded.

    A split changes the scale of every price before it: nobody may hold a position, an order or a running strategy in
    the instrument meanwhile, for those were made on the other scale.
    """
    _check(kind, ex_date, value)
    row = Instrument.objects.select_for_update(no_key=True).get(pk=row.pk)
    if kind is ActionKind.SPLIT:
        _rescale(row)
    try:
        with transaction.atomic():
            made = CorporateAction.objects.create(instrument=row, kind=kind, ex_date=ex_date, value=value)
    except IntegrityError:
        text = f"A {kind} of {row.symbol} on {ex_date} is known already"
        raise Conflict(text, field="date", code="known") from None
    _note_splits(row)
    return made


@transaction.atomic
def remove_action(action: CorporateAction) -> None:
    """Forget a split or a dividend. Raises Conflict where the instrument of a split is traded."""
    row = Instrument.objects.select_for_update(no_key=True).get(pk=action.instrument_id)
    if action.kind == ActionKind.SPLIT:
        _rescale(row)
    action.delete()
    _note_splits(row)


def _check(kind: ActionKind, ex_date: date, value: Decimal) -> None:
    found = []
    if ex_date < _EARLIEST:
        found.append(FieldError("date", "out_of_range", f"{ex_date} lies before {_EARLIEST}"))
    is_split = kind is ActionKind.SPLIT
    low, high = (MIN_RATIO, MAX_RATIO) if is_split else (Decimal(0), MAX_DIVIDEND)
    if not value.is_finite() or not low <= value <= high or value == (1 if is_split else 0):
        bound = f"between {MIN_RATIO} and {MAX_RATIO} and not 1" if is_split else f"above 0 and at most {MAX_DIVIDEND}"
        found.append(FieldError("value", "out_of_range", f"The value of a {kind} must lie {bound}; {value} does not"))
    if found:
        raise ValidationFailed.of(tuple(found))


def _rescale(row: Instrument) -> None:
    user = Subscription.objects.filter(instrument=row, owner_kind__in=_TRADING).order_by("created_at").first()
    if user is not None:
        what = user.owner_label or f"a {user.owner_kind}"
        text = f"{row.symbol} is being traded by {what}: stop it and close what is open first, on the prices of now"
        raise Conflict(text, field="symbol", code="in_use")
    PriceMark.objects.filter(pk=row.pk).delete()  # it is on the other scale


def _note_splits(row: Instrument) -> None:
    row.has_splits = selectors.corporate_actions(row).filter(kind=ActionKind.SPLIT).exists()
    row.save(update_fields=["has_splits", "updated_at"])


def import_actions(text: str) -> Iterator[tuple[int, str, str]]:
    """Write down the rows of a CSV text with the columns symbol, date, kind and value.

    Returns (line, "stored" / "known" / "rejected", why) of each, good rows stored whatever the others are. Raises
    ValidationFailed for another header or too many rows.
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    header = next(csv.reader(io.StringIO(text)), [])
    if tuple(name.strip() for name in header) != _COLUMNS:
        raise ValidationFailed(
            f"The columns must be {', '.join(_COLUMNS)}, not {', '.join(header)[:100]}", field="file"
        )
    if len(rows) > MAX_ROWS:
        raise ValidationFailed(f"{len(rows):,} rows are more than {MAX_ROWS:,}", field="file")
    return (_imported(line, given) for line, given in enumerate(rows, 2))


def _imported(line: int, given: dict[str, str]) -> tuple[int, str, str]:
    try:
        symbol, day, kind, value = (given[name].strip() for name in _COLUMNS)
        row = selectors.instrument(symbol)
        record_action(row, kind=ActionKind(kind), ex_date=date.fromisoformat(day), value=Decimal(value))
    except Conflict as error:
        return line, "known" if error.code == "known" else "rejected", error.message
    except PlatformError as error:
        return line, "rejected", error.message
    except (ValueError, InvalidOperation, AttributeError, TypeError):
        return line, "rejected", f"not a symbol, a day, a kind (split, dividend) and a number: {list(given.values())}"
    return line, "stored", ""
