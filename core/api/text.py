"""What may stand in a text from outside (pure): no NUL, no half surrogate pairs, no hidden direction marks."""

import unicodedata

# Embeddings, overrides and isolates turn the reading direction of what follows; marks and joiners hide in symbols.
_HIDDEN = frozenset("\u061c\u200b\u200c\u200d\u200e\u200f\u2060\ufeff")
_DIRECTION = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def fault_in_text(text: str) -> str:
    """Say what makes a text unfit to be stored at all ("" when nothing does)."""
    if "\x00" in text:
        return "a NUL character"
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        return "half of a surrogate pair"
    return ""


def fault_in_line(text: str, *, multiline: bool = False) -> str:
    """Say what makes a text unfit to be shown: control and direction characters ("" when nothing does)."""
    if fault := fault_in_text(text):
        return fault
    allowed = "\n\t" if multiline else ""
    for c in text:
        if c in _DIRECTION or c in _HIDDEN:
            return f"the hidden or direction character U+{ord(c):04X}"
        if unicodedata.category(c) in ("Cc", "Zl", "Zp") and c not in allowed:
            return f"the control character U+{ord(c):04X}"
    return ""
