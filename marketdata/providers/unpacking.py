"""From an uploaded file to its plain bytes: what kind it is, and how large it may become. Pure."""

import zlib
from enum import StrEnum

from domain.errors import TooLarge, ValidationFailed

MAX_PACKED_BYTES = 100_000_000
MAX_PLAIN_BYTES = 400_000_000
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class FileKind(StrEnum):
    """What a file is, by its first bytes; its name does not matter."""

    CSV = "csv"
    PARQUET = "parquet"


def unpack(
    content: bytes, *, max_packed: int = MAX_PACKED_BYTES, max_plain: int = MAX_PLAIN_BYTES
) -> tuple[FileKind, bytes]:
    """Return the kind of file and its bytes without compression.

    Raises TooLarge beyond a bound (without unpacking further), ValidationFailed for an empty, cut-off or broken file.
    """
    if len(content) > max_packed:
        raise TooLarge(f"The file of {len(content):,} bytes is larger than {max_packed:,}.", field="file")
    plain = _gunzip(content, max_plain) if content.startswith(_GZIP) else content
    if len(plain) > max_plain:
        raise TooLarge(f"The file holds more than {max_plain:,} bytes.", field="file")
    plain = plain.removeprefix(_BOM)
    if not plain or plain.isspace():
        raise ValidationFailed("The file is empty.", field="file", code="empty")
    if plain.startswith(_PARQUET):
        return FileKind.PARQUET, plain
    if plain.startswith(_UTF16) or b"\0" in plain[:4096]:
        raise ValidationFailed("The file is not UTF-8 text, gzip or Parquet.", field="file", code="not_text")
    return FileKind.CSV, plain


def _gunzip(content: bytes, max_plain: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    rest = content
    while rest.startswith(_GZIP):  # a gzip file may have several members
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                part = member.decompress(rest, _CHUNK)
            except zlib.error as error:
                raise ValidationFailed(f"The gzip file is damaged: {error}.", field="file", code="damaged") from None
            rest = member.unconsumed_tail
            size += len(part)
            if size > max_plain:
                raise TooLarge(f"The file unpacks to more than {max_plain:,} bytes.", field="file")
            parts.append(part)
            if not part and not rest and not member.eof:
                message = f"The gzip file is cut off after {size:,} unpacked bytes; nothing of it was stored."
                raise ValidationFailed(message, field="file", code="truncated")
        rest = member.unused_data
    return b"".join(parts)
