"""Figures of the risk page: sizes, colors and order of what is drawn, and words that stand beside it."""

from typing import Any

from risk import figures

CELLS: list[dict[str, Any]] = [
    {"symbol": "AAPL", "sector": "Technology", "value": 600, "share_percent": 6, "pnl_percent": -2.0},
    {"symbol": "XOM", "sector": "Energy", "value": -300, "share_percent": -3, "pnl_percent": 4.0},
    {"symbol": "MSFT", "sector": "Technology", "value": 100, "share_percent": None, "pnl_percent": None},
]
WORDS = ["-2.00 %", "+4.00 %", "–"]


def trace(by_risk: bool) -> dict[str, Any]:
    found = figures.heat_map(CELLS, by_risk=by_risk, shares={"AAPL": 0.9, "XOM": -0.1}, pnl_words=WORDS)
    assert found is not None
    tree: dict[str, Any] = found["data"][0]
    return tree


def test_a_position_is_as_large_as_its_value_and_colored_by_its_result() -> None:
    tree = trace(by_risk=False)

    sizes = dict(zip(tree["ids"], tree["values"], strict=True))
    assert sizes == {"all": 1000, "sector:Technology": 700, "sector:Energy": 300, "AAPL": 600, "XOM": 300, "MSFT": 100}
    assert tree["marker"]["colors"][-3:] == [-2.0, 4.0, 0.0]
    assert (tree["marker"]["cmin"], tree["marker"]["cmax"]) == (-4.0, 4.0)
    assert tree["text"][-3:] == ["6.0 % of equity<br>-2.00 %", "short 3.0 % of equity<br>+4.00 %", "held<br>–"]


def test_it_can_be_colored_by_what_adds_to_the_risk() -> None:
    tree = trace(by_risk=True)

    assert tree["marker"]["colors"][-3:] == [90.0, -10.0, 0.0] and tree["marker"]["cmin"] == 0
    assert "+90.0 % of risk" in tree["text"][3]
    assert figures.heat_map([], by_risk=False, shares={}, pnl_words=[]) is None


def test_correlated_instruments_stand_beside_each_other() -> None:
    matrix = [[1.0, 0.1, 0.9], [0.1, 1.0, -0.5], [0.9, -0.5, 1.0]]

    found = figures.correlations(["A", "B", "C"], matrix, [["A", "C"], ["B"]])["data"][0]

    assert found["x"] == found["y"] == ["A", "C", "B"]
    assert found["z"][0] == [1.0, 0.9, 0.1] and found["z"][1] == [0.9, 1.0, -0.5]
    assert figures.strongest_pairs(["A", "B", "C"], matrix, n=2) == [("A", "C", 0.9), ("B", "C", -0.5)]


def test_colors_are_names_of_design_tokens() -> None:
    assert all(color.startswith("var(--") for _, color in trace(by_risk=False)["marker"]["colorscale"])
