"""The colours keep the contrast that WCAG 2.2 AA asks for, in both themes."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "static" / "css" / "tokens.css"
TEXT_PAIRS = [
    *((text, ground) for text in ("text", "text-2", "text-3") for ground in ("bg", "surface", "surface-2")),
    *((tone, "surface") for tone in ("gain", "loss", "warn", "info", "wait", "accent", "stale", "paper", "live")),
    *((tone, f"{tone}-soft") for tone in ("gain", "loss", "warn", "info", "wait", "paper", "live", "accent")),
    ("text-2", "surface-3"),
    ("on-accent", "accent-fill"),
    ("on-accent", "accent-hover"),
    ("on-accent", "live-fill"),
]
EDGE_PAIRS = [("line-strong", "surface"), ("focus", "surface"), ("gain-candle", "surface"), ("loss-candle", "surface")]


def theme(name: str) -> dict[str, str]:
    block = re.search(rf'\[data-bs-theme="{name}"\] \{{(.*?)\n\}}', TOKENS.read_text(encoding="utf-8"), re.S)
    assert block is not None
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block.group(1)))


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the WCAG contrast ratio, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_of_black_on_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("pair", TEXT_PAIRS, ids="-on-".join)
def test_text_is_readable(name: str, pair: tuple[str, str]) -> None:
    colours = theme(name)

    assert contrast(colours[pair[0]], colours[pair[1]]) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("pair", EDGE_PAIRS, ids="-on-".join)
def test_edges_and_marks_can_be_seen(name: str, pair: tuple[str, str]) -> None:
    colours = theme(name)

    assert contrast(colours[pair[0]], colours[pair[1]]) >= 3
