"""The sample data load once, quickly, and are what the attribution says."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from domain.bars import Timeframe
from marketdata import samples, selectors
from marketdata.action_services import record_action
from marketdata.models import ActionKind
from marketdata.samples import load_sample_data
from marketdata.tests.factories import make_instrument

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_samples_load_once() -> None:
    first = load_sample_data(at=NOW)
    second = load_sample_data(at=NOW)

    assert first == {"AAPL": 3270, "FB": 196, "GOOG": 2148, "IBM": 3270, "MSFT": 3270}
    assert set(second.values()) == {0}


def test_the_samples_know_name_sector_and_tick() -> None:
    load_sample_data(at=NOW)

    row = selectors.instrument("AAPL")

    assert (row.name, row.sector, row.calendar, str(row.tick_size)) == (
        "Apple Inc.", "Information Technology", "XNYS", "0.01",
    )  # fmt: skip
    assert selectors.instrument("FB").sector == "Communication Services"


def test_no_split_shows_as_a_fall() -> None:
    load_sample_data(at=NOW)

    for symbol in ("AAPL", "FB", "GOOG", "IBM", "MSFT"):
        c = selectors.bar_series(selectors.instrument(symbol), Timeframe.D1).c
        falls = np.sort(c[1:] / c[:-1])
        assert falls[1] > 0.8, symbol  # one day was worse: Apple's warning of 29 September 2000


def test_splits_that_somebody_wrote_down_before_stay_as_they_are() -> None:
    row = make_instrument("AAPL")
    record_action(row, kind=ActionKind.SPLIT, ex_date=date(2005, 2, 28), value=Decimal(2))

    load_sample_data(at=NOW)

    assert selectors.corporate_actions(row).count() == 2


def test_every_sample_file_has_its_attribution() -> None:
    text = (samples.FOLDER / "ATTRIBUTION.md").read_text()
    assert all(path.name in text for path in samples.FOLDER.glob("*.gz"))


def test_the_command_imports_a_file_and_prints_the_answer(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Date,o,h,l,Settle\n01/02/2024,1,2,1,2\n01/15/2024,1,2,x,2\n")
    out = StringIO()

    call_command(
        "import_bars", str(path), "--symbol", "X", "--timeframe", "1d", "--column", "close=Settle",
        "--tick-size", "0.5", stdout=out,
    )  # fmt: skip

    answer = json.loads(out.getvalue())
    assert (answer["rows_stored"], answer["rejected"][0]["line"]) == (1, 3)
    assert str(selectors.instrument("X").tick_size) == "0.5"


@pytest.mark.parametrize(
    "options",
    [["nofile.csv", "--timeframe", "1d"], ["README.md", "--timeframe", "1d", "--symbol", "X"]],
)
def test_the_command_tells_what_it_can_not_import(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# no bars\n")
    with pytest.raises(CommandError):
        call_command("import_bars", str(tmp_path / options[0]), *options[1:])
