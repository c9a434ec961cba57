"""How often the verdict on a sweep says 'promising' over pure noise (5 % at most) and with a planted edge (80 %).

`python -m bench.verdicts [sweeps of each world]` prints the share of every word with its 95 % interval; exit status 1
where a share is beyond its bound.
"""

import sys
import time
from collections import Counter

import numpy as np

from backtesting.robustness.evidence import sweep_evidence
from backtesting.robustness.verdict import Word, verdict
from backtesting.tests.worlds import EDGES, N_DAYS, N_VARIANTS, NOISE
from portfolio.statistics import wilson

DEFAULT_SWEEPS = 200
MAX_NOISE, MIN_EDGE = 0.05, 0.80


def words_of(name: str, n: int) -> Counter[Word]:
    """Judge n sweeps of one world."""
    make = {**NOISE, **EDGES}[name]
    found: Counter[Word] = Counter()
    for seed in range(n):
        world = make(np.random.default_rng([seed, 2026]))
        evidence = sweep_evidence(world.matrix, periods_per_year=252, market=world.market, n_samples=300, seed=seed)
        found[verdict(evidence).word] += 1
    return found


def main() -> None:
    """Judge every world and print a line for each."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_SWEEPS
    print(f"{n} sweeps of each world, {N_VARIANTS} variants over {N_DAYS} days")
    is_within = True
    for name in (*NOISE, *EDGES):
        begun = time.perf_counter()
        words = words_of(name, n)
        share = words[Word.PROMISING] / n
        low, high = wilson(words[Word.PROMISING], n)
        is_within &= share <= MAX_NOISE if name in NOISE else share >= MIN_EDGE
        told = ", ".join(f"{word.value} {words[word] / n:.1%}" for word in Word)
        each = (time.perf_counter() - begun) / n * 1_000
        print(f"{name}: {told}; promising between {low:.1%} and {high:.1%}; {each:.0f} ms a sweep")
    print("within the bounds" if is_within else "BEYOND THE BOUNDS")
    raise SystemExit(0 if is_within else 1)


if __name__ == "__main__":
    main()
