"""Portfolio risk against independent figures: of scipy and scikit-learn, of textbooks, by hand."""

from decimal import Decimal as D
from fractions import Fraction

import numpy as np
import pytest

from domain.bars import Floats
from risk import portfolio_risk as portfolio
from risk.comovement import Closes, aligned_returns, beta, clusters, correlation, shrunk_correlation
from risk.tail_risk import LEVELS, all_tails, contributions, cornish_fisher, historical, parametric
from risk.tests.examples import MSFT, XOM, position, snapshot

VALUES = np.array([50_000.0, 30_000.0, -20_000.0, 40_000.0])
EXACT = {"rel": 1e-9, "abs": 0}


def series(k: int, n: int = 250) -> Floats:
    """Returns that any language makes alike: fractional parts of i sqrt(k), bent."""
    u = np.modf(np.arange(1, n + 1) * np.sqrt(k))[0]
    return np.round(0.01 * (u - 0.5) + 0.03 * (2 * u - 1) ** 9 - 0.004 * u**12, 8)


def returns() -> Floats:
    found = np.column_stack([series(k) for k in (2, 3, 5, 7)])
    found[:, 1] = np.round(0.6 * found[:, 0] + 0.4 * found[:, 1], 8)
    return found


# scipy 1.17.1: stats.mstats.mquantiles (type 7), stats.norm, stats.skew, stats.kurtosis, integrate.quad over the tail.
GOLDEN = {
    ("historical", 0.95): (1295.6752649999996, 1652.8007615384615),
    ("parametric", 0.95): (1186.5782270107109, 1481.5376691670206),
    ("cornish_fisher", 0.95): (1178.4275676735826, 1635.0077687946462),
    ("historical", 0.99): (1695.3574429999999, 2106.2753333333335),
    ("parametric", 0.99): (1667.6330228798045, 1906.8328132593476),
    ("cornish_fisher", 0.99): (1906.4357690943498, 2389.0679059562713),
}
GOLDEN_BETA, GOLDEN_CORRELATION = 0.5696629574019161, 0.8164517763450476  # stats.linregress, stats.pearsonr
GOLDEN_SHRINKAGE, GOLDEN_SHRUNK = (
    0.11417050384429837,
    {(0, 1): 0.7232370656751608, (2, 3): -0.19319597978532393},
)  # scikit-learn 1.9.1 LedoitWolf


def test_every_tail_measure_is_scipys() -> None:
    pnl = returns() @ VALUES

    found = {(tail.method, tail.level): tail for tail in all_tails(pnl)}

    assert found.keys() == GOLDEN.keys()
    for key, (value_at_risk, shortfall) in GOLDEN.items():
        assert found[key].value_at_risk == pytest.approx(value_at_risk, **EXACT), key
        assert found[key].expected_shortfall == pytest.approx(shortfall, **EXACT), key


def test_the_worst_days_by_hand() -> None:
    pnl = np.array([float(n) for n in range(-10, 91)])  # 101 days: the quantiles lie on days

    found = historical(pnl, 0.95)

    assert found.value_at_risk == pytest.approx(5, **EXACT)  # the sixth worst of 101
    assert found.expected_shortfall == pytest.approx(7.5, **EXACT)  # the mean of 10, 9, 8, 7, 6, 5


def test_normal_tails_by_the_textbook() -> None:
    # McNeil, Frey & Embrechts, Quantitative Risk Management (2005), section 2.2.4: multiples of sigma.
    pnl = np.array([-1.0, 1.0] * 500)
    sigma = float(pnl.std(ddof=1))

    assert parametric(pnl, 0.95).value_at_risk / sigma == pytest.approx(1.6448536269514722, **EXACT)
    assert parametric(pnl, 0.99).expected_shortfall / sigma == pytest.approx(2.6652142203457753, rel=1e-9)


def test_without_skew_or_excess_kurtosis_the_expansion_is_the_normal() -> None:
    pnl = np.array([-(3**0.5), 0.0, 0.0, 0.0, 0.0, 3**0.5])  # kurtosis 3: exactly the normal's

    for level in LEVELS:
        ours, normal = cornish_fisher(pnl, level), parametric(pnl, level)
        assert ours.value_at_risk == pytest.approx(normal.value_at_risk, **EXACT)
        assert ours.expected_shortfall == pytest.approx(normal.expected_shortfall, **EXACT)


def test_components_add_up_and_margins_are_slopes() -> None:
    found = contributions(VALUES, returns(), 0.99)

    whole = parametric(returns() @ VALUES, 0.99).value_at_risk
    assert found.total == pytest.approx(whole, **EXACT)
    for i in range(len(VALUES)):
        step = np.zeros(len(VALUES))
        step[i] = 1.0
        up, down = (parametric(returns() @ (VALUES + sign * step), 0.99).value_at_risk for sign in (1, -1))
        assert found.marginal[i] == pytest.approx((up - down) / 2, rel=1e-6)


def test_beta_and_correlation_are_scipys() -> None:
    one, two = returns()[:, 1], returns()[:, 0]

    assert beta(one, two) != beta(two, one)
    assert beta(one, two) == pytest.approx(GOLDEN_BETA, **EXACT)
    assert correlation(one, two) == pytest.approx(GOLDEN_CORRELATION, **EXACT)
    assert beta(one, np.zeros(250)) is None and correlation(one, np.zeros(250)) is None


def test_the_shrunk_matrix_is_scikit_learns() -> None:
    found = shrunk_correlation(returns())

    assert found.shrinkage == pytest.approx(GOLDEN_SHRINKAGE, **EXACT)
    for cell, value in GOLDEN_SHRUNK.items():
        assert found.matrix[cell] == pytest.approx(value, rel=1e-9, abs=1e-12)
    assert np.array_equal(np.diag(found.matrix), np.ones(4)) and np.allclose(found.matrix, found.matrix.T)


def test_clusters_are_chains_of_high_correlation() -> None:
    matrix = np.eye(5)
    for one, two, value in ((0, 2, 0.9), (2, 4, 0.7), (1, 3, 0.69)):
        matrix[one, two] = matrix[two, one] = value

    assert clusters(matrix) == [[0, 2, 4], [1], [3]]


def test_returns_run_over_common_days_only() -> None:
    one = Closes(np.array([1, 2, 3, 4]), np.array([100.0, 110.0, 121.0, 60.5]))
    two = Closes(np.array([1, 3, 4, 5]), np.array([10.0, 20.0, 30.0, 1.0]))

    found = aligned_returns([one, two], 60)

    assert found == pytest.approx(np.array([[0.21, 1.0], [-0.5, 0.5]]))
    assert len(aligned_returns([one, two], 1)) == 1 and aligned_returns([], 5).size == 0


def test_exposure_nets_within_an_instrument_and_adds_between_them() -> None:
    account = snapshot(position(100), position(-40, strategy_id=None), position(-10, 200, MSFT), position(30, 100, XOM))

    total = portfolio.total_exposure(account)
    sectors = {each.name: (each.gross, each.net) for each in portfolio.exposures_by(account, lambda p: p.sector)}

    assert (total.gross, total.net) == (D(8000), D(4000))
    assert (total.gross_percent, total.net_percent) == (D(8), D(4))
    assert sectors == {"Technology": (D(5000), D(1000)), "Energy": (D(3000), D(3000))}
    assert portfolio.total_exposure(snapshot(position(1), equity=0)).gross_percent is None


def test_concentration_by_hand() -> None:
    found = portfolio.concentration([D(60), D(-30), D(10)])

    assert found is not None
    assert found.hhi == D("0.46") and found.largest_share == D("0.6")
    assert Fraction(found.effective_positions) == pytest.approx(Fraction(50, 23))
    assert portfolio.concentration([]) is None


def test_drawdown_now_and_at_its_worst() -> None:
    found = portfolio.drawdown([D(100), D(120), D(90), D(110), D(114)])

    assert found == portfolio.Drawdown(D(5), D(25), 3)
    assert portfolio.drawdown([]) == portfolio.Drawdown(D(0), D(0), 0)


def test_stress_takes_the_most_exact_word() -> None:
    lines = portfolio.lines_of([position(100, 50), position(-10, 200, MSFT), position(30, 100, XOM)])
    own = portfolio.Scenario("mine", D(-10), {"Technology": D(-20), "MSFT": D(50)})

    found = portfolio.stressed(lines, D(100_000), own)

    assert found.by_symbol == {"AAPL": D(-1000), "MSFT": D(-1000), "XOM": D(-300)}
    assert (found.pnl, found.equity_after) == (D(-2300), D(97_700))


def test_every_crisis_hurts_a_long_account() -> None:
    lines = portfolio.lines_of([position(100, 50)])

    assert all(portfolio.stressed(lines, D(100_000), each).pnl < -1000 for each in portfolio.SCENARIOS)


@pytest.mark.parametrize(("volume", "days"), [(D(1000), D(5)), (D(0), None), (None, None)])
def test_days_to_exit_take_a_tenth_of_the_volume(volume: D | None, days: D | None) -> None:
    assert portfolio.days_to_exit(D(-500), volume) == days
