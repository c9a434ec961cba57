"""Types come from the platform and from the operator's folder; what is broken fails alone, with the reason."""

from pathlib import Path

import pytest

from strategies.catalog import Catalog, load, stamp_of
from strategies.causality import check
from strategies.parameters import defaults_of, schema_of
from strategies.tests.series import walk

GOOD = '''
import numpy as np
from pydantic import Field
from strategies.base import Params, Signals, Strategy


class MyParams(Params):
    """Parameters."""

    level: float = Field(100.0, gt=0, le=1000, title="Level", description="Buy below it.")


class Mine(Strategy):
    """Buys below a level."""

    name = "mine"
    title = "Mine"
    description = "Buys below a level."
    Params = MyParams

    def warmup(self, params: MyParams) -> int:
        """None."""
        return 0

    def signals(self, bars, params: MyParams) -> Signals:
        """Compare."""
        return Signals(entry=bars.c < params.level, exit=bars.c > params.level)
'''


def put(folder: Path, name: str, text: str) -> Path:
    """Write a strategy file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def reason(found: Catalog, name: str) -> str:
    """Return why a file is broken; the built-in types must be there whatever it is."""
    assert {"sma_cross", "rsi_reversion", "breakout", "buy_and_hold"} <= set(found.types)
    return next(broken.reason for broken in found.broken if broken.name == name)


def test_built_in_types_have_titles_schemas_and_defaults_within_bounds(tmp_path: Path) -> None:
    found = load(tmp_path)

    assert set(found.types) == {"sma_cross", "trend_filter", "rsi_reversion", "breakout", "buy_and_hold"}
    assert found.broken == ()
    for each in found.types.values():
        schema = schema_of(each.strategy.Params)
        assert schema["additionalProperties"] is False
        assert set(defaults_of(each.strategy.Params)) == set(schema["properties"])
        for field in schema["properties"].values():
            assert field["title"] and field["description"] and "default" in field
    numbers = schema_of(found.types["sma_cross"].strategy.Params)["properties"]["fast"]
    assert (numbers["minimum"], numbers["maximum"], numbers["unit"]) == (1, 1000, "bars")


def test_a_good_file_is_a_type_like_any_other(tmp_path: Path) -> None:
    put(tmp_path, "my_file.py", GOOD)

    found = load(tmp_path).types["mine"]

    assert found.source == "my_file.py"
    assert check(found.strategy, found.strategy.Params(), walk(100)).is_causal


def test_a_changed_file_has_another_stamp_fingerprint_and_behaviour(tmp_path: Path) -> None:
    put(tmp_path, "my_file.py", GOOD)
    stamp, before = stamp_of(tmp_path), load(tmp_path).types["mine"]

    put(tmp_path, "my_file.py", GOOD.replace("100.0, gt=0", "250.0, gt=0"))  # same length, maybe the same second

    after = load(tmp_path).types["mine"]
    assert stamp_of(tmp_path) != stamp
    assert before.fingerprint != after.fingerprint
    assert defaults_of(after.strategy.Params) == {"level": 250.0}
    assert not list(tmp_path.glob("__pycache__"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_of_this_name\n", "nothing_of_this_name"),
        ("class Half(:\n", "line 1"),
        ("\n1 / 0\n", "division by zero"),
        ("raise SystemExit(3)\n", "SystemExit"),
        ("x = 1\n", "no class derived from Strategy"),
        (GOOD.replace('"mine"', '"Not A Name"'), "name must be"),
        (GOOD.replace('title = "Mine"', 'title = ""'), "no title"),
        (GOOD.replace("def warmup", "def heat_up"), "no method warmup"),
        (GOOD.replace("def signals", "def says"), "no method signals"),
        (GOOD.replace("Params = MyParams", "Params = dict"), "not derived from strategies.base.Params"),
        (GOOD.replace("Field(100.0,", "Field("), "needs a default"),
        (GOOD.replace("return 0", 'return "many"'), "warmup()"),
        (GOOD.replace('name = "mine"', 'name = "sma_cross"'), "taken by built-in"),
    ],
)
def test_a_broken_file_fails_alone_and_says_why(tmp_path: Path, text: str, words: str) -> None:
    put(tmp_path, "broken.py", text)
    put(tmp_path, "fine.py", GOOD.replace('name = "mine"', 'name = "fine"'))

    found = load(tmp_path)

    assert words in reason(found, "broken")
    assert "fine" in found.types


def test_a_reason_names_the_line_and_no_path_of_the_machine(tmp_path: Path) -> None:
    put(tmp_path, "broken.py", f"a = 1\nopen({str(tmp_path / 'missing' / 'x.csv')!r})\n")

    told = reason(load(tmp_path), "broken")

    assert "line 2" in told and str(tmp_path) not in told


def test_bytes_that_are_no_text_fail_alone(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_bytes(b"\xff\xfe\x00\x01")

    assert reason(load(tmp_path), "broken")


def test_files_that_begin_with_an_underscore_or_dot_are_not_strategies(tmp_path: Path) -> None:
    put(tmp_path, "_shared.py", "1 / 0")
    put(tmp_path, ".hidden.py", "1 / 0")

    assert load(tmp_path).broken == ()


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert load(tmp_path / "nowhere").broken == ()
