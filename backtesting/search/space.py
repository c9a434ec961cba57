"""The space of parameters that a sweep looks through: ranges, choices, constraints between them. Pure."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from backtesting.search.constraints import MAX_CONSTRAINTS, Combo, Constraint, Value, constraint_of
from domain.errors import FieldError, ValidationFailed

MAX_DIMENSIONS = 8
MAX_VALUES = 10_000
MAX_GRID = 100_000
_DIGITS = 12
_KEYS = frozenset({"min", "max", "step", "log"})
Scalar = bool | int | float | str | Decimal


@dataclass(frozen=True, slots=True)
class IntRange:
    """Whole numbers from low to high (both count) by step."""

    name: str
    low: int
    high: int
    step: int = 1

    @property
    def n_values(self) -> int | None:
        """How many values there are."""
        return (self.high - self.low) // self.step + 1

    def value(self, i: int) -> Value:
        """Return the i-th value."""
        return self.low + i * self.step

    def at(self, share: float) -> Value:
        """Return the value that lies at a share 0..1 (1 excluded) of the range."""
        return self.value(int(share * (self.n_values or 1)))


@dataclass(frozen=True, slots=True)
class FloatRange:
    """Numbers from low to high; by step, or continuous without one; ``is_log``: evenly spread in the logarithm."""

    name: str
    low: float
    high: float
    step: float | None = None
    is_log: bool = False

    @property
    def n_values(self) -> int | None:
        """How many values there are; None: continuous."""
        return None if self.step is None else math.floor((self.high - self.low) / self.step + 1e-9) + 1

    def value(self, i: int) -> Value:
        """Return the i-th value, rounded so that 0.1 + 0.2 is 0.3."""
        return round(self.low + i * (self.step or 0.0), _DIGITS)

    def at(self, share: float) -> Value:
        """Return the value that lies at a share 0..1 (1 excluded) of the range."""
        if self.n_values is not None:
            return self.value(int(share * self.n_values))
        if self.is_log:
            return math.exp(math.log(self.low) + share * math.log(self.high / self.low))
        return self.low + share * (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Choice:
    """Listed values."""

    name: str
    values: tuple[Value, ...]

    @property
    def n_values(self) -> int | None:
        """How many values there are."""
        return len(self.values)

    @property
    def is_numeric(self) -> bool:
        """Tell whether all values are numbers (true and false are not)."""
        return all(isinstance(value, int | float) and not isinstance(value, bool) for value in self.values)

    def value(self, i: int) -> Value:
        """Return the i-th value."""
        return self.values[i]

    def at(self, share: float) -> Value:
        """Return the value that lies at a share 0..1 (1 excluded) of the list."""
        return self.values[int(share * len(self.values))]


Dimension = IntRange | FloatRange | Choice


@dataclass(frozen=True, slots=True)
class Space:
    """Parameters by name in the order given, and what must hold between them."""

    dimensions: tuple[Dimension, ...]
    constraints: tuple[Constraint, ...] = ()

    @property
    def outermost(self) -> Iterator[tuple[str, Value]]:
        """Yield each parameter with the values that decide whether all are in bounds: a range's ends, a list's all."""
        for each in self.dimensions:
            if isinstance(each, Choice):
                yield from ((each.name, value) for value in each.values)
            else:
                yield each.name, each.at(0.0)
                yield each.name, each.high if each.n_values is None else each.value(each.n_values - 1)

    @property
    def size(self) -> int | None:
        """Points of the grid before constraints; None where a range is continuous."""
        counts = [dimension.n_values for dimension in self.dimensions]
        return None if None in counts else math.prod(count or 1 for count in counts)

    def holds(self, combo: Combo) -> bool:
        """Tell whether a combination keeps every constraint."""
        return all(constraint.holds(combo) for constraint in self.constraints)

    def point(self, index: int) -> Combo:
        """Return the grid's point of a number; the last parameter changes fastest."""
        found: Combo = {}
        for dimension in reversed(self.dimensions):
            index, i = divmod(index, dimension.n_values or 1)
            found[dimension.name] = dimension.value(i)
        return {dimension.name: found[dimension.name] for dimension in self.dimensions}


def space_of(
    given: Mapping[str, object],
    constraints: Sequence[str] = (),
    *,
    known: Collection[str] | None = None,
    field: str = "space",
) -> Space:
    """Read a space as a client sent it; raises ValidationFailed with every fault, each with its field and bound.

    Parameters
    ----------
    given : by parameter either a list of values or ``{"min", "max", "step"?, "log"?}`` (whole ones stay whole)
    constraints : comparisons as text, e.g. ``"fast < slow"``
    known : names of the strategy's parameters; others are refused
    field : what the errors' fields begin with
    """
    faults: list[FieldError] = []
    if not 1 <= len(given) <= MAX_DIMENSIONS:
        faults.append(FieldError(field, "out_of_range", f"{len(given)} parameters: give 1 to {MAX_DIMENSIONS}."))
    if len(constraints) > MAX_CONSTRAINTS:
        faults.append(FieldError("constraints", "too_many", f"{len(constraints)} are more than {MAX_CONSTRAINTS}."))
    dimensions = []
    for name, told in list(given.items())[:MAX_DIMENSIONS]:
        try:
            dimensions.append(_dimension(str(name), told, known, field=f"{field}.{name}"))
        except ValidationFailed as error:
            faults += error.errors
    rules = []
    read = {each.name: each for each in dimensions}  # of a parameter that cannot be read only that is told
    numeric = [name for name in map(str, given) if not isinstance(each := read.get(name), Choice) or each.is_numeric]
    for i, text in enumerate(constraints[:MAX_CONSTRAINTS]):
        try:
            rules.append(constraint_of(str(text), numeric, field=f"constraints.{i}"))
        except ValidationFailed as error:
            faults += error.errors
    if faults:
        raise ValidationFailed.of(tuple(faults))
    return Space(tuple(dimensions), tuple(rules))


def _dimension(name: str, told: object, known: Collection[str] | None, *, field: str) -> Dimension:
    if known is not None and name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise ValidationFailed(f"There is no parameter {name[:60]!r}; known are: {listed}.", field=field)
    if isinstance(told, Mapping):
        return _range(name, told, field=field)
    if isinstance(told, Sequence) and not isinstance(told, str):
        return _choice(name, told, field=field)
    raise ValidationFailed("Give a list of values, or an object with min and max.", field=field)


def _choice(name: str, told: Sequence[object], *, field: str) -> Choice:
    values: list[Value] = []
    for value in told[: MAX_VALUES + 1]:
        plain = _plain(value, field=field)
        if plain not in values or any(type(plain) is not type(other) for other in values if other == plain):
            values.append(plain)
    if not 1 <= len(values) <= MAX_VALUES:
        raise ValidationFailed(f"{len(values)} values: give 1 to {MAX_VALUES:,}.", field=field)
    return Choice(name, tuple(values))


def _range(name: str, told: Mapping[str, object], *, field: str) -> Dimension:
    unknown = sorted(str(key) for key in told if key not in _KEYS)
    if unknown or "min" not in told or "max" not in told:
        problem = f"{unknown[0][:60]!r} is not known here" if unknown else "min or max is missing"
        raise ValidationFailed(f"{problem}: a range has min, max, step and log.", field=field)
    numbers = {key: _number(told[key], field=f"{field}.{key}") for key in ("min", "max") if key in told}
    step = None if told.get("step") is None else _number(told["step"], field=f"{field}.step")
    is_log = told.get("log", False)
    low, high = numbers["min"], numbers["max"]
    if not isinstance(is_log, bool):
        raise ValidationFailed(f"{is_log!r} is neither true nor false.", field=f"{field}.log")
    if low > high:
        raise ValidationFailed(f"min {low} is above max {high}.", field=f"{field}.min")
    if step is not None and step <= 0:
        raise ValidationFailed(f"A step of {step} leads nowhere: it must be above 0.", field=f"{field}.step")
    if is_log and (low <= 0 or step is not None):
        raise ValidationFailed("A logarithmic range lies above 0 and has no step.", field=f"{field}.log")
    found = _ranged(name, low, high, step, is_log=is_log)
    if (found.n_values or 0) > MAX_VALUES:
        message = f"{found.n_values:,} values are more than {MAX_VALUES:,}: take a larger step."
        raise ValidationFailed(message, field=f"{field}.step")
    return found


def _ranged(name: str, low: float, high: float, step: float | None, *, is_log: bool) -> Dimension:
    if isinstance(low, int) and isinstance(high, int) and (step is None or isinstance(step, int)) and not is_log:
        return IntRange(name, low, high, 1 if step is None else int(step))
    return FloatRange(name, float(low), float(high), None if step is None else float(step), is_log)


def _number(value: object, *, field: str) -> int | float:
    plain = _plain(value, field=field)
    if isinstance(plain, bool | str):
        raise ValidationFailed(f"{plain!r} is not a number.", field=field)
    return plain


def _plain(value: object, *, field: str) -> Value:
    """Return a value as strategies take it: a Decimal without places is a whole number."""
    if isinstance(value, Decimal):
        value = int(value) if value.is_finite() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, bool) or (isinstance(value, str) and len(value) <= 200):
        return value
    if isinstance(value, int | float) and math.isfinite(value) and abs(value) <= 1e15:
        return value
    raise ValidationFailed(f"{str(value)[:60]!r} cannot be the value of a parameter.", field=field)
