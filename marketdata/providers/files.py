"""Bars out of CSV, gzipped CSV and Parquet files: the one entry of the parsers in this folder. Pure."""

from marketdata.providers import columns_path, lines_path
from marketdata.providers.table import FileBars, FileOptions
from marketdata.providers.unpacking import FileKind, unpack


def read_bars(content: bytes, options: FileOptions) -> FileBars:
    """Return the bars of a file in its own order, with every line that holds none and why.

    A clean file goes by whole columns; any other line by line. Raises ValidationFailed or TooLarge when the file as a
    whole cannot be read: damaged, cut off, too large, ticks instead of bars, a header that does not tell.
    """
    kind, plain = unpack(content)
    if kind is FileKind.PARQUET:
        return columns_path.read_parquet(plain, options)
    try:
        return columns_path.read_csv(plain, options)
    except columns_path.NotClean:
        return lines_path.read_csv(plain, options)
