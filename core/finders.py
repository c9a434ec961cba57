"""Serve single named files out of installed packages: third-party files come from npm or wheels, never from copies."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Warning
from django.core.files.storage import FileSystemStorage


class _MappedStorage(FileSystemStorage):
    """Files under their public names, read from where the package manager put them."""

    prefix = None

    def path(self, name: str) -> str:
        return str(settings.VENDOR_FILES[name])


class VendorFinder(BaseFinder):
    """Find the files that `VENDOR_FILES` lists: {public path: path of the installed file}."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.files: dict[str, Path] = settings.VENDOR_FILES
        folders = {source.parent for source in self.files.values()}  # ServeStatic serves nothing from outside them
        self.storages = {
            str(folder): _MappedStorage(location=str(folder), base_url=settings.STATIC_URL) for folder in folders
        }

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        """Name every listed file that is not installed."""
        missing = [source for source in self.files.values() if not source.is_file()]
        return [Warning(f"{path} is not installed; run `npm ci --ignore-scripts`.", id="core.W001") for path in missing]

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Return the full path of a listed file (a list with `find_all`), or an empty list."""
        source = self.files.get(path)
        if source is None or not source.is_file():
            return []
        return [str(source)] if find_all else str(source)

    def list(self, ignore_patterns: Any) -> Iterator[tuple[str, FileSystemStorage]]:
        """Yield every listed file that is installed."""
        for public, source in self.files.items():
            if source.is_file():
                yield public, self.storages[str(source.parent)]
