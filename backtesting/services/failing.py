"""What a job says of an error that nobody anticipated: there was no room for its result, or its code is wrong."""

import errno

from django.db import DatabaseError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_WORDS = ("disk is full", "disk i/o error", "no space left", "could not extend file")  # of SQLite, of PostgreSQL


def told(error: Exception) -> tuple[str, str]:
    """Return the message and the code for an error."""
    if has_no_room(error):
        message = "There was no room to write its result: the disk is full. Nothing of it is kept; run it again later."
        return message, "disk_full"
    return f"It failed with an error of the code: {type(error).__name__}: {error}", "error"


def has_no_room(error: Exception) -> bool:
    """Tell whether an error says that a disk (of this machine, or of the database) takes no more."""
    if isinstance(error, OSError):
        return error.errno in NO_ROOM
    return isinstance(error, DatabaseError) and any(words in str(error).lower() for words in _WORDS)
