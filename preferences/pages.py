"""What preference pages show: tabs, one form for each, and changes in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django import forms

from domain.notices import Channel, NotificationType, Priority
from preferences.contacts import CONTACTS
from preferences.definitions import Category
from preferences.entry_forms import CHANNEL_WORDS, conditions_in_words
from preferences.forms import choice_words
from preferences.notices import (
    DIGEST,
    MAX_THROTTLE_MINUTES,
    QUIET,
    NotificationEntry,
    unpacked,
)
from preferences.registry import DEFINITIONS, Preferences, offered

TITLES = {
    Category.TRADING: "Trading",
    Category.RISK_MANAGEMENT: "Risk limits",
    Category.NOTIFICATIONS: "Notifications",
    Category.STRATEGY: "Strategies",
    Category.MARKET_DATA: "Market data",
    Category.PERFORMANCE: "Performance",
}
LEADS = {
    Category.TRADING: "What happens to a signal before it becomes an order.",
    Category.RISK_MANAGEMENT: "Limits of every order, beside your risk rules; the strictest wins.",
    Category.NOTIFICATIONS: "What you are told, how urgent it is, and how often.",
    Category.STRATEGY: "How many strategies may run, and what becomes of those that do badly.",
    Category.MARKET_DATA: "What data is fetched, from where and how often.",
    Category.PERFORMANCE: "What is measured, and when you hear of it.",
}
CHOICES = frozenset(choice for known in DEFINITIONS.values() for each in known.values() for choice in each.choices)
FIELD_WORDS = {
    "enabled": "told",
    "priority": "priority",
    "throttle_minutes": "at most once in (minutes)",
    "channels": "channels",
    "conditions": "conditions",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One changed value in plain words, and what it acts on."""

    label: str
    old: str
    new: str
    effect: str


def tabs() -> list[tuple[Category, str]]:
    """Return the categories that have something to set."""
    return [(c, title) for c, title in TITLES.items() if c is Category.NOTIFICATIONS or offered(c)]


def tab_named(text: str) -> Category:
    """Return the category of a tab; an unknown one is the first."""
    known = [category for category, _ in tabs()]
    return Category(text) if text in known else known[0]


def changes_in_words(changed: Mapping[str, Mapping[str, Any]]) -> list[Change]:
    """Return `category.field: {old, new}` as people read it; values that nothing obeys yet are left out."""
    found: list[Change] = []
    for path, values in changed.items():
        category, _, name = path.partition(".")
        if category == Category.NOTIFICATIONS:
            found += _entry_changes(name, values["old"], values["new"])
            continue
        definition = DEFINITIONS[Category(category)].get(name)
        if definition is None or not definition.obeyed:
            continue
        old, new = (_words(values[key], definition.unit) for key in ("old", "new"))
        found.append(Change(definition.label, old, new, f"{definition.help} Acts in: {definition.effect}.".strip()))
    return found


def _entry_changes(kind: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> list[Change]:
    if kind == QUIET:
        return [Change("Quiet hours", quiet_words(old), quiet_words(new), "")]
    if kind == DIGEST:
        return [Change("Digest", digest_words(old), digest_words(new), "")]
    if kind == CONTACTS:
        return _contact_changes(old or {}, new or {})
    default = NotificationEntry(event_type=NotificationType(kind)).stored()
    before, after = old or default, new or default
    return [
        Change(
            f"{type_words(kind)}: {FIELD_WORDS.get(name, name)}",
            _entry_words(name, before[name]),
            _entry_words(name, after[name]),
            "",
        )
        for name in after
        if before[name] != after[name]
    ]


def _contact_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Change]:
    """Say each contact point that differs; browsers by their number, for their addresses say nothing to people."""
    said = {
        "Phone": [each.get("phone") or "none" for each in (old, new)],
        "Webhooks": [", ".join(each.get("webhooks", [])) or "none" for each in (old, new)],
        "Browsers that take pushes": [str(len(each.get("push", []))) for each in (old, new)],
    }
    return [Change(label, before, after, "") for label, (before, after) in said.items() if before != after]


def _entry_words(name: str, value: Any) -> str:
    if name == "conditions":
        return conditions_in_words(unpacked(value))
    if name == "channels":
        return ", ".join(CHANNEL_WORDS[Channel(each)].lower() for each in value)
    if name == "priority" and value:
        return str(value).lower()
    return _words(value, "")


def quiet_words(quiet: Mapping[str, Any] | None) -> str:
    """Return quiet hours for people."""
    return "none" if quiet is None else f"{quiet['start']} to {quiet['end']} ({quiet['timezone']})"


def digest_words(digest: Mapping[str, Any] | None) -> str:
    """Return the time of digests for people."""
    return "at the end of each pause" if digest is None else f"daily at {digest['at']} ({digest['timezone']})"


def type_words(kind: str) -> str:
    """Return a notification type for people: `ORDER_FILLED` becomes `Order filled`."""
    return kind.replace("_", " ").capitalize()


def _words(value: Any, unit: str) -> str:
    if value is None:
        return "as the message says"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list | tuple):
        return ", ".join(choice_words(str(each)) for each in value) or "none"
    text = choice_words(value) if isinstance(value, str) and value in CHOICES else str(value)
    return f"{text} {unit}".strip() if unit else text


def overrides_in_words(preferences: Preferences, category: Category) -> list[dict[str, Any]]:
    """Return what holds for a while in a category, as people read it."""
    known = DEFINITIONS.get(category, {})
    return [
        {
            "field": each.field,
            "label": known[each.field].label,
            "value": _words(each.value, known[each.field].unit),
            "expires_at": each.expires_at,
        }
        for each in preferences.overrides
        if each.category is category
    ]


class RowForm(forms.Form):
    """One row of the matrix: what a user wants of one notification type, in the application."""

    enabled = forms.BooleanField(required=False)
    priority = forms.ChoiceField(
        required=False, choices=[("", "As the message says"), *((p.value, p.value.capitalize()) for p in Priority)]
    )
    throttle_minutes = forms.IntegerField(min_value=0, max_value=MAX_THROTTLE_MINUTES)

    def __init__(self, entry: NotificationEntry, data: Any = None) -> None:
        kind = entry.event_type
        before = {
            "enabled": entry.enabled,
            "priority": entry.priority.value if entry.priority else "",
            "throttle_minutes": entry.throttle_minutes,
        }
        super().__init__(data, prefix=kind.value, initial=before)
        self.kind, self.title, self.before = kind, type_words(kind.value), before
        self.channels = ", ".join(CHANNEL_WORDS[channel].lower() for channel in entry.channels)
        self.conditions = conditions_in_words(entry.conditions)
        self.is_fixed = kind is NotificationType.SECURITY_ALERT
        if self.is_fixed:
            for name in ("enabled", "throttle_minutes"):
                self.fields[name].disabled = True
        for name, words in (("enabled", "Tell me"), ("priority", "Priority"), ("throttle_minutes", "Pause in minutes")):
            look = {"enabled": "form-check-input", "priority": "form-select"}.get(name, "form-control")
            self.fields[name].widget.attrs |= {"aria-label": f"{words}: {self.title}", "class": look}

    @property
    def update(self) -> dict[str, Any]:
        """The fields that differ from before, as preferences.services.change takes them."""
        given = self.cleaned_data
        changed = {name: given[name] for name in self.before if given[name] != self.before[name]}
        if "priority" in changed:
            changed["priority"] = changed["priority"] or None
        return changed


class AboutChangeForm(forms.Form):
    """What is said about a change beside its values: for how long, and the word and password for what is critical."""

    HOURS = (
        ("", "From now on"),
        ("1", "For an hour"),
        ("8", "For 8 hours"),
        ("24", "For a day"),
        ("168", "For a week"),
    )

    hours = forms.ChoiceField(required=False, choices=HOURS, label="How long it holds")
    confirm = forms.BooleanField(required=False, label="Yes, loosen this safety limit")
    password = forms.CharField(
        required=False, max_length=128, strip=False, label="Your password", widget=forms.PasswordInput
    )

    def expires_at(self, now: datetime) -> datetime | None:
        """Return when the change ends by itself; None where it lasts."""
        hours = self.cleaned_data["hours"]
        return now + timedelta(hours=int(hours)) if hours else None


def offered_names(category: Category) -> frozenset[str]:
    """Return the names of a category's fields (none for notifications, which has entries)."""
    return frozenset() if category is Category.NOTIFICATIONS else frozenset(offered(category))


def impact_in_words(found: Mapping[str, Any]) -> list[str]:
    """Return what a change would do, one sentence for each thing that is touched."""
    said = [each["message"] for each in (*found["critical"], *found["warnings"])]
    orders = found["subsystems"].get("order_executor")
    if orders:
        last = orders["last_orders"]
        said.append(f"Of your last {last['asked']} orders it would have refused {last['refused']}.")
        n = len(orders["working_orders"])
        said.append(f"{n} working {'order breaks' if n == 1 else 'orders break'} it; none is canceled by it.")
        said += [f"What you hold breaks it: {each['message']}." for each in orders["positions"]]
    data = found["subsystems"].get("market_data")
    if data and (closed := len(data["subscriptions_closed"])):
        said.append(f"{closed} open pages get no live bars any more.")
    told = found["subsystems"].get("notifications")
    if told:
        said.append(f"Of {told['facts']} events of the last week, {told['changed']} would have been told differently.")
    return said


def entry_forms(preferences: Preferences, data: Any = None) -> list[RowForm]:
    """Return the matrix: one form for each type."""
    return [RowForm(preferences.notifications.entry(kind), data) for kind in NotificationType]
