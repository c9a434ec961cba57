"""Suggestions: kept with their evidence, accepted or dismissed by their user, never applied by themselves.

Who finds them stands on a higher floor (trading.services.suggestions).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from domain.errors import IllegalState
from preferences import selectors, services
from preferences.definitions import Category
from preferences.models import Suggestion, SuggestionState
from preferences.registry import Preferences


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a user's history speaks for: another value of a preference, or other parameters of a strategy."""

    key: str
    category: str
    field: str
    present: Any
    value: Any
    title: str
    evidence: dict[str, Any]
    strategy_id: UUID | None = None


@transaction.atomic
def propose(user_id: UUID, finding: Finding) -> Suggestion | None:
    """Keep a finding as an open suggestion (again: with its newest evidence); None where the user dismissed it."""
    rows = Suggestion.objects.for_user(user_id).filter(key=finding.key)
    if rows.filter(state=SuggestionState.DISMISSED, value=finding.value).exists():
        return None
    values = {
        "category": finding.category,
        "field": finding.field,
        "strategy_id": finding.strategy_id,
        "present": finding.present,
        "value": finding.value,
        "title": finding.title[:200],
        "evidence": finding.evidence,
    }
    found, _ = Suggestion.objects.update_or_create(
        user_id=user_id, key=finding.key, state=SuggestionState.OPEN, defaults=values
    )
    return found


def withdraw(user_id: UUID, *, but: frozenset[str] = frozenset(), at: datetime) -> int:
    """Take back open suggestions for which the history does not speak any more (all but these keys)."""
    rows = Suggestion.objects.for_user(user_id).filter(state=SuggestionState.OPEN, strategy_id=None)
    return rows.exclude(key__in=but).update(state=SuggestionState.WITHDRAWN, decided_at=at)


@transaction.atomic
def accept(row: Suggestion, *, at: datetime, **options: Any) -> Preferences:
    """Put a suggested value in force, through the one door of every change. Raises IllegalState, and as ``change``."""
    row = _open(row)
    if row.strategy_id is not None:
        raise IllegalState("Parameters of a strategy are changed on the strategy", code="not_a_preference")
    after = services.change(row.user, Category(row.category), {row.field: row.value}, **options)
    _decide(row, SuggestionState.ACCEPTED, at, version=after.version)
    return after


@transaction.atomic
def dismiss(row: Suggestion, *, at: datetime) -> Suggestion:
    """Put a suggestion away; the same value is not suggested again. Raises IllegalState."""
    return _decide(_open(row), SuggestionState.DISMISSED, at)


def _open(row: Suggestion) -> Suggestion:
    found = Suggestion.objects.select_for_update().get(pk=row.pk)
    if found.state != SuggestionState.OPEN:
        raise IllegalState(f"This suggestion is {found.state} already", code="not_open")
    selectors.current(found.user_id)  # raises where the preferences can not be read
    return found


def _decide(row: Suggestion, state: SuggestionState, at: datetime, *, version: int | None = None) -> Suggestion:
    row.state, row.decided_at, row.decided_version = state, at, version
    row.save(update_fields=["state", "decided_at", "decided_version", "updated_at"])
    return row
