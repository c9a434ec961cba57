"""One notification entry as a form: whether, how, how often, and when; conditions as lines instead of JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms

from domain.notices import Channel, NotificationType, Priority
from preferences.conditions import FIELDS
from preferences.notices import MAX_THROTTLE_MINUTES, NotificationEntry, clean_entry

TESTS = {"min": "is at least", "max": "is at most", "equals": "is", "in": "is one of", "not_in": "is none of"}
CHANNEL_WORDS = {
    Channel.IN_APP: "In the application",
    Channel.EMAIL: "E-mail",
    Channel.SMS: "Text message",
    Channel.PUSH: "Push",
    Channel.WEBHOOK: "Webhook",
}
N_SPARE = 2
MAX_LINES = 20


@dataclass(frozen=True, slots=True)
class Line:
    """One condition: a field, a test and what it is compared with, as text."""

    field: str
    test: str
    value: str


def lines_of(tree: Mapping[str, Any]) -> tuple[str, list[Line]] | None:
    """Return how lines are joined ("all", "any") and the lines; None for a tree that lines can not say."""
    if not tree:
        return "all", []
    if set(tree) <= {"all", "any"} and len(tree) == 1:
        ((word, nodes),) = tree.items()
        parts = [list(_flat(node)) for node in nodes]
        if any(len(part) != 1 or part[0] is None for part in parts):
            return None
        return word, [part[0] for part in parts if part[0] is not None]
    found = list(_flat(tree))
    return None if None in found else ("all", [each for each in found if each is not None])


def _flat(node: Mapping[str, Any]) -> Iterator[Line | None]:
    for field, tests in node.items():
        if field in ("all", "any", "not"):
            yield None
            continue
        for test, value in tests.items():
            yield Line(field, test, ", ".join(value) if isinstance(value, list | tuple) else str(value))


def tree_of(match: str, lines: list[Line], kind: NotificationType) -> dict[str, Any]:
    """Return the conditions that lines say; numbers as Decimal. Raises ValueError naming what is no number."""
    nodes = [(line.field, line.test, _operand(line, kind)) for line in lines]
    if match == "any" and len(nodes) > 1:
        return {"any": [{field: {test: value}} for field, test, value in nodes]}
    tree: dict[str, Any] = {}
    for field, test, value in nodes:
        if test in tree.get(field, {}):
            return {"all": [{field: {test: value}} for field, test, value in nodes]}
        tree.setdefault(field, {})[test] = value
    return tree


def _operand(line: Line, kind: NotificationType) -> Any:
    if FIELDS[kind].get(line.field) is Decimal:
        try:
            return Decimal(line.value.replace(",", "").strip())
        except InvalidOperation as error:
            raise ValueError(f"{field_words(line.field)}: “{line.value[:40]}” is not a number.") from error
    if line.test in ("in", "not_in"):
        return [word.strip() for word in line.value.split(",") if word.strip()]
    return line.value.strip()


def field_words(name: str) -> str:
    """Return a condition's field for people: `loss_amount` becomes `Loss amount`."""
    return name.replace("_", " ").capitalize()


def conditions_in_words(tree: Mapping[str, Any]) -> str:
    """Return conditions as a sentence; "always" where there are none."""
    found = lines_of(tree)
    if found is None:
        return "a nested condition"
    match, lines = found
    words = [f"{field_words(line.field).lower()} {TESTS[line.test]} {line.value}" for line in lines]
    return (" and " if match == "all" else " or ").join(words) or "always"


class EntryForm(forms.Form):
    """What a user wants of one type; ``update`` is what ``preferences.services.change`` takes."""

    enabled = forms.BooleanField(required=False, label="Tell me")
    channels = forms.MultipleChoiceField(
        choices=[(channel.value, words) for channel, words in CHANNEL_WORDS.items()],
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text="What this server can not send by a channel is shown in the application, and says so.",
    )
    priority = forms.ChoiceField(
        required=False,
        choices=[("", "As the message says"), *((p.value, p.value.capitalize()) for p in Priority)],
        help_text="Critical passes quiet hours and pauses.",
    )
    throttle_minutes = forms.IntegerField(
        min_value=0,
        max_value=MAX_THROTTLE_MINUTES,
        label="At most once in",
        help_text="About the same subject; 0 tells of each. What is held back comes as one digest afterwards.",
    )
    match = forms.ChoiceField(choices=[("all", "All of these hold"), ("any", "Any of these holds")], label="Only when")

    def __init__(self, entry: NotificationEntry, data: Any = None) -> None:
        self.entry, self.kind = entry, entry.event_type
        self.is_fixed = self.kind is NotificationType.SECURITY_ALERT
        found = lines_of(entry.conditions)
        self.is_nested = found is None
        match, self.known_lines = found or ("all", [])
        super().__init__(
            data,
            initial={
                "enabled": entry.enabled,
                "channels": [channel.value for channel in entry.channels],
                "priority": entry.priority.value if entry.priority else "",
                "throttle_minutes": entry.throttle_minutes,
                "match": match,
            },
        )
        self.n_lines = min(MAX_LINES, len(self.known_lines) + N_SPARE)
        for index in range(self.n_lines if FIELDS[self.kind] else 0):
            self._add_line(index)

    def _add_line(self, index: int) -> None:
        line = self.known_lines[index] if index < len(self.known_lines) else Line("", "min", "")
        fields = [("", "–"), *((name, field_words(name)) for name in FIELDS[self.kind])]
        self.fields[f"field_{index}"] = forms.ChoiceField(choices=fields, required=False, initial=line.field)
        self.fields[f"test_{index}"] = forms.ChoiceField(choices=list(TESTS.items()), required=False, initial=line.test)
        self.fields[f"value_{index}"] = forms.CharField(max_length=2000, required=False, initial=line.value)
        for name, words in (("field", "What"), ("test", "How"), ("value", "Compared with")):
            look = "form-control" if name == "value" else "form-select"
            widget = self.fields[f"{name}_{index}"].widget
            widget.attrs |= {"class": look, "aria-label": f"{words}, condition {index + 1}"}

    @property
    def lines(self) -> list[tuple[forms.BoundField, ...]]:
        """The bound fields of each line."""
        if "field_0" not in self.fields:
            return []
        return [tuple(self[f"{name}_{i}"] for name in ("field", "test", "value")) for i in range(self.n_lines)]

    def clean(self) -> dict[str, Any]:
        """Check the whole entry as the API does; faults stand at their fields."""
        given: dict[str, Any] = super().clean() or {}
        self.update: dict[str, Any] = {}
        if self.errors:
            return given
        wanted = {name: given[name] for name in ("enabled", "channels", "throttle_minutes")}
        wanted["priority"] = given["priority"] or None
        wanted["conditions"] = self._conditions(given)
        after, faults = clean_entry(self.entry, wanted)
        for fault in faults:
            name = fault.field.partition(".")[0]
            self.add_error(name if name in self.fields else None, f"{fault.field}: {fault.message}")
        stored, before = after.stored(), self.entry.stored()
        self.update = {name: wanted[name] for name in wanted if stored[name] != before[name]}
        return given

    def _conditions(self, given: Mapping[str, Any]) -> Any:
        names = ("field", "test", "value")
        rows = [Line(*(given.get(f"{name}_{i}") or "" for name in names)) for i in range(self.n_lines)]
        said = [line for line in rows if line.field]
        if self.is_nested and not said:
            return self.entry.conditions  # lines can not say it; it stays until lines replace it
        try:
            return tree_of(given["match"], said, self.kind)
        except ValueError as error:
            self.add_error(None, str(error))
            return {}
