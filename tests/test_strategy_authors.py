"""The strategy of docs/strategy-authors.md is what an author copies: it must load, be causal, and trade."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from backtesting.models import JobStatus
from backtesting.services.deploying import deploy
from backtesting.tests.jobs import done, request, stored_walk
from core.testing import make_user
from strategies.catalog import load
from strategies.causality import check
from strategies.evaluate import answer
from strategies.models import StrategyState
from strategies.tests.series import walk
from trading.services.strategies import start_strategy

GUIDE = Path(__file__).resolve().parents[1] / "docs" / "strategy-authors.md"


def written_into(folder: Path) -> None:
    """Write the guide's strategy into a folder, as an author would."""
    code = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[0]
    (folder / "dip.py").write_text(code, encoding="utf-8")


def test_the_guide_s_strategy_loads_and_is_causal(tmp_path: Path) -> None:
    written_into(tmp_path)

    found = load(tmp_path)

    assert found.broken == ()
    strategy = found.types["dip"].strategy
    bars = walk(800)
    report = check(strategy, strategy.Params(), bars)
    assert report.is_causal, report.problems
    said = answer(strategy, strategy.Params(), bars)
    assert said.enters_long.sum() > 5 and said.exits_long.sum() > 5


@pytest.mark.timeout(900)  # the first one may have to compile the kernel
@pytest.mark.django_db
def test_the_guide_s_strategy_goes_from_a_file_to_paper(tmp_path: Path, settings: Any) -> None:
    settings.STRATEGIES_DIR = str(tmp_path)
    written_into(tmp_path)
    stored_walk()

    job = done(make_user(), request(type="dip", parameters={"period": 10}))
    assert job.status == JobStatus.COMPLETED, job.error
    assert job.summary["causality"]["is_causal"] and job.summary["n_fills"] > 5
    strategy = deploy(job, at=timezone.now())
    assert (strategy.state, strategy.parameters["period"]) == (StrategyState.DRAFT, 10)
    started = start_strategy(strategy, by="the author")

    assert started.state == StrategyState.RUNNING
