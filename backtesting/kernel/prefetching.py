"""Ask the processor for memory that will be read soon. Pure.

What is said is known ahead, so the opens at which it will be filled are too; each of them lies in a line of memory of
its own, and to wait for it takes longer than everything else that a fill does.
"""

from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from backtesting.kernel.compiling import inlined
from backtesting.kernel.layout import Grid, Records

_AHEAD = 8  # events
_READ, _KEEP, _DATA = 0, 3, 1


def _fetch(typing_context: Any, array: types.Array, row: types.Integer, column: types.Integer) -> Any:
    """Ask for one element of a table. It is not read, and must not lie outside of it for the sake of speed alone."""

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = signature.args[0]
        table = context.make_array(kind)(context, builder, args[0])
        indices = [
            context.cast(builder, each, signature.args[k], types.intp) for k, each in ((1, args[1]), (2, args[2]))
        ]
        pointer = cgutils.get_item_pointer(context, builder, kind, table, indices)
        bytes_at = builder.bitcast(pointer, cgutils.voidptr_t)
        whole = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, whole, whole, whole]),
            "llvm.prefetch.p0",
        )
        builder.call(function, [bytes_at, whole(_READ), whole(_KEEP), whole(_DATA)])
        return context.get_dummy_value()

    return types.void(array, row, column), generate


fetch: Any = intrinsic(_fetch)


@inlined
def fetch_ahead(event: int, n_events: int, events: Records, opens: Grid) -> None:
    """Ask for the open that follows an event some way ahead."""
    if event + _AHEAD < n_events:
        coming = events[event + _AHEAD]
        if coming.row + 1 < len(opens):
            fetch(opens, coming.row + 1, coming.col)
