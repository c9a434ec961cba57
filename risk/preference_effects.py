"""What the risk engine makes of preferences: its limits, read anew in the transaction of every order."""

from preferences.definitions import Category
from preferences.registry import Preferences
from preferences.subsystems import Step, Subsystem
from risk.from_preferences import rules_from


def _acknowledge(step: Step) -> str:
    before = {} if step.before is None else _limits(step.before)
    changed = [key for key, limit in _limits(step.after).items() if before.get(key) != limit]
    gone = set(before) - set(_limits(step.after))
    n = len(changed) + len(gone)
    return f"{n} {'limit' if n == 1 else 'limits'} changed; they hold from the next decision on."


def _limits(preferences: Preferences) -> dict[str, object]:
    return {rule.key: rule.limit for rule in rules_from(preferences)}


RISK_ENGINE = Subsystem(categories=frozenset({Category.RISK_MANAGEMENT, Category.TRADING}), acknowledge=_acknowledge)
