"""From a fact to what a person reads: type, priority, words, subject, incident, link. Pure.

The table of all facts is ``notifications.catalogue``; here is how an entry of it becomes a message. A fact may offer
several messages (a loss is a LARGE_LOSS or else a POSITION_UPDATE): the first that the user wants is sent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from domain.notices import NotificationType, Priority
from notifications.wording import money, number, percent, plain_words, price, quantity, sentence

MAX_TITLE = 200
MAX_BODY = 2000
MAX_KEY = 120

FieldValue = str | Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What one user could be told. ``subject`` is what a throttle counts by, ``incident`` what equal events share."""

    type: NotificationType
    title: str
    body: str
    priority: Priority = Priority.LOW
    subject: str = ""
    incident: str = ""
    link: str = ""
    fields: Mapping[str, FieldValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One entry of the catalogue: templates over the words of a fact. ``when`` says whether it is worth telling."""

    type: NotificationType
    title: str
    body: str = "{reason}"
    priority: Priority = Priority.LOW
    subject: str = "{symbol}"
    incident: str = ""
    link: str = ""
    when: Callable[[Mapping[str, Any]], bool] = lambda data: True


def message_of(spec: Spec, data: Mapping[str, Any]) -> Message:
    """Fill a spec's templates with a fact's values."""
    words = words_of(data)
    return Message(
        type=spec.type,
        title=_tidy(spec.title.format_map(words), MAX_TITLE),
        body=_tidy(spec.body.format_map(words), MAX_BODY),
        priority=spec.priority,
        subject=spec.subject.format_map(words)[:MAX_KEY],
        incident=spec.incident.format_map(words)[:MAX_KEY],
        link=spec.link.format_map(words),
        fields=fields_of(data),
    )


class _Words(dict[str, str]):
    """Words of a fact; what it does not say is nothing (a template never fails on an old row)."""

    def __missing__(self, key: str) -> str:
        return ""


def words_of(data: Mapping[str, Any]) -> Mapping[str, str]:
    """Return everything a template may name, written for people (ids under their own names, for links alone)."""
    words = _Words({key: str(value) for key, value in data.items() if value is not None})
    words.update(_trade_words(data))
    words.update(
        reason=sentence(data.get("reason") or data.get("message") or data.get("error")),
        who=_by(data.get("by")),
        category=plain_words(data.get("category")).lower(),
        confidence=percent(data.get("confidence")),
        age=_age(data.get("age_seconds")),
        scopes=", ".join(map(str, data.get("scopes") or ())) or "none",
        measured=_measured(data),
        result=money(number(data.get("amount")), str(data.get("currency") or "")),
        share=f"{_rounded(data.get('value'))} %",
        threshold=f"{_rounded(data.get('limit'))} %",
        changes=_changes(data.get("changed")),
        timeframe=_timeframe(data.get("timeframe")),
    )
    return words


def _trade_words(data: Mapping[str, Any]) -> dict[str, str]:
    currency = str(data.get("currency") or "")
    is_buy = data.get("side") == "buy"
    filled, each = number(data.get("filled_quantity")), number(data.get("average_price"))
    paid = f" at {price(each, currency)} each, {money(filled * each, currency)} in all" if filled and each else ""
    size = quantity(data.get("quantity")) if "quantity" in data else ""
    return {
        "did": "Bought" if is_buy else "Sold",
        "paid": paid,
        "size": size,
        "filled": quantity(filled or 0),
        "order": f"{data.get('side', '')} {size} {data.get('symbol', '')}".strip(),
        "kind": plain_words(data.get("type")).lower(),
        "pnl": money(data.get("pnl_net"), currency, signed=True),
        "lost": money(abs(number(data.get("pnl_net")) or Decimal(0)), currency),
    }


def _by(name: Any) -> str:
    text = " ".join(str(name or "").split())
    return f" By {text}." if text else ""


def _age(seconds: Any) -> str:
    found = number(seconds)
    if found is None:
        return "some time"
    return f"{int(found)} seconds" if found < 120 else f"{int(found // 60)} minutes"


_UNITS = {"m": "minute", "h": "hour", "d": "day", "w": "week"}


def _timeframe(code: Any) -> str:
    text = str(code or "")
    return f"{text[:-1]}-{_UNITS[text[-1]]}" if text[-1:] in _UNITS else text


def _measured(data: Mapping[str, Any]) -> str:
    value, limit = number(data.get("value")), number(data.get("limit"))
    if value is None or limit is None:
        return ""
    return f"Measured {value.normalize():,f}, the limit is {limit.normalize():,f}."


def _rounded(value: Any) -> str:
    found = number(value)
    return "an unknown share" if found is None else f"{round(found, 2).normalize():f}"


def _changes(changed: Any) -> str:
    """Name what changed, from ``{"field": new}`` or ``{"field": {"old", "new"}}`` (or a pair)."""
    if not isinstance(changed, Mapping):
        return ""
    named = ((plain_words(str(name).rpartition(".")[2]).lower(), value) for name, value in changed.items())
    return "; ".join(f"{name} {_change(value)}" for name, value in named)


def _change(value: Any) -> str:
    if isinstance(value, Mapping) and {"old", "new"} <= set(value):
        return f"from {_shown(value['old'])} to {_shown(value['new'])}"
    if isinstance(value, list | tuple) and len(value) == 2:
        return f"from {_shown(value[0])} to {_shown(value[1])}"
    return f"is now {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if value is None:
        return "nothing"
    return "other entries" if isinstance(value, Mapping | list) else str(value)


def fields_of(data: Mapping[str, Any]) -> dict[str, FieldValue]:
    """Return the values that a user's conditions may ask for (preferences.conditions.FIELDS); numbers are Decimal."""
    found: dict[str, FieldValue] = {key: str(data[key]) for key in _TEXT_FIELDS if data.get(key)}
    found |= {key: number(data.get(key)) for key in _NUMBER_FIELDS}
    if kind := data.get("type"):
        found |= {"order_type": str(kind), "rule_type": str(kind)}
    return {**found, **_order_fields(data), **_result_fields(data)}


_TEXT_FIELDS = ("symbol", "side", "strategy", "account", "rule", "status", "outcome", "reason", "component")
_NUMBER_FIELDS = ("quantity", "confidence", "value", "limit")


def _order_fields(data: Mapping[str, Any]) -> dict[str, FieldValue]:
    size, each = number(data.get("quantity")), number(data.get("average_price"))
    return {"price": each, "order_value": None if size is None or each is None else abs(size * each)}


def _result_fields(data: Mapping[str, Any]) -> dict[str, FieldValue]:
    """Return a round trip's result, and its loss as per cent of the account's equity where the fact says that."""
    if data.get("kind") == "loss":
        return {"loss_amount": number(data.get("amount")), "loss_percent": number(data.get("value"))}
    result, equity = number(data.get("pnl_net")), number(data.get("equity"))
    if result is None:
        return {}
    loss = max(-result, Decimal(0))
    found: dict[str, FieldValue] = {"pnl": result, "loss_amount": loss}
    if equity is not None and equity > 0:
        found |= {"pnl_percent": result / equity * 100, "loss_percent": loss / equity * 100}
    return found


def _tidy(text: str, longest: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[: longest - 1] + "…"
