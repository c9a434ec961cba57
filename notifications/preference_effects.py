"""What notifications make of preferences: who is told what, asked anew for every message."""

from notifications.impact import impact_of
from notifications.models import Delivery, DeliveryState
from notifications.wishes import wishes_from
from preferences.definitions import Category
from preferences.subsystems import Step, Subsystem


def _acknowledge(step: Step) -> str:
    n_entries = len(wishes_from(step.after).entries)
    held = Delivery.objects.for_user(step.user_id).filter(state=DeliveryState.HELD).count()
    asked = f"; {held} held messages are asked again" if held else ""
    return f"{n_entries} types are routed by it from the next message on{asked}."


NOTIFICATIONS = Subsystem(
    categories=frozenset({Category.NOTIFICATIONS, Category.PERFORMANCE}),
    acknowledge=_acknowledge,
    impact=impact_of,
)
