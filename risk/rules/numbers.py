"""The number type of rule functions (pure): Decimal in the live gate, float64 where the backtest kernel compiles them.

A rule uses only ``+ - * /``, ``abs``, comparisons and int constants, so that one source serves both, exactly in one
and fast in the other.
"""

from decimal import Decimal
from typing import TypeVar

Number = TypeVar("Number", Decimal, float)
