"""Constraints between parameters, written as text (`fast * 2 <= slow`) and read without evaluating code. Pure.

A side is a sum of products of numbers and parameter names: `slow - fast`, `2 * fast + 1`, `0.5`.
"""

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from domain.errors import ValidationFailed

Value = bool | int | float | str
Combo = dict[str, Value]
MAX_CONSTRAINTS = 20
_MAX_TEXT = 200
_COMPARED = re.compile(r"(.+?)(<=|>=|==|!=|<|>)(.+)", re.ASCII)
_TOKEN = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?|[A-Za-z_][A-Za-z0-9_]*|[-+*])", re.ASCII)
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
}


@dataclass(frozen=True, slots=True)
class Term:
    """A product: a number and the names that it is multiplied by."""

    factor: float
    names: tuple[str, ...]

    def value(self, combo: Mapping[str, Value]) -> float:
        """Return the product's value."""
        found = self.factor
        for name in self.names:
            found *= float(combo[name])
        return found


@dataclass(frozen=True, slots=True)
class Constraint:
    """One comparison of two sums of terms; ``text`` is how it was written."""

    text: str
    left: tuple[Term, ...]
    sign: str
    right: tuple[Term, ...]

    def holds(self, combo: Mapping[str, Value]) -> bool:
        """Tell whether a combination keeps it."""
        left, right = (sum(term.value(combo) for term in side) for side in (self.left, self.right))
        return _OPERATORS[self.sign](left, right)


def constraint_of(text: str, known: Collection[str], *, field: str) -> Constraint:
    """Read one constraint over numeric parameters. Raises ValidationFailed that says what cannot be read."""
    found = _COMPARED.fullmatch(text.strip()) if len(text) <= _MAX_TEXT else None
    if found is None:
        raise ValidationFailed(
            f"{text[:60]!r} is no comparison: write one such as 'fast < slow', at most {_MAX_TEXT} characters",
            field=field,
        )
    left, sign, right = found.groups()
    return Constraint(text.strip(), _side(left, known, field=field), sign, _side(right, known, field=field))


def _side(text: str, known: Collection[str], *, field: str) -> tuple[Term, ...]:
    terms: list[Term] = []
    sign, factors = 1.0, list[str]()
    for token in [*_tokens(text, field), "+"]:
        if token not in "+-":
            factors.append(token)
            continue
        if factors:
            terms.append(_term(sign, factors, known, field=field))
        elif terms or token == "+" or sign < 0:
            raise ValidationFailed(f"{text.strip()[:60]!r}: a number or a parameter is missing", field=field)
        sign, factors = (-1.0 if token == "-" else 1.0), []
    return tuple(terms)


def _tokens(text: str, field: str) -> list[str]:
    tokens, at = [], 0
    text = text.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValidationFailed(f"{text[at : at + 20]!r} cannot be read: numbers, names, + - * only", field=field)
        tokens.append(found.group(1))
        at = found.end()
    return tokens


def _term(sign: float, tokens: list[str], known: Collection[str], *, field: str) -> Term:
    """Build a product from `a * b * 2`."""
    parts, stars = tokens[::2], tokens[1::2]
    if len(parts) != len(stars) + 1 or any(star != "*" for star in stars) or "*" in parts:
        raise ValidationFailed(f"{' '.join(tokens)[:60]!r} is no product: write it as '2 * fast'", field=field)
    factor, names = sign, []
    for part in parts:
        if part[0].isdigit():
            factor *= float(part)
        elif part in known:
            names.append(part)
        else:
            listed = ", ".join(sorted(known)) or "none"
            raise ValidationFailed(f"{part!r} is no numeric parameter of this search; there are: {listed}", field=field)
    return Term(factor, tuple(names))
