"""A user's own crises: made, changed, removed. What they do to an account is risk.portfolio_risk.stressed."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db import transaction

from core.fields import plain
from domain.errors import Conflict, FieldError, ValidationFailed
from domain.instruments import AssetClass
from marketdata.models import Instrument
from risk.models import StressScenario

MAX_SCENARIOS = 50
MAX_SHOCKS = 200
LEAST, MOST = Decimal(-100), Decimal(1000)


@transaction.atomic
def create_scenario(user: Any, values: Mapping[str, Any]) -> StressScenario:
    """Make a scenario. Raises ValidationFailed, Conflict for a taken name or too many."""
    if StressScenario.objects.for_user(user).count() >= MAX_SCENARIOS:
        raise Conflict(f"There may be at most {MAX_SCENARIOS} scenarios", code="too_many")
    row = StressScenario(user=user)
    _assign(row, values)
    row.save()
    return row


@transaction.atomic
def update_scenario(row: StressScenario, values: Mapping[str, Any]) -> StressScenario:
    """Change the named fields. Raises ValidationFailed, Conflict for a taken name."""
    _assign(row, values)
    row.save()
    return row


def delete_scenario(row: StressScenario) -> None:
    """Remove a scenario."""
    row.delete()


def _assign(row: StressScenario, values: Mapping[str, Any]) -> None:
    if "shocks" in values:
        row.shocks = {_word(word): plain(percent) for word, percent in values["shocks"].items()}
    row.name = str(values.get("name", row.name)).strip()
    row.default_percent = values.get("default_percent", row.default_percent)
    faults = _faults(row)
    if faults:
        raise ValidationFailed.of(tuple(faults))
    if StressScenario.objects.for_user(row.user_id).filter(name=row.name).exclude(pk=row.pk).exists():
        raise Conflict(f"You have a scenario named {row.name!r} already", field="name", code="name_taken")


def _word(word: str) -> str:
    """A symbol is written as the instrument table has it; sectors and asset classes as they are."""
    found = Instrument.objects.filter(symbol=word.upper()).exists()
    return word.upper() if found else word


def _faults(row: StressScenario) -> list[FieldError]:
    faults = [] if row.name else [FieldError("name", "blank", "The scenario needs a name")]
    if len(row.shocks) > MAX_SHOCKS:
        faults.append(FieldError("shocks", "too_many", f"{len(row.shocks)} shocks are more than {MAX_SHOCKS}"))
    moves = {"default_percent": row.default_percent, **{f"shocks.{k}": Decimal(v) for k, v in row.shocks.items()}}
    faults += [
        FieldError(field, "out_of_range", f"A move of {plain(percent)} % must lie between {LEAST} and {MOST}")
        for field, percent in moves.items()
        if not LEAST <= percent <= MOST
    ]
    known = {each.value for each in AssetClass} | set(Instrument.objects.values_list("sector", flat=True).distinct())
    symbols = set(Instrument.objects.filter(symbol__in=list(row.shocks)).values_list("symbol", flat=True))
    for word in row.shocks:
        if not word or word not in known | symbols:
            text = f"{word[:64]!r} is no symbol, sector or asset class"
            faults.append(FieldError(f"shocks.{word[:64]}", "unknown", text))
    return faults
