"""The systems that live by preferences: each is asked before a change comes in force, and says what it makes of it.

Which there are stands in ``tradeplatform.wiring.PREFERENCE_SUBSYSTEMS`` (name → dotted path of a ``Subsystem``), so
that apps above this one are never imported here.
"""

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from domain.errors import Conflict, PlatformError
from preferences.definitions import Category
from preferences.registry import Preferences

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A change of one user's preferences; ``before`` is None where the old ones can not be read."""

    user_id: UUID
    before: Preferences | None
    after: Preferences


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a setting asks for and that is not there; it is accepted all the same."""

    field: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subsystem:
    """One system that obeys preferences of some categories.

    ``acknowledge`` runs inside the change's transaction and says in words what holds from now on; if it raises,
    nothing is changed anywhere. ``impact`` says what a step would do, without doing anything.
    """

    categories: frozenset[Category]
    acknowledge: Callable[[Step], str]
    impact: Callable[[Step], dict[str, Any]] | None = None
    warnings: Callable[[Preferences], Sequence[Warned]] | None = None


class ChangeNotApplied(Conflict):
    """A system could not take the change; nothing was changed."""

    code = "not_applied"
    title = "The change was not applied"

    def __init__(self, subsystem: str, reason: str) -> None:
        super().__init__(
            f"The {subsystem.replace('_', ' ')} could not take the change ({reason}); nothing was changed."
        )
        self.subsystem = subsystem


@functools.cache
def subsystems() -> dict[str, Subsystem]:
    """Return every subsystem by its name, in the order in which they are asked."""
    table: dict[str, str] = import_string(f"{settings.EVENT_WIRING}.PREFERENCE_SUBSYSTEMS")
    return {name: import_string(path) for name, path in table.items()}


def changed_categories(step: Step) -> frozenset[Category]:
    """Return the categories in which a step changes something (all of them when the old ones can not be read)."""
    if step.before is None:
        return frozenset(Category)
    return frozenset(c for c in Category if getattr(step.before, c.value) != getattr(step.after, c.value))


def acknowledged(step: Step) -> list[dict[str, str]]:
    """Ask every subsystem that a step concerns; raises ValidationFailed or ChangeNotApplied where one refuses."""
    return [{"subsystem": name, "message": _acknowledge(name, each, step)} for name, each in _concerned(step).items()]


def _concerned(step: Step) -> dict[str, Subsystem]:
    changed = changed_categories(step)
    return {name: each for name, each in subsystems().items() if each.categories & changed}


def _acknowledge(name: str, subsystem: Subsystem, step: Step) -> str:
    try:
        return subsystem.acknowledge(step)
    except PlatformError:
        raise
    except Exception as error:
        logger.exception("the subsystem %s could not take preferences of %s", name, step.user_id)
        raise ChangeNotApplied(name, type(error).__name__) from error


def impacts(step: Step) -> dict[str, Any]:
    """Return what a step would do in every subsystem that it concerns, by the subsystem's name."""
    asked = {name: each.impact for name, each in _concerned(step).items()}
    return {name: impact(step) for name, impact in asked.items() if impact is not None}


def warnings(preferences: Preferences) -> list[Warned]:
    """Return what the preferences ask for and nothing can give."""
    return [warned for each in subsystems().values() if each.warnings for warned in each.warnings(preferences)]
