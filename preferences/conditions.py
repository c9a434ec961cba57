"""Conditions of a notification entry (pure): which fields a type has, whether a tree is well formed, whether it holds.

A tree is ``{"loss_amount": {"min": 1000}, "symbol": {"in": ["SPY"]}}`` (all must hold), nested with ``all``, ``any``
(lists of trees) and ``not`` (a tree).
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from domain.errors import FieldError
from domain.notices import NotificationType as T

MAX_DEPTH = 6
MAX_NODES = 100
MAX_LIST = 100

_COMMON = {"symbol": str, "account": str, "strategy": str}
_ORDER = {"side": str, "order_type": str, "quantity": Decimal, "price": Decimal, "order_value": Decimal}
_POSITION = {"side": str, "quantity": Decimal, "price": Decimal, "pnl": Decimal, "pnl_percent": Decimal}
_RISK = {"rule": str, "rule_type": str, "value": Decimal, "limit": Decimal}
FIELDS: dict[T, dict[str, type[Any]]] = {
    T.ORDER_FILLED: {**_COMMON, **_ORDER},
    T.ORDER_REJECTED: {**_COMMON, **_ORDER, "reason": str},
    T.ORDER_CANCELED: {**_COMMON, **_ORDER, "reason": str},
    T.POSITION_UPDATE: {**_COMMON, **_POSITION},
    T.LARGE_LOSS: {**_COMMON, "loss_amount": Decimal, "loss_percent": Decimal},
    T.STRATEGY_SIGNAL: {**_COMMON, "side": str, "confidence": Decimal, "outcome": str},
    T.STRATEGY_STATUS: {**_COMMON, "status": str},
    T.RISK_WARNING: {**_COMMON, **_RISK},
    T.RISK_BREACH: {**_COMMON, **_RISK},
    T.PRICE_ALERT: {**_COMMON, "price": Decimal},
    T.SYSTEM_ALERT: {"component": str},
    T.SECURITY_ALERT: {},
    T.DAILY_SUMMARY: {"account": str, "pnl": Decimal},
}
"""What the conditions of a type may ask about. A fact that lacks the field at the time does not fulfil a condition."""

_NUMBER_TESTS: dict[str, Callable[[Decimal, Any], bool]] = {
    "min": lambda value, bound: value >= bound,
    "max": lambda value, bound: value <= bound,
    "equals": lambda value, wanted: value == wanted,
}
_TEXT_TESTS: dict[str, Callable[[str, Any], bool]] = {
    "equals": lambda value, wanted: value == wanted,
    "in": lambda value, wanted: value in wanted,
    "not_in": lambda value, wanted: value not in wanted,
}


def faults_of(tree: Any, notification_type: T, path: str = "conditions") -> list[FieldError]:
    """Return everything that is wrong with a tree for this type, bounds on depth and size included."""
    faults = list(_faults(tree, FIELDS[notification_type], path, 1))
    if not faults and _size(tree) > MAX_NODES:
        faults.append(FieldError(path, "too_large", f"There are more than {MAX_NODES} conditions."))
    return faults


def holds(tree: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Tell whether a well-formed tree holds for these facts (numbers as Decimal, int or decimal text)."""
    return all(_holds(key, node, facts) for key, node in tree.items())


def _holds(key: str, node: Any, facts: Mapping[str, Any]) -> bool:
    if key == "all":
        return all(holds(each, facts) for each in node)
    if key == "any":
        return any(holds(each, facts) for each in node)
    if key == "not":
        return not holds(node, facts)
    value = facts.get(key)
    if value is None:
        return False
    return all(_test(name, value, wanted) for name, wanted in node.items())


def _test(name: str, value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Decimal | int) and not isinstance(wanted, bool):
        return _NUMBER_TESTS[name](Decimal(str(value)), Decimal(wanted))
    return _TEXT_TESTS[name](str(value), wanted)


def _faults(tree: Any, known: Mapping[str, type[Any]], path: str, depth: int) -> Iterator[FieldError]:
    if not isinstance(tree, Mapping):
        yield FieldError(path, "invalid", "An object of conditions is expected.")
    elif depth > MAX_DEPTH:
        yield FieldError(path, "too_deep", f"Conditions are nested deeper than {MAX_DEPTH} levels.")
    else:
        for key, node in tree.items():
            yield from _node_faults(key, node, known, f"{path}.{key}", depth)


def _node_faults(key: str, node: Any, known: Mapping[str, type[Any]], path: str, depth: int) -> Iterator[FieldError]:
    if key == "not":
        yield from _faults(node, known, path, depth + 1)
    elif key in ("all", "any"):
        if not isinstance(node, list) or not 1 <= len(node) <= MAX_LIST:
            yield FieldError(path, "invalid", f"A list of 1 to {MAX_LIST} conditions is expected.")
            return
        for index, each in enumerate(node):
            yield from _faults(each, known, f"{path}.{index}", depth + 1)
    elif key not in known:
        offered = ", ".join(sorted(known)) or "none"
        yield FieldError(path, "unknown_field", f"This type never has such a field; it has: {offered}.")
    else:
        yield from _test_faults(node, known[key], path)


def _test_faults(node: Any, kind: type[Any], path: str) -> Iterator[FieldError]:
    tests = _NUMBER_TESTS if kind is Decimal else _TEXT_TESTS
    if not isinstance(node, Mapping) or not node:
        yield FieldError(path, "invalid", f"An object with at least one of {', '.join(tests)} is expected.")
        return
    for name, wanted in node.items():
        if name not in tests:
            yield FieldError(f"{path}.{name}", "unknown_field", f"There is no such test; known: {', '.join(tests)}.")
        elif not _is_operand(name, wanted, kind):
            yield FieldError(f"{path}.{name}", "invalid", f"{ascii(wanted)[:60]} can not be compared with this field.")


def _is_operand(name: str, wanted: Any, kind: type[Any]) -> bool:
    if kind is Decimal:
        is_number = isinstance(wanted, int | Decimal) and not isinstance(wanted, bool)
        return is_number and Decimal(wanted).is_finite() and abs(Decimal(wanted)) < Decimal(10) ** 18
    if name == "equals":
        return _is_text(wanted)
    return isinstance(wanted, list | tuple) and 1 <= len(wanted) <= MAX_LIST and all(_is_text(each) for each in wanted)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 200


def _size(tree: Any) -> int:
    if isinstance(tree, Mapping):
        return len(tree) + sum(_size(node) for node in tree.values())
    return sum(_size(node) for node in tree) if isinstance(tree, list) else 0
