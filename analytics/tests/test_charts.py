"""Pictures hold the numbers they show, only what the installed bundle can draw, and say the same in words."""

import itertools
import json

import numpy as np
import pytest

from analytics.charts import picture
from analytics.charts.cells import correlation_picture, monthly_picture
from analytics.charts.curves import bands_picture, equity_picture, rebased, rolling_picture
from analytics.charts.distributions import distribution_picture, excursions_picture, outcomes_picture
from analytics.charts.picture import Picture
from analytics.charts.sweeps import parallel_picture, parameters_picture, response_picture, surface_picture
from analytics.metrics.annual import DAILY
from analytics.metrics.months import YearRow, monthly_table
from analytics.metrics.summary import Curve
from analytics.metrics.trades import TradeColumns
from analytics.tearsheet import Drawn, pictures_of, tear_sheet
from analytics.tests.test_summary import days, trades_of

COMBOS = [{"fast": f, "slow": s, "kind": k} for f in (5, 10) for s in (20, 40, 80) for k in ("a", "b")]
SCORES = np.array([0.1 * i for i in range(len(COMBOS))])


def walk(n: int) -> np.ndarray:
    return 1_000 * np.cumprod(1 + np.random.default_rng(1).normal(0.0005, 0.01, n))


def assert_drawable(found: Picture) -> None:
    """It is JSON, holds no NaN, and only scatter and bar traces."""
    json.dumps(found.figure, allow_nan=False)
    assert {trace["type"] for trace in found.figure["data"]} <= {"scatter", "bar"}
    assert found.summary.endswith(".")


def test_equity_lies_above_its_drawdown_and_says_both() -> None:
    equity = np.array([100.0, 120.0, 90.0, 130.0])

    found = equity_picture(days(4), equity, benchmark=np.array([np.nan, 10.0, 11.0, 12.0]), benchmark_name="SPY")

    assert_drawable(found)
    assert [trace["name"] for trace in found.figure["data"]] == ["Equity", "SPY", "Drawdown"]
    assert found.figure["data"][1]["y"] == [None, 100.0, 110.0, 120.0]
    assert found.figure["data"][2]["y"] == [0.0, 0.0, -0.25, 0.0]
    assert found.summary == (
        "Equity from 100 on 01 Jan 2024 to 130 on 04 Jan 2024: +30.0\u00a0%. SPY: +20.0\u00a0%. "
        "Deepest drawdown −25.0\u00a0% from 02 Jan 2024, recovered on 04 Jan 2024."
    )


def test_a_line_that_never_moves_has_an_axis_around_it() -> None:
    found = equity_picture(np.arange(3) * 86_400, np.full(3, 100.0))

    axes = found.figure["layout"]
    assert axes["yaxis"]["range"] == [90.0, 110.0]
    assert axes["yaxis2"]["range"] == [-0.1, 0.0]
    assert ": 0.0\u00a0%. It never fell" in found.summary


def test_percents_of_summaries_are_grouped_and_nothing_has_no_sign() -> None:
    assert [picture.written(value) for value in (24.989, -0.0001, 0.0, -0.5)] == [
        *("+2,498.9\u00a0%", "0.0\u00a0%", "0.0\u00a0%", "−50.0\u00a0%"),
    ]


def test_thinning_keeps_ends_and_extremes() -> None:
    values = walk(50_000)

    rows = picture.thinned(values)

    assert len(rows) <= 2_002 and rows[0] == 0 and rows[-1] == 49_999
    assert {int(values.argmin()), int(values.argmax())} <= set(rows.tolist())


def test_thinning_keeps_the_lowest_and_the_highest_of_every_stretch() -> None:
    values = np.round(walk(5_321), 1)  # with equals, of which the first is kept
    values[100] = np.nan

    rows = picture.thinned(values, 400)

    edges = np.linspace(0, 5_321, 201).astype(int)
    filled = np.nan_to_num(values)
    parts = [(start, filled[start:stop]) for start, stop in itertools.pairwise(edges.tolist())]
    wanted = {0, 5_320, *(at + int(f(part)) for at, part in parts for f in (np.argmin, np.argmax))}
    assert rows.tolist() == sorted(wanted)


def test_numbers_have_so_many_significant_digits_and_nothing_for_what_is_unknown() -> None:
    values = np.array([0.0, -0.0, 1 / 3, -123456.789, 9.9999999e-7, 1.23456789e15, 5e-290, 1.7e20, np.nan, np.inf])

    assert picture.numbers(values) == [
        *(0.0, 0.0, 0.333333, -123457.0, 1e-6, 1.23457e15, 5e-290, 1.7e20, None, None),
    ]
    many = walk(3_000) ** 5
    assert picture.numbers(many, 9) == [float(f"{value:.9g}") for value in many.tolist()]


@pytest.mark.parametrize("n", [0, 1, 3])
def test_short_curves_are_drawn_without_error(n: int) -> None:
    sheet = tear_sheet(Curve(days(n), walk(n)), TradeColumns.empty(), basis=DAILY)

    for found in sheet.pictures.values():
        assert_drawable(found)


def test_tokens_become_colours_wherever_they_stand() -> None:
    figure = {"data": [{"marker": {"colorscale": [[0.0, "var(--loss)"]]}, "name": "var"}], "layout": {"n": 1}}

    found = picture.resolved(figure, {"loss": "#ff0000"})

    assert found == {"data": [{"marker": {"colorscale": [[0.0, "#ff0000"]]}, "name": "var"}], "layout": {"n": 1}}


def test_mixtures_become_colours_between_the_two() -> None:
    figure = {"data": [picture.mixed("var(--gain)", 0.25)], "layout": {}}

    found = picture.resolved(figure, {"gain": "#00ff00", "surface-3": "#ffffff"})

    assert found["data"] == ["#bfffbf"]


def test_colours_are_put_into_a_figure_that_is_text_already_as_into_the_figure_itself() -> None:
    figure = {"data": [{"marker": {"color": ["var(--gain)", "mix(--gain,--surface-3,0.50)"]}, "x": [1.0, None]}]}
    colours = {"gain": "#00ff00", "surface-3": "#ffffff"}

    assert json.loads(picture.resolved_text(json.dumps(figure), colours)) == picture.resolved(figure, colours)


def test_months_are_cells_with_their_values() -> None:
    months = (0.05, None, -0.02, *[None] * 9)

    found = monthly_picture([YearRow(2024, months, 0.029)])

    assert_drawable(found)
    assert found.figure["data"][0]["text"] == ["+5.0", "−2.0", "+2.9"]
    assert found.figure["data"][0]["x"] == [0, 2, 12]
    assert found.figure["data"][0]["meta"] == {"columns": 13, "brief": ["+5", "−2", "+3"]}
    assert found.summary == "1 of 2 months gained. Best Jan 2024 +5.0\u00a0%, worst Mar 2024 −2.0\u00a0%."
    assert monthly_picture(()).summary == "No month yet."


def test_small_months_keep_their_figures_on_a_telephone() -> None:
    months = (0.0011, 0.0, -0.0004, *[None] * 9)

    found = monthly_picture([YearRow(2024, months, 0.0107)])

    assert found.figure["data"][0]["meta"]["brief"] == [".11", "", "−.04", "1.07"]


def test_histogram_counts_every_return() -> None:
    returns = np.random.default_rng(2).normal(0, 0.01, 500)

    found = distribution_picture(returns)

    assert_drawable(found)
    assert sum(found.figure["data"][0]["y"]) == 500
    assert found.summary.startswith("500 returns: mean")
    assert_drawable(distribution_picture(np.empty(0)))
    assert_drawable(distribution_picture(np.zeros(10)))


def test_a_surface_takes_the_best_of_the_other_parameters() -> None:
    found = surface_picture(COMBOS, SCORES, x="fast", y="slow", objective="sharpe")

    assert_drawable(found)
    cells = found.figure["data"][0]
    assert len(cells["x"]) == 6
    assert cells["hovertext"][0] == "20, 5: 0.100"  # slow 20, fast 5: the better of kinds a and b
    assert cells["marker"]["color"][0] == "mix(--chart-1,--surface-3,0.00)"
    assert found.summary == "Best sharpe 1.100 at fast 10, slow 80; median of all 0.550."


def test_a_search_of_one_parameter_is_a_curve() -> None:
    scores = np.array([-0.2, np.nan, -0.1])

    found = response_picture([20, 5, 10], scores, x="fast", objective="volatility", is_maximized=False)

    assert_drawable(found)
    assert (found.figure["data"][0]["x"], found.figure["data"][0]["y"]) == (["10", "20"], [0.1, 0.2])
    assert found.summary == "Best volatility 0.100 at fast 10, of 2 values."


def test_a_surface_of_a_minimized_figure_writes_the_figure() -> None:
    found = surface_picture(COMBOS, -SCORES - 0.1, x="fast", y="slow", objective="volatility", is_maximized=False)

    assert found.summary.startswith("Best volatility 0.100 at fast 5, slow 20")


def test_parallel_lines_are_every_usable_combination() -> None:
    scores = SCORES.copy()
    scores[3] = np.nan

    found = parallel_picture(COMBOS, scores, objective="sharpe")

    assert_drawable(found)
    drawn = sum(trace["y"].count(None) for trace in found.figure["data"])
    assert drawn == 11
    assert found.summary == "11 of 12 combinations. Best: fast 10, slow 80, kind b: sharpe 1.100."


def test_many_combinations_are_drawn_by_the_best_and_an_even_rest() -> None:
    combos = [{"x": i} for i in range(5_000)]

    found = parallel_picture(combos, np.arange(5_000.0), objective="sharpe")

    assert sum(trace["y"].count(None) for trace in found.figure["data"]) == 400
    assert_drawable(parallel_picture(combos, np.full(5_000, np.nan), objective="sharpe"))


def test_parameters_over_time_have_a_stripe_each() -> None:
    found = parameters_picture(["2020", "2021", "2022"], {"fast": [5, None, 8], "on": [True, True, False]})

    assert_drawable(found)
    assert [trace["yaxis"] for trace in found.figure["data"]] == ["y", "y2"]
    assert "fast took 2 values in 3 windows (5, 8)." in found.summary


def test_correlations_name_the_closest_pair() -> None:
    found = correlation_picture(["A", "B", "C"], np.array([[1, 0.2, 0.9], [0.2, 1, -0.1], [0.9, -0.1, 1]]))

    assert_drawable(found)
    assert "the closest are C and A with 0.90" in found.summary


def test_bands_rolling_and_spreads_are_drawn() -> None:
    quantiles = np.array([[100.0, 90.0], [100.0, 101.0], [100.0, 120.0]])

    bands = bands_picture([0, 1], (0.05, 0.5, 0.95), quantiles, real=np.array([100.0, 103.0]))
    rolled = rolling_picture(days(3), {"Sharpe": np.array([np.nan, 1.0, -0.5])})
    spread = outcomes_picture(np.linspace(-0.3, 0.0, 100), name="Deepest drawdown", real=-0.1)

    for each in (bands, rolled, spread, excursions_picture(trades_of(1.0, -1.0))):
        assert_drawable(each)
    assert "median path stands at 101; 90 % of the paths lie between 90 and 120" in bands.summary
    assert rolled.summary == "Sharpe between −0.50 and 1.00, last −0.50."


def test_a_benchmark_without_prices_is_not_drawn() -> None:
    assert rebased(np.array([np.nan, np.nan]), 100.0) is None


def test_a_tear_sheet_holds_figures_months_falls_and_pictures() -> None:
    equity = walk(600)

    found = tear_sheet(
        Curve(days(600), equity), trades_of(3.0, -1.0), basis=DAILY, benchmark=equity, benchmark_name="B"
    )

    assert set(found.pictures) == {"equity", "months", "distribution", "rolling", "trades"}
    assert len(found.drawdowns) == 5 and found.months == monthly_table(days(600), equity)
    assert found.rolling is not None and found.rolling.beta is not None
    assert found.rolling.window == 126 and found.rolling.beta[-1] == pytest.approx(1)
    assert {info.name: value for info, value in found.rows()}["trades"] == 2


def test_a_sheet_draws_only_the_pictures_that_are_asked_for() -> None:
    drawn = Drawn(Curve(days(600), walk(600)), TradeColumns.empty(), DAILY)

    assert set(pictures_of(drawn, ("equity", "months"))) == {"equity", "months"}
    assert set(pictures_of(drawn)) == {"equity", "months", "distribution", "rolling"}  # of no trades there is none


def test_a_benchmark_beside_which_the_equity_would_look_flat_waits_for_a_click() -> None:
    equity = np.array([100.0, 101.0, 100.5, 102.0])

    far = equity_picture(days(4), equity, benchmark=np.array([10.0, 20.0, 30.0, 50.0]), benchmark_name="SPY")
    near = equity_picture(days(4), equity, benchmark=np.array([10.0, 10.5, 10.2, 10.4]), benchmark_name="SPY")

    assert far.figure["data"][1]["visible"] == "legendonly" and "click its name" in far.summary
    assert "visible" not in near.figure["data"][1] and "click its name" not in near.summary


def test_small_months_are_written_with_two_digits_and_nothing_without_a_sign() -> None:
    months = (0.0004, -0.0011, 0.0, *([None] * 9))

    texts = monthly_picture([YearRow(2024, months, -0.0007)]).figure["data"][0]["text"]

    assert texts == ["+0.04", "−0.11", "0.00", "−0.07"]


def test_ticks_of_narrow_returns_differ() -> None:
    wide = distribution_picture(np.linspace(-0.2, 0.2, 50))
    narrow = distribution_picture(np.linspace(-0.0004, 0.0004, 50))

    assert wide.figure["layout"]["xaxis"]["tickformat"] == ".0%"
    assert narrow.figure["layout"]["xaxis"]["tickformat"] == ".2%"
