"""What every fact is: frozen, typed, named ``aggregate.past_tense``, durable or transient."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every fact has: its own id, when it happened, whose it is."""

    name: ClassVar[str] = ""
    durable: ClassVar[bool] = True

    at: datetime
    event_id: uuid.UUID = field(default_factory=uuid.uuid4)
    user_id: uuid.UUID | None = None
    account_id: uuid.UUID | None = None

    def payload(self) -> dict[str, Any]:
        """Return what is particular to this fact, as plain values (decimals as strings)."""
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self) if f.name not in _COMMON}


_COMMON = frozenset({"at", "event_id", "user_id", "account_id"})


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    return value
