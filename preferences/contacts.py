"""Contact points (pure): where a user can be reached beside the application and the account's e-mail address."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from domain.errors import FieldError

CONTACTS = "contacts"
MAX_WEBHOOKS = 5
MAX_PUSH = 10
MAX_ADDRESS = 500
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)  # ITU-T E.164: at most 15 digits, country code first
_SPACING = re.compile(r"[\s().\-/]")
_KEY = re.compile(r"[A-Za-z0-9_\-]{16,200}=*", re.ASCII)
_FIELDS = ("phone", "webhooks", "push")


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """One browser that may be pushed to: its push service's address and the two keys that the browser made."""

    endpoint: str
    p256dh: str
    auth: str

    def stored(self) -> dict[str, str]:
        """Return it as plain JSON."""
        return {"endpoint": self.endpoint, "p256dh": self.p256dh, "auth": self.auth}


@dataclass(frozen=True, slots=True, kw_only=True)
class Contacts:
    """Phone number (E.164; empty: none), addresses that take webhooks, browsers that take pushes."""

    phone: str = ""
    webhooks: tuple[str, ...] = ()
    push: tuple[PushSubscription, ...] = ()

    def stored(self) -> dict[str, Any]:
        """Return them as plain JSON."""
        return {
            "phone": self.phone,
            "webhooks": list(self.webhooks),
            "push": [each.stored() for each in self.push],
        }


NO_CONTACTS = Contacts()


def clean_contacts(values: Any, before: Contacts = NO_CONTACTS) -> tuple[Contacts, list[FieldError]]:
    """Return contact points with the named ones changed (None takes all away), and every fault."""
    if values is None:
        return NO_CONTACTS, []
    if not isinstance(values, Mapping) or not set(values) <= set(_FIELDS):
        known = ", ".join(_FIELDS)
        return before, [FieldError(CONTACTS, "invalid", f"An object of {known} is expected, or null.")]
    clean = {name: getattr(before, name) for name in _FIELDS}
    faults: list[FieldError] = []
    for name, clean_one in (("phone", _phone), ("webhooks", _webhooks), ("push", _push)):
        if name in values:
            try:
                clean[name] = clean_one(values[name])
            except ValueError as error:
                faults.append(FieldError(f"{CONTACTS}.{name}", *error.args))
    return (before, faults) if faults else (Contacts(**clean), [])


def _phone(value: Any) -> str:
    if value is None or value == "":
        return ""
    number = _SPACING.sub("", value) if isinstance(value, str) else ""
    if not _PHONE.fullmatch(number):
        message = f"{ascii(value)[:40]} is not a phone number with its country code, such as +436601234567."
        raise ValueError("invalid", message)
    return number


def _webhooks(value: Any) -> tuple[str, ...]:
    found = _listed(value, MAX_WEBHOOKS)
    addresses = tuple(_address(each) for each in found)
    if len(set(addresses)) != len(addresses):
        raise ValueError("duplicate", "The list names the same address twice.")
    return addresses


def _push(value: Any) -> tuple[PushSubscription, ...]:
    return tuple(_subscription(each) for each in _listed(value, MAX_PUSH))


def _subscription(value: Any) -> PushSubscription:
    names = ("endpoint", "p256dh", "auth")
    if not isinstance(value, Mapping) or set(value) != set(names):
        raise ValueError("invalid", f"Each subscription is an object of {', '.join(names)}.")
    for name in names[1:]:
        if not isinstance(value[name], str) or not _KEY.fullmatch(value[name]):
            raise ValueError("invalid", f"The key {name} of a subscription is not one that a browser made.")
    return PushSubscription(endpoint=_address(value["endpoint"]), p256dh=value["p256dh"], auth=value["auth"])


def _listed(value: Any, most: int) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list | tuple) or len(value) > most:
        raise ValueError("invalid", f"A list of at most {most} is expected.")
    return list(value)


def _address(value: Any) -> str:
    """Check an address that something will be sent to: https, with a host, without a user name in it."""
    try:
        parts = urlsplit(value) if isinstance(value, str) and value.isascii() else None
        is_good = parts is not None and parts.scheme == "https" and parts.hostname and "@" not in parts.netloc
    except ValueError:
        is_good = False
    if not is_good or len(value) > MAX_ADDRESS or re.search(r"\s", value):
        raise ValueError("invalid", f"{ascii(value)[:60]} is not an address that begins with https://.")
    return str(value)
