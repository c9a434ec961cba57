"""The strategy of docs/strategy-authors.md is what an author copies: it must load, be causal, and trade."""

import re
from pathlib import Path

from strategies.catalog import load
from strategies.causality import check
from strategies.evaluate import answer
from strategies.tests.series import walk

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "strategy-authors.md"


def test_the_guide_s_strategy_loads_and_is_causal(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[0]
    (tmp_path / "dip.py").write_text(code, encoding="utf-8")

    found = load(tmp_path)

    assert found.broken == ()
    strategy = found.types["dip"].strategy
    bars = walk(800)
    report = check(strategy, strategy.Params(), bars)
    assert report.is_causal, report.problems
    said = answer(strategy, strategy.Params(), bars)
    assert said.enters_long.sum() > 5 and said.exits_long.sum() > 5
