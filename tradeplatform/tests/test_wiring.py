"""Who hears what: every path of the wiring can be called, and docs/architecture.md tells the same."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.module_loading import import_string

from tradeplatform import wiring

PATHS = sorted({path for paths in wiring.HANDLERS.values() for path in paths})
OTHER_PATHS = [*wiring.SOCKET_ACCESS.values(), *wiring.HEALTH.values(), wiring.SOCKET_TOKEN]


@pytest.mark.parametrize("path", [*PATHS, *OTHER_PATHS])
def test_what_is_wired_can_be_called(path: str) -> None:
    assert callable(import_string(path))


def test_the_documented_table_of_facts_and_handlers_is_the_wiring() -> None:
    wired = {
        event.name: {path.replace(".handlers.", ".") for path in paths} for event, paths in wiring.HANDLERS.items()
    }

    assert documented() == wired


def documented() -> dict[str, set[str]]:
    """Read the table's rows: facts in the first cell, handlers in the second, each between backticks."""
    text = (Path(settings.BASE_DIR) / "docs" / "architecture.md").read_text()
    table: dict[str, set[str]] = {}
    for line in text.partition("<!-- facts -->")[2].partition("<!-- /facts -->")[0].splitlines():
        cells = line.split("|")
        if len(cells) > 2:
            for fact in re.findall(r"`([^`]+)`", cells[1]):
                table.setdefault(fact, set()).update(re.findall(r"`([^`]+)`", cells[2]))
    return table
