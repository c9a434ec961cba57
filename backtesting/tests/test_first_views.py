"""The first view of a result answers whether it is any good; lists and comparisons carry the verdict."""

import re
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtesting import selectors
from backtesting.services import searching, working
from backtesting.services.search_requests import CPCV, SearchRequest, WalkRequest
from backtesting.templatetags import backtests as shown
from backtesting.tests.jobs import done, in_place, request, stored_walk
from core.testing import make_user, page_client

pytestmark = pytest.mark.django_db
SPACE = {"fast": {"min": 3, "max": 12, "step": 3}, "slow": [20, 30]}


@pytest.fixture
def user() -> Any:
    stored_walk()
    return make_user()


def test_the_verdict_stands_first_with_its_chance_and_what_holding_gave(user: Any) -> None:
    job = done(user)

    page = page_client(user).get(f"/backtests/{job.pk}/")

    text = page.content.decode()
    held = page.context["benchmark_return"]
    assert page.context["lead"] == pytest.approx(job.metrics["total_return"] - held)
    assert text.index('class="verdict-card') < text.index('id="sections"')
    assert "Chance of more than luck" in text and "Against holding WALK" in text
    assert not re.search(r"\d %", re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


def judged(job: Any, word: str, **metrics: float) -> Any:
    """Store another verdict and other figures for a completed run."""
    job.summary["luck"]["verdict"]["word"] = word
    job.metrics |= metrics
    job.save(update_fields=["summary", "metrics"])
    return job


@pytest.mark.parametrize(
    ("word", "gained", "is_said"), [("promising", -0.9, True), ("promising", 90.0, False), ("likely_luck", -0.9, False)]
)
def test_a_promising_result_below_holding_says_that_holding_earned_more(
    user: Any, word: str, gained: float, is_said: bool
) -> None:
    job = judged(done(user), word, total_return=gained)
    client = page_client(user)

    texts = [client.get(f"/backtests/{job.pk}/{page}").content.decode() for page in ("", "report/")]

    for text in texts:
        assert ("Holding WALK earned more: " in text) is is_said
        assert ("Promising judges the return for the risk that was taken" in text) is is_said


def test_trading_likely_luck_on_paper_is_asked_once_in_plain_words(user: Any) -> None:
    job, client = done(user), page_client(user)

    asked = client.get(f"/backtests/{judged(job, 'likely_luck').pk}/").content.decode()
    plain = client.get(f"/backtests/{judged(job, 'promising').pk}/").content.decode()

    assert 'data-dialog="deploy-dialog"' in asked and asked.count(f"/backtests/{job.pk}/deploy/") == 1
    for words in ("likely luck. Trade it on paper?", "Trade on paper all the same", "Not now", "Use real money"):
        assert words in asked, words
    assert "deploy-dialog" not in plain and f"/backtests/{job.pk}/deploy/" in plain


def test_a_chance_is_never_said_to_be_certain() -> None:
    assert [shown.chance(value) for value in (0.9989, 0.97, 0.5, 0.0004)] == [
        *("above 99\u00a0%", "97\u00a0%", "50\u00a0%", "below 1\u00a0%"),
    ]


def test_the_list_shows_verdicts_and_the_values_a_search_tried(user: Any) -> None:
    job = done(user)
    searching.submit_sweep(user, SearchRequest(run=request(), space=SPACE))
    working.work_all(in_place)

    text = page_client(user).get("/backtests/rows/").content.decode()

    verdict = shown.verdict_of(job)
    assert verdict is not None and verdict["title"] in text
    assert "Fast average 3 to 12 by 3, Slow average 20, 30" in text


def test_a_run_without_trades_says_so_first_and_where_to_go(user: Any) -> None:
    rule = {"name": "Tiny orders", "type": "max_order_value", "scope": "account", "limit": Decimal(10)}
    refused = done(user, request(risk_rules=[rule]))
    silent = done(user, request(type="rsi_reversion", parameters={"period": 5, "oversold": 0.5, "overbought": 99.5}))
    client = page_client(user)

    assert "orders were refused by risk rules" in client.get(f"/backtests/{refused.pk}/").content.decode()
    text = client.get(f"/backtests/{silent.pk}/").content.decode()
    assert "gave no signal" in text and f"?from={silent.pk}" in text and "no costs to vary" not in text
    assert "Nothing was traded." not in client.get(f"/backtests/{done(user).pk}/").content.decode()


def test_a_cross_validation_shows_paths_and_no_figures_that_it_does_not_have(user: Any) -> None:
    wanted = WalkRequest(search=SearchRequest(run=request(), space=SPACE), mode=CPCV, groups=4, test_groups=2)
    job = searching.submit_walk(user, wanted)
    working.work_all(in_place)

    page = page_client(user).get(f"/backtests/{job.pk}/")

    text = page.content.decode()
    assert "Paths that lost" in text and "middle path" in text
    for words in ("Cpcv", "Fees paid", "Win rate", "window after window", "?section=windows", "?section=trades"):
        assert words not in text, words


def test_a_walk_forward_tells_how_long_it_was_in_the_market(user: Any) -> None:
    job = searching.submit_walk(user, WalkRequest(search=SearchRequest(run=request(), space=SPACE), n_windows=3))
    working.work_all(in_place)
    job.refresh_from_db()

    held = selectors.equity_of(job).exposure

    assert 0 < job.metrics["exposure"] < 1
    assert job.metrics["exposure"] == pytest.approx(float(np.mean(held > 0)))
    assert job.metrics["average_exposure"] == pytest.approx(float(held.mean()))


def test_a_comparison_names_costs_bars_and_verdicts_in_words(user: Any) -> None:
    first = done(user)
    second = done(user, request(fees={"percent": Decimal("0.5")}))

    text = page_client(user).get(f"/backtests/compare/?id={first.pk}&id={second.pk}").content.decode()

    assert "Commission, of the value 0.5 %" in text and "percent 0.5" not in text
    verdict = shown.verdict_of(first)
    assert verdict is not None and verdict["title"] in text
    assert shown.value_words("1d") == "1-day bars" and shown.value_words(45.0) == "45"


def test_a_run_leads_to_its_sweep_and_a_sweep_to_its_walk_forward(user: Any) -> None:
    job, client = done(user), page_client(user)

    text = client.get(f"/backtests/{job.pk}/").content.decode()

    for kind, words in (("sweep", "Sweep its parameters"), ("walk_forward", "Walk it forward")):
        assert f"?kind={kind}&amp;from={job.pk}" in text and words in text
        form = client.get(f"/backtests/new/?kind={kind}&from={job.pk}").content.decode()
        assert 'value="WALK"' in form and "Values to try" in form


@pytest.mark.parametrize("kind", ["", "sweep", "walk_forward"])
def test_an_empty_list_of_a_kind_says_what_the_kind_is_for_and_begins_one(user: Any, kind: str) -> None:
    text = page_client(user).get(f"/backtests/?kind={kind}").content.decode()

    words = {"": "Nothing tested yet", "sweep": "No sweep yet", "walk_forward": "No walk-forward yet"}
    assert words[kind] in text and f'href="/backtests/new/{"?kind=" + kind if kind else ""}"' in text


def test_the_first_view_says_how_much_of_the_money_was_at_work(user: Any) -> None:
    job = done(user, request(sizing_value=Decimal(2)))

    text = page_client(user).get(f"/backtests/{job.pk}/").content.decode()

    assert 0 < job.metrics["average_exposure"] < 0.03
    assert f"on average {job.metrics['average_exposure'] * 100:.2f}\u00a0% of equity invested" in text


def test_sizes_are_words_with_their_unit() -> None:
    told = {"percent_equity": "95", "fixed_value": "25000", "equal_weight": "3", "kelly": "0.5"}

    assert [shown.sizing_words({"method": method, "value": value}) for method, value in told.items()] == [
        *("95\u00a0% of equity", "25,000 in the account's currency", "Equity in 3 equal parts"),
        "0.5 of the Kelly criterion",
    ]


def test_settings_of_a_run_without_rules_name_no_gate_that_was_open(user: Any) -> None:
    client = page_client(user)

    pages = {
        rules: client.get(f"/backtests/{done(user, request(risk_rules=rules)).pk}/?section=settings").content.decode()
        for rules in ("none", "mine")
    }

    assert "Most open positions" not in pages["none"] and "10,000" not in pages["none"].replace("$100,000", "")
    assert "Most open positions" in pages["mine"]


def test_a_drawdown_has_the_same_days_in_its_table_and_in_the_words_of_the_curve(user: Any) -> None:
    job = done(user)

    page = page_client(user).get(f"/backtests/{job.pk}/?section=returns")

    peak = page.context["drawdowns"][0]["peak"]
    assert f"from {peak:%d %b %Y}" in page.context["pictures"]["equity"].summary


def test_a_report_has_room_for_its_pictures_and_fits_the_paper(user: Any) -> None:
    text = page_client(user).get(f"/backtests/{done(user).pk}/report/").content.decode()

    assert "place.style.height" in text and "beforeprint" in text
    assert text.index("Equity and drawdown") < text.index("<h2>Figures</h2>")


def test_a_click_on_a_trade_opens_the_chart_at_it(user: Any) -> None:
    job, client = done(user, request(parameters={"fast": 2, "slow": 3})), page_client(user)
    address = f"/backtests/{job.pk}/?section=trades&order=worst"

    first, third = client.get(address), client.get(f"{address}&show=3")

    rows = third.context["rows"]
    assert first.context["shown"] == rows[0] and third.context["shown"] == rows[2]
    text = third.content.decode()
    assert f'data-focus-from="{int(rows[2]["entry_time"].timestamp())}"' in text
    assert "order=worst&amp;show=2#trade-chart" in text and text.count('aria-current="true"') == 1
    for odd in ("0", "999", "x", "9" * 30):
        assert client.get(f"{address}&show={odd}").context["shown"] == rows[0]
