"""The rules compiled (pure): the very functions of ``risk.rules``, made fast by numba for kernels and bulk work.

Nothing is written twice: what is compiled here is the source that the live gate runs in decimals. In float64 the
compiled functions give the same bits as the plain ones.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from risk.decisions import RuleSpec
from risk.rules import exposure, losses, market, order_sanity, position
from risk.rules.table import RULE_TYPES
from risk.rules.types import Bound

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
MOST_INPUTS = 3
KINDS = tuple(sorted(RULE_TYPES))
"""Every type of rule; its place here is its number in compiled code."""
_BOUNDS = tuple(Bound)
AT_MOST, BELOW, AT_LEAST = (_BOUNDS.index(each) for each in (Bound.AT_MOST, Bound.BELOW, Bound.AT_LEAST))
BOUND_OF: Ints = np.array([_BOUNDS.index(RULE_TYPES[name].bound) for name in KINDS], dtype=np.int64)
_kernel: Any = njit(cache=True, error_model="numpy")
_inline: Any = njit(inline="always", error_model="numpy")

COMPILED: dict[str, Any] = {name: _kernel(RULE_TYPES[name].function) for name in KINDS}
"""Every rule's own function, compiled, by its type."""

# Names for the chain below: numba resolves globals, and a look-up by name is not to be had in compiled code.
_max_position_size = _inline(exposure.max_position_size)
_max_leverage = _inline(exposure.max_leverage)
_max_exposure = _inline(exposure.max_exposure)
_sector_limit = _inline(exposure.sector_limit)
_position_limit = _inline(exposure.position_limit)
_max_daily_loss = _inline(losses.max_daily_loss)
_max_drawdown = _inline(losses.max_drawdown)
_slippage_budget = _inline(losses.slippage_budget)
_value_at_risk = _inline(market.value_at_risk)
_price_collar = _inline(order_sanity.price_collar)
_max_turnover = _inline(order_sanity.max_turnover)
_self_cross = _inline(order_sanity.self_cross)
_stop_loss = _inline(position.stop_loss)
_take_profit = _inline(position.take_profit)
_unprotected_position = _inline(position.unprotected_position)
_MAX_POSITION_SIZE, _MAX_LEVERAGE, _MAX_EXPOSURE, _SECTOR_LIMIT = (
    KINDS.index(name) for name in ("max_position_size", "max_leverage", "max_exposure", "sector_limit")
)
_MAX_DAILY_LOSS, _MAX_DRAWDOWN, _SLIPPAGE_BUDGET, _VALUE_AT_RISK = (
    KINDS.index(name) for name in ("max_daily_loss", "max_drawdown", "slippage_budget", "value_at_risk")
)
_PRICE_COLLAR, _MAX_TURNOVER, _SELF_CROSS = (
    KINDS.index(name) for name in ("price_collar", "max_turnover", "self_cross")
)
_STOP_LOSS, _TAKE_PROFIT, _UNPROTECTED = (
    KINDS.index(name) for name in ("stop_loss", "take_profit", "unprotected_position")
)
COUNTED = tuple(name for name in KINDS if len(RULE_TYPES[name].inputs) == 1)
"""Types that measure one number as it is (a count, an age, a flag): their function gives back what it is given."""


@_kernel
def value_of(kind: int, a: float, b: float, c: float) -> float:  # a table as a chain
    """Return what a rule of type number ``kind`` measures of its inputs, in the order of its function's arguments."""
    if kind == _MAX_POSITION_SIZE:
        return _max_position_size(a, b)
    if kind == _MAX_LEVERAGE:
        return _max_leverage(a, b)
    if kind == _MAX_EXPOSURE:
        return _max_exposure(a, b)
    if kind == _SECTOR_LIMIT:
        return _sector_limit(a, b)
    if kind == _MAX_DAILY_LOSS:
        return _max_daily_loss(a, b)
    if kind == _MAX_DRAWDOWN:
        return _max_drawdown(a, b)
    if kind == _SLIPPAGE_BUDGET:
        return _slippage_budget(a, b)
    if kind == _VALUE_AT_RISK:
        return _value_at_risk(a, b)
    if kind == _PRICE_COLLAR:
        return _price_collar(a, b)
    if kind == _MAX_TURNOVER:
        return _max_turnover(a, b, c)
    if kind == _SELF_CROSS:
        return _self_cross(a, b, c)
    if kind == _STOP_LOSS:
        return _stop_loss(a, b, c)
    if kind == _TAKE_PROFIT:
        return _take_profit(a, b, c)
    if kind == _UNPROTECTED:
        return _unprotected_position(a, b, c)
    return _position_limit(a)  # as every counted type does: it gives back its number


@_kernel
def is_good(bound: int, value: float, limit: float) -> bool:
    """Tell whether a value keeps a limit; what is no number never does."""
    if not np.isfinite(value):
        return False
    if bound == AT_MOST:
        return value <= limit
    return value < limit if bound == BELOW else value >= limit


@_kernel
def judge(kinds: Ints, limits: Floats, numbers: Floats, values: Floats) -> int:
    """Measure the rules of one order into ``values`` and return how many of them are broken.

    Parameters
    ----------
    kinds : int64[n_rules]
        Places of the types in `KINDS`.
    limits : float64[n_rules]
    numbers : float64[n_rules, 3]
        The inputs of each rule's function in order; what it does not have is not looked at.
    values : float64[n_rules]
        Filled.
    """
    broken = 0
    for i in range(len(kinds)):
        values[i] = value_of(kinds[i], numbers[i, 0], numbers[i, 1], numbers[i, 2])
        if not is_good(BOUND_OF[kinds[i]], values[i], limits[i]):
            broken += 1
    return broken


@_kernel
def judge_all(kinds: Ints, limits: Floats, numbers: Floats, values: Floats, broken: Ints) -> None:
    """Judge many orders by the same rules: ``numbers`` is float64[n_orders, n_rules, 3], ``broken`` int64[n_orders]."""
    for i in range(len(numbers)):
        broken[i] = judge(kinds, limits, numbers[i], values[i])


def rule_arrays(rules: Sequence[RuleSpec]) -> tuple[Ints, Floats]:
    """Return type numbers and limits of rules, as `judge` takes them."""
    kinds = np.array([KINDS.index(rule.type) for rule in rules], dtype=np.int64)
    return kinds, np.array([float(rule.limit) for rule in rules], dtype=np.float64)
