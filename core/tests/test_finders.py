"""Vendor files come from installed packages only."""

from pathlib import Path
from typing import Any

from core.finders import VendorFinder


def test_only_listed_and_installed_files_are_found(tmp_path: Path, settings: Any) -> None:
    installed = tmp_path / "real.js"
    installed.write_text("1")
    settings.VENDOR_FILES = {"vendor/a.js": installed, "vendor/b.js": tmp_path / "absent.js"}
    finder = VendorFinder()

    assert finder.find("vendor/a.js") == str(installed)
    assert finder.find("vendor/b.js") == []
    assert finder.find("vendor/../secret") == []
    assert [name for name, _ in finder.list([])] == ["vendor/a.js"]
    assert [message.id for message in finder.check()] == ["core.W001"]
    _, storage = next(finder.list([]))
    with storage.open("vendor/a.js") as opened:
        assert opened.read() == b"1"
