"""Strict request parsers: what JSON allows and no type of ours can hold is refused here, with 400 or 413."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from django.conf import settings
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser

from core.api.render import dumps
from core.api.text import fault_in_text
from domain.errors import TooLarge

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_INTEGER = 2**63 - 1
MAX_NUMBER_LENGTH = 64
MAX_EXPONENT = 64
MAX_UPLOAD_BYTES = 256_000_000


def _integer(text: str) -> int:
    if len(text) > 20 or abs(value := int(text)) > MAX_INTEGER:
        raise ParseError(f"The integer {text[:24]} is beyond ±{MAX_INTEGER}.", code="out_of_range")
    return value


def _decimal(text: str) -> Decimal:
    if len(text) > MAX_NUMBER_LENGTH:
        raise ParseError(f"A number has more than {MAX_NUMBER_LENGTH} characters.", code="out_of_range")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise ParseError(f"{text} is not a number that can be held.", code="out_of_range") from None
    if abs(value.adjusted()) > MAX_EXPONENT:
        raise ParseError(f"The number {text} is beyond 10^±{MAX_EXPONENT}.", code="out_of_range")
    return value


def _constant(text: str) -> NoReturn:
    raise ParseError(f"{text} is not a JSON number.", code="not_a_number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ParseError(f"The key {twice!a} stands twice in one object.", code="duplicate_key")
    return found


def _check_tree(tree: Any) -> None:
    """Refuse what is nested too deep, and text with NUL or half a surrogate pair (iteratively: no recursion)."""
    waiting: list[tuple[Any, int]] = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, str):
            if fault := fault_in_text(node):
                raise ParseError(f"A text contains {fault}.", code="invalid_text")
        elif isinstance(node, Mapping | list):
            if depth > MAX_DEPTH:
                raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too_deep")
            children = [*node.keys(), *node.values()] if isinstance(node, Mapping) else node
            waiting.extend((child, depth + 1) for child in children)


def loads(raw: bytes) -> Any:
    """Read strict JSON; raises ParseError (400) or TooLarge (413)."""
    if len(raw) > MAX_BYTES:
        raise TooLarge(f"The body is larger than {MAX_BYTES} bytes.")
    try:
        text = raw.decode("utf-8")
        tree = json.loads(
            text, parse_int=_integer, parse_float=_decimal, parse_constant=_constant, object_pairs_hook=_object
        )
    except UnicodeDecodeError as error:
        raise ParseError(f"The body is not UTF-8 (byte {error.start}).", code="not_utf8") from None
    except RecursionError:
        raise ParseError(f"The body is nested deeper than {MAX_DEPTH} levels.", code="too_deep") from None
    except ValueError as error:
        raise ParseError(f"The body is not JSON: {error}", code="malformed") from None
    _check_tree(tree)
    return tree


class StrictJSONParser(BaseParser):
    """application/json only; numbers arrive as int or Decimal, never float."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the parsed body, reading at most one byte more than is allowed."""
        return loads(stream.read(MAX_BYTES + 1))


class StrictMultiPartParser(MultiPartParser):
    """multipart/form-data with a bound on the whole and clean text fields; for uploads only."""

    def parse(
        self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> DataAndFiles:
        """Return data and files; raises TooLarge before anything is read when the length says so."""
        bound = getattr(settings, "API_MAX_UPLOAD_BYTES", MAX_UPLOAD_BYTES)
        length = _content_length(parser_context or {})
        if length > bound:
            raise TooLarge(f"The upload of {length} bytes is larger than {bound}.")
        parsed = super().parse(stream, media_type=media_type, parser_context=parser_context)
        for name, values in parsed.data.lists():
            for text in (name, *values):
                if fault := fault_in_text(text):
                    raise ParseError(f"A text contains {fault}.", code="invalid_text")
            if len(values) > 1:
                raise ParseError(f"The field {name!a} stands twice.", code="duplicate_key")
        return parsed


def _content_length(context: Mapping[str, Any]) -> int:
    text = str(context["request"].META.get("CONTENT_LENGTH") or "0") if "request" in context else "0"
    return int(text) if text.isascii() and text.isdigit() else 0


def canonical(tree: Any) -> bytes:
    """Write parsed data so that equal bodies give equal bytes whatever the order of their keys."""
    return dumps(_sorted(tree))


def _sorted(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        return {key: _sorted(tree[key]) for key in sorted(tree)}
    if isinstance(tree, list | tuple):
        return [_sorted(item) for item in tree]
    return tree
