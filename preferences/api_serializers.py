"""Bodies and answers of the preferences API, made from the definitions."""

from typing import Any

from rest_framework import serializers

from core.api.fields import Boolean, EnumField, Identifier, Integer, Number, OneOf, Text, UtcDateTime
from core.api.serializers import StrictSerializer
from domain.notices import Channel, NotificationType, Priority
from preferences import subsystems
from preferences.contacts import MAX_ADDRESS, MAX_WEBHOOKS
from preferences.definitions import Category, Definition, Kind
from preferences.notices import MAX_THROTTLE_MINUTES, NotificationEntry
from preferences.registry import CLASSES, DEFINITIONS, Override, Preferences, offered

_WORDS = {category.value: category for category in Category} | {
    "risk": Category.RISK_MANAGEMENT,
    "market-data": Category.MARKET_DATA,
}


def category_named(word: str) -> Category | None:
    """Return the category that an address or a body names ("risk" and "market-data" included)."""
    return _WORDS.get(word)


def _field(definition: Definition) -> serializers.Field[Any, Any, Any, Any]:
    bounds = {"minimum": definition.minimum, "maximum": definition.maximum}
    words: dict[str, Any] = {"required": False, "help_text": definition.help or definition.label}
    if definition.kind is Kind.BOOLEAN:
        return Boolean(**words)
    if definition.kind is Kind.INTEGER:
        whole: dict[str, Any] = {word: int(bound) for word, bound in bounds.items() if bound is not None}
        return Integer(**whole, **words)
    if definition.kind is Kind.DECIMAL:
        return Number(**bounds, **words)
    if definition.kind is Kind.CHOICE:
        return OneOf(choices=definition.choices, **words)
    if definition.kind is Kind.CHOICES:
        child = OneOf(choices=definition.choices)
        return serializers.ListField(child=child, min_length=1, max_length=len(definition.choices), **words)
    return Text(max_length=32, **words)


def change_fields(*, may_expire: bool = True) -> dict[str, Any]:
    """Return the fields of every change: what is said about it, beside the values."""
    words = "Needed to loosen a safety limit by more than half, or past its ceiling (scope admin)."
    until = "The values hold until then and are gone by themselves."
    found: dict[str, Any] = {
        "confirm": Boolean(required=False, help_text=words),
        "reason": Text(max_length=500, required=False, help_text="Kept in the history."),
    }
    return {**found, "expires_at": UtcDateTime(required=False, help_text=until)} if may_expire else found


CHANGE_FIELDS = frozenset(change_fields())


class OverrideOutput(StrictSerializer):
    """A value that holds for a while."""

    field = Text(max_length=80)
    value = serializers.JSONField()
    expires_at = UtcDateTime()


class WarningOutput(StrictSerializer):
    """Something that a setting asks for and that is not there."""

    field = Text(max_length=64)
    message = serializers.CharField()


def _beside() -> dict[str, Any]:
    return {
        "overrides": OverrideOutput(many=True, required=False),
        "warnings": WarningOutput(many=True, required=False),
    }


def _class_of(category: Category, *, is_answer: bool) -> type[StrictSerializer]:
    fields: dict[str, Any] = {name: _field(definition) for name, definition in offered(category).items()}
    if is_answer:
        fields = {"version": Integer(minimum=0), **fields, **_beside()}
    else:
        fields |= change_fields()
    kind = "Output" if is_answer else "Input"
    name = "".join(part.title() for part in category.value.split("_"))
    doc = {"__doc__": f"Preferences of the category {category.value}; only what is named changes."}
    return type(f"{name}Preferences{kind}", (StrictSerializer,), {**fields, **doc})


INPUTS = {category: _class_of(category, is_answer=False) for category in CLASSES}
OUTPUTS = {category: _class_of(category, is_answer=True) for category in CLASSES}


class EntryOutput(StrictSerializer):
    """What holds for one notification type."""

    event_type = EnumField(NotificationType)
    enabled = Boolean()
    channels = serializers.ListField(child=EnumField(Channel))
    priority = EnumField(Priority, allow_null=True, help_text="null: as grave as the message itself says")
    throttle_minutes = Integer(minimum=0, maximum=MAX_THROTTLE_MINUTES)
    conditions = serializers.DictField()


class EntryInput(StrictSerializer):
    """One entry to add or change; checked in full by the service."""

    event_type = EnumField(NotificationType, any_case=True)
    enabled = Boolean(required=False)
    channels = serializers.ListField(
        child=EnumField(Channel, any_case=True), min_length=1, max_length=5, required=False
    )
    priority = EnumField(Priority, any_case=True, allow_null=True, required=False)
    throttle_minutes = Integer(minimum=0, maximum=MAX_THROTTLE_MINUTES, required=False)
    conditions = serializers.DictField(required=False)


class EntryName(StrictSerializer):
    """The entry to remove."""

    event_type = EnumField(NotificationType, any_case=True)


class QuietHoursFields(StrictSerializer):
    """A daily span of wall-clock time; over midnight where it ends earlier than it starts."""

    start = Text(max_length=5, help_text="22:00")
    end = Text(max_length=5, help_text="07:00")
    timezone = Text(max_length=64, help_text="America/New_York")


class DigestFields(StrictSerializer):
    """When what throttles held back is told: once a day at this time."""

    at = Text(max_length=5, help_text="18:00")
    timezone = Text(max_length=64, help_text="America/New_York")


class PushFields(StrictSerializer):
    """One browser that takes pushes, as its Push API names it."""

    endpoint = Text(max_length=MAX_ADDRESS)
    p256dh = Text(max_length=200)
    auth = Text(max_length=200)


class ContactFields(StrictSerializer):
    """Where a user can be reached beside the application and the account's e-mail address."""

    phone = Text(max_length=40, required=False, allow_blank=True, allow_null=True, help_text="E.164: +436601234567")
    webhooks = serializers.ListField(
        child=Text(max_length=MAX_ADDRESS), max_length=MAX_WEBHOOKS, required=False, help_text="https:// addresses"
    )
    push = PushFields(many=True, required=False)


class NotificationsInput(StrictSerializer):
    """Entries to remove, change and add, in this order, daily times and contact points (null: none)."""

    add = EntryInput(required=False)
    update = EntryInput(required=False)
    remove = EntryName(required=False)
    quiet_hours = QuietHoursFields(required=False, allow_null=True)
    digest = DigestFields(required=False, allow_null=True, help_text="null: at the end of each pause")
    contacts = ContactFields(required=False, allow_null=True, help_text="What is named is changed; null: none.")
    reason = Text(max_length=500, required=False, help_text="Kept in the history.")


class NotificationsOutput(StrictSerializer):
    """The user's own entries, the quiet hours, and what holds for every other type."""

    version = Integer(minimum=0)
    entries = EntryOutput(many=True)
    quiet_hours = QuietHoursFields(allow_null=True)
    digest = DigestFields(allow_null=True)
    contacts = ContactFields()
    defaults = EntryOutput(many=True)


class EverythingOutput(StrictSerializer):
    """All six categories."""

    user_id = Identifier()
    version = Integer(minimum=0)
    trading = serializers.DictField()
    risk_management = serializers.DictField()
    notifications = serializers.DictField()
    strategy = serializers.DictField()
    market_data = serializers.DictField()
    performance = serializers.DictField()


class CountsOutput(StrictSerializer):
    """How many notification entries the user made, and how many of them are switched on."""

    total_preferences = Integer()
    enabled_preferences = Integer()


class SummaryOutput(EverythingOutput):
    """The values that differ from the defaults, and counts."""

    notifications = CountsOutput()
    updated_at = UtcDateTime(allow_null=True)


class DefaultsOutput(StrictSerializer):
    """The defaults with what may be set instead."""

    defaults = serializers.DictField()
    fields = serializers.DictField()


class CategoryInput(StrictSerializer):
    """Which category (all without one)."""

    category = Text(max_length=32, required=False)
    confirm = Boolean(required=False)
    reason = Text(max_length=500, required=False)


class RollbackInput(StrictSerializer):
    """The version whose values come back."""

    version = Integer(minimum=0, maximum=2_000_000_000)
    confirm = Boolean(required=False)
    reason = Text(max_length=500, required=False)


class ExportOutput(StrictSerializer):
    """All lasting values, as they can be imported again."""

    format = Integer()
    definitions_version = Integer()
    values = serializers.DictField()


class PreferencesImport(ExportOutput):
    """What an export gave."""

    confirm = Boolean(required=False)
    reason = Text(max_length=500, required=False)


class SuggestionOutput(StrictSerializer):
    """A value that the user's own history speaks for; it is never applied by itself."""

    id = Identifier()
    category = Text(max_length=32)
    field = Text(max_length=64)
    strategy = Identifier(source="strategy_id", allow_null=True)
    title = serializers.CharField()
    present = serializers.JSONField()
    value = serializers.JSONField()
    evidence = serializers.DictField()
    state = Text(max_length=10)
    created_at = UtcDateTime()
    decided_at = UtcDateTime(allow_null=True)
    decided_version = Integer(allow_null=True)


class SuggestionsOutput(StrictSerializer):
    """A page of suggestions."""

    results = SuggestionOutput(many=True)
    next = serializers.CharField(allow_null=True)


class SuggestionsQuery(StrictSerializer):
    """Which suggestions."""

    state = OneOf(choices=["open", "accepted", "dismissed", "withdrawn"], required=False)


class ConfirmInput(StrictSerializer):
    """A word for what is critical."""

    confirm = Boolean(required=False)


class PreviewInput(StrictSerializer):
    """A change to look at without making it."""

    category = Text(max_length=32)
    values = serializers.DictField()


class PreviewOutput(StrictSerializer):
    """What the change would alter."""

    version = Integer()
    category = Text(max_length=32)
    changed = serializers.DictField()
    critical = serializers.ListField(child=serializers.DictField(), help_text="Limits that it loosens critically.")
    warnings = WarningOutput(many=True)
    impact = serializers.DictField(help_text="What it would do, by subsystem.")


class AcknowledgementOutput(StrictSerializer):
    """What a subsystem said of a change before it came in force."""

    subsystem = Text(max_length=32)
    message = serializers.CharField()


class HistoryOutput(StrictSerializer):
    """One version: what it changed, who made it, from where."""

    version = Integer()
    category = Text(max_length=32)
    changed = serializers.DictField()
    restored_version = Integer(allow_null=True)
    critical = Boolean(source="is_critical")
    overrides = serializers.DictField()
    acknowledgements = AcknowledgementOutput(many=True)
    author = serializers.CharField(source="author.username", default=None, allow_null=True)
    ip = serializers.CharField(allow_null=True)
    user_agent = serializers.CharField()
    reason = serializers.CharField()
    created_at = UtcDateTime()


def entry_values(entry: NotificationEntry) -> dict[str, Any]:
    """Return an entry as plain values."""
    return {
        "event_type": entry.event_type,
        "enabled": entry.enabled,
        "channels": list(entry.channels),
        "priority": entry.priority,
        "throttle_minutes": entry.throttle_minutes,
        "conditions": entry.conditions,
    }


def category_values(preferences: Preferences, category: Category) -> dict[str, Any]:
    """Return the offered values of a category in the API's types, with what holds for a while and what lacks."""
    if category is Category.NOTIFICATIONS:
        return notification_values(preferences)
    part = getattr(preferences, category.value)
    values = {"version": preferences.version, **{name: getattr(part, name) for name in offered(category)}}
    laid = [_override(each) for each in preferences.overrides if each.category is category]
    lacking = [w for w in subsystems.warnings(preferences) if w.field in DEFINITIONS[category]]
    beside: dict[str, Any] = {"overrides": laid} if laid else {}
    if lacking:
        beside["warnings"] = [{"field": each.field, "message": each.message} for each in lacking]
    written: dict[str, Any] = dict(OUTPUTS[category](values | beside).data)
    return written


def _override(each: Override) -> dict[str, Any]:
    value = DEFINITIONS[each.category][each.field].stored(each.value)
    return {"field": each.field, "value": value, "expires_at": each.expires_at}


def notification_values(preferences: Preferences) -> dict[str, Any]:
    """Return the user's entries, the quiet hours and the defaults of every other type."""
    chosen = preferences.notifications
    body = {
        "version": preferences.version,
        "entries": [entry_values(chosen.entries[kind]) for kind in NotificationType if kind in chosen.entries],
        "quiet_hours": chosen.quiet_hours.stored() if chosen.quiet_hours else None,
        "digest": chosen.digest.stored() if chosen.digest else None,
        "contacts": chosen.contacts.stored(),
        "defaults": [entry_values(chosen.entry(kind)) for kind in NotificationType if kind not in chosen.entries],
    }
    return dict(NotificationsOutput(body).data)


def all_values(preferences: Preferences, user_id: Any) -> dict[str, Any]:
    """Return all six categories."""
    body: dict[str, Any] = {"user_id": str(user_id), "version": preferences.version}
    for category in Category:
        values = category_values(preferences, category)
        body[category.value] = {name: value for name, value in values.items() if name not in _OUTSIDE}
    return body


_OUTSIDE = frozenset({"version", "overrides", "warnings"})
