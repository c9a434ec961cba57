"""Pure evaluation of 20 rules on one order: compiled (as kernels call it), called from Python, and plain in decimals.

Run with `python -m bench.risk_kernel`. Goal: under 20 µs an order in the kernel. Compiling is timed apart.
"""

import time
from collections.abc import Callable
from decimal import Decimal

import numpy as np

from risk.compiled import KINDS, MOST_INPUTS, judge, judge_all, rule_arrays
from risk.decisions import RuleSpec
from risk.rules.table import RULE_TYPES

N_RULES, N_ORDERS, REPEATS = 20, 100_000, 5


def best(work: Callable[[], object]) -> float:
    """Return the shortest of some runs in seconds."""
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return min(taken)


def main() -> None:
    """Measure and print."""
    names = [name for name in KINDS if len(RULE_TYPES[name].inputs) > 1]
    names += [name for name in KINDS if name not in names][: N_RULES - len(names)]
    rules = [RuleSpec(key=name, name=name, type=name, limit=Decimal(50)) for name in names]
    kinds, limits = rule_arrays(rules)
    numbers = np.random.default_rng(1).uniform(1, 100, (N_ORDERS, len(rules), MOST_INPUTS))
    values, broken = np.empty((N_ORDERS, len(rules))), np.empty(N_ORDERS, dtype=np.int64)

    began = time.perf_counter()
    judge_all(kinds, limits, numbers[:1], values[:1], broken[:1])
    print(f"compiled (or read from the cache) in {time.perf_counter() - began:.2f} s")
    took = best(lambda: judge_all(kinds, limits, numbers, values, broken)) / N_ORDERS
    print(f"{len(rules)} rules in the kernel: {took * 1e6:.3f} us an order ({N_ORDERS:,} orders, best of {REPEATS})")
    row = np.empty(len(rules))
    few = 10_000
    took = best(lambda: [judge(kinds, limits, numbers[i], row) for i in range(few)]) / few
    print(f"{len(rules)} rules, one call from Python an order: {took * 1e6:.2f} us")
    functions = [RULE_TYPES[name] for name in names]
    exact = [[Decimal(repr(float(x))) for x in numbers[0, i, : len(f.inputs)]] for i, f in enumerate(functions)]
    took = best(lambda: [f.function(*given) for _ in range(100) for f, given in zip(functions, exact, strict=True)])
    print(f"{len(rules)} rule functions alone, plain in decimals: {took / 100 * 1e6:.1f} us an order")


if __name__ == "__main__":
    main()
