"""Arrays without reference counts, for the inside of one compiled call. Pure.

Every array that a compiled function hands to another costs two atomic operations, which is more than a bar takes. The
caller in Python holds the arrays while the call lasts, so that inside they need not be counted.
"""

from typing import Any

from numba.core import types
from numba.extending import intrinsic

from backtesting.kernel.compiling import inlined
from backtesting.kernel.layout import Market, Rules, Said, State, Written


def _uncounted(typing_context: Any, array: types.Array) -> Any:
    """Return the same array without its owner."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        made = context.make_array(signature.args[0])(context, builder, args[0])
        made.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
        made.parent = context.get_constant_null(types.pyobject)
        return made._getvalue()

    return array(array), generate


uncounted: Any = intrinsic(_uncounted)


@inlined
def market(m: Market) -> Market:
    """Return the bars uncounted."""
    return Market(
        uncounted(m.o),
        uncounted(m.h),
        uncounted(m.l),
        uncounted(m.c),
        uncounted(m.closes),
        uncounted(m.is_open),
        uncounted(m.zone),
    )


@inlined
def said(x: Said) -> Said:
    """Return what is said, uncounted."""
    return Said(uncounted(x.events), uncounted(x.more))


@inlined
def rules(x: Rules) -> Rules:
    """Return the rules uncounted."""
    return Rules(uncounted(x.all), uncounted(x.flags))


@inlined
def state(x: State) -> State:
    """Return the state uncounted."""
    return State(uncounted(x.all), uncounted(x.parts), uncounted(x.quantity))


@inlined
def written(w: Written) -> Written:
    """Return the tables uncounted."""
    return Written(
        uncounted(w.equity),
        uncounted(w.orders),
        uncounted(w.fills),
        uncounted(w.signals),
        uncounted(w.trades),
        uncounted(w.denials),
    )
