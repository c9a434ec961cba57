"""The twin of a strategy: undisturbed its life is that of its backtest; engine, API, page and R multiples."""

import pickle
from decimal import Decimal
from typing import Any

import pytest

from analytics.twin.comparing import compare
from backtesting import engine
from backtesting.services import shadowing
from backtesting.services.shadowing import ShadowRequest
from backtesting.shadow import compiled, shadow_side
from backtesting.spec import RunSpec
from backtesting.tables import Result
from core.embedded.children import ChildStoppedError
from core.testing import api_client, assert_owner_only, assert_page_owner_only, assert_problem, make_user, page_client
from domain.errors import Conflict
from portfolio.models import Account, Position, Trade
from preferences.definitions import Category
from preferences.services import change
from strategies import services as strategy_services
from strategies.models import Strategy
from tests.parity_bars import walk
from tests.parity_ways import OPENED_AT, Case, instrument_of, strategy_of
from tests.twin_scene import N_BARS, committed, made, own_bars, play, started, twin
from trading.services import bulk
from trading.services.strategies import pause_strategy, start_strategy, stop_strategy

__all__ = ["own_bars"]  # the fixture that keeps the bars of these tests apart

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(300), pytest.mark.long]


@pytest.mark.parametrize("n", [30, N_BARS], ids=["half way", "to the end"])
def test_an_undisturbed_strategy_differs_in_nothing(n: int) -> None:
    strategy = started(n=n)

    found = twin(strategy).comparison

    assert found is not None and found.differences == ()
    assert found.n_matched >= 10 and len(found.trades) >= 3
    assert {pair.cause for pair in found.trades} == {None}
    assert found.live.pnl == found.shadow.pnl != 0 and found.live.fees == found.shadow.fees > 0
    names = ("n_signals", "n_orders", "n_fills", "n_trades")
    assert [getattr(found.live, name) for name in names] == [getattr(found.shadow, name) for name in names]
    account = Account.objects.get(pk=strategy.account_id)
    assert found.live.pnl == account.equity - account.starting_cash


def test_shorts_limits_and_two_instruments_differ_in_nothing() -> None:
    case = Case(
        "sma_cross",
        {"fast": 3, "slow": 8, "reverse": True},
        allow_short=True,
        rules=({"name": "Few", "type": "max_position_size", "limit": Decimal(4), "action": "resize"},),
    )
    rows = [instrument_of(walk(N_BARS, seed=seed), symbol) for seed, symbol in ((1, "ONE"), (2, "TWO"))]
    strategy = strategy_of(case, rows)
    change(strategy.user, Category.TRADING, {"preferred_order_types": ["limit"]})
    start_strategy(strategy, by="test")
    play(strategy)

    found = twin(strategy).comparison

    assert found is not None and found.differences == () and found.n_matched > 20


def test_a_strategy_that_starts_in_the_middle_of_its_accounts_life_is_measured_from_its_equity_then() -> None:
    strategy = made()
    start_strategy(strategy, by="test")
    play(strategy, 30)
    stop_strategy(strategy, by="test")
    for position in Position.objects.filter(account=strategy.account, is_open=True):
        with committed():
            bulk.close_position(position)
    play(strategy, 3)
    strategy.refresh_from_db()
    strategy = strategy_services.update_strategy(strategy, {"parameters": {"fast": 3, "slow": 6}}, at=OPENED_AT)
    start_strategy(strategy, by="test")
    play(strategy, 30)

    found = twin(strategy)

    assert found.life is not None and found.comparison is not None
    assert (
        found.life.equity == Account.objects.get(pk=strategy.account_id).equity - found.comparison.live.pnl != 100_000
    )
    assert found.comparison.differences == () and found.comparison.n_matched > 3


def asked(strategy: Strategy) -> ShadowRequest:
    life = twin(strategy).life
    assert life is not None
    return ShadowRequest(
        strategy=strategy,
        start_at=life.start_at,
        end_at=life.end_at,
        equity=life.equity,
        preferences=life.preferences,
        own_rules=(),
    )


def test_the_compiled_engine_lives_the_same_shadow() -> None:
    request = asked(started())
    assignment = pickle.loads(pickle.dumps(shadowing.assignment_of(request)))

    found = compare(shadow_side(assignment), compiled(assignment))

    assert found.differences == () and found.n_matched >= 10 and found.live.pnl == found.shadow.pnl


def test_many_bars_are_calculated_in_a_child_and_a_busy_one_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = started()
    request = asked(strategy)
    monkeypatch.setattr(shadowing, "AT_ONCE", 10)
    used = []

    def child(function: Any, *args: Any, should_stop: Any) -> Any:
        used.append(should_stop())
        return function(*args)

    def busy(*args: Any, **more: Any) -> Any:
        raise ChildStoppedError("canceled before it began")

    assert shadowing.shadow_of(request, child).n_fills > 0 and used == [False]
    with pytest.raises(Conflict, match="Ask again") as told:
        shadowing.shadow_of(request, busy)
    assert told.value.code == "busy"
    monkeypatch.setattr(shadowing, "MAX_BARS", 20)
    answer = api_client(strategy.user).get(f"/api/v1/analytics/twin/?strategy={strategy.pk}")
    assert_problem(answer, 400, field="strategy", code="too_many_bars")
    page = page_client(strategy.user).get(f"/strategies/{strategy.pk}/twin/")
    assert "are more than the 20 that can be compared" in page.content.decode()


# --- API and page ---------------------------------------------------------------------------------------------------


def test_the_api_answers_the_owner_alone_and_says_what_is_wrong() -> None:
    strategy = started(n=30)
    stranger = make_user()
    url = f"/api/v1/analytics/twin/?strategy={strategy.pk}"

    body = assert_owner_only(url, owner=strategy.user, stranger=stranger).json()

    assert body["differences"] == [] and body["matched"] >= 10 and "All" in body["message"]
    assert body["live"]["pnl"] == body["backtest"]["pnl"] and body["live"]["trades"] == body["backtest"]["trades"]
    pair = body["trades"][0]
    assert pair["cause"] is None and pair["live"] == pair["backtest"] and pair["pnl_difference"] == "0"
    assert body["start_equity"] == "100000" and body["start"].endswith("Z") and body["preferences_version"] == 1

    client = api_client(strategy.user)
    assert_problem(client.get("/api/v1/analytics/twin/"), 400, field="strategy", code="required")
    assert_problem(client.get("/api/v1/analytics/twin/?strategy=x"), 400, field="strategy")
    assert_problem(client.get(f"{url}&depth=3"), 400, field="depth", code="unknown_field")


def test_the_api_writes_differences_of_steps_that_one_side_lacks() -> None:
    strategy = started(n=10)
    pause_strategy(strategy, by="test")
    play(strategy, 30)

    body = api_client(strategy.user).get(f"/api/v1/analytics/twin/?strategy={strategy.pk}").json()

    alone = [each for each in body["differences"] if each["differs_in"] == ["missing"]]
    assert alone and {each["cause"] for each in alone} <= {"strategy_paused", "follows"}
    assert all((each["live"] is None) != (each["backtest"] is None) for each in alone)


def test_a_strategy_that_never_ran_has_an_empty_answer() -> None:
    strategy = made()

    body = api_client(strategy.user).get(f"/api/v1/analytics/twin/?strategy={strategy.pk}").json()

    assert "has not been started" in body["message"]
    assert (body["live"], body["backtest"], body["trades"], body["differences"]) == (None, None, [], [])
    page = page_client(strategy.user).get(f"/strategies/{strategy.pk}/twin/")
    assert page.status_code == 200 and b"Nothing to compare yet" in page.content


def test_the_page_is_the_owners_alone_and_tells_causes_in_words() -> None:
    strategy = started(n=10)
    pause_strategy(strategy, by="test")
    play(strategy, 30)

    page = assert_page_owner_only(f"/strategies/{strategy.pk}/twin/", owner=strategy.user, stranger=make_user())

    text = page.content.decode()
    assert "Strategy paused." in text and "Key figures of both" in text and "Nothing" in text
    assert "strategy_paused" not in text and str(strategy.account_id) not in text
    part = page_client(strategy.user).get(f"/strategies/{strategy.pk}/twin/", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode() and "Strategy paused." in part.content.decode()


# --- R multiples ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True], ids=["kernel", "exact"])
def test_the_journal_and_both_engines_measure_r_alike(exact: bool) -> None:
    strategy = started(n=N_BARS)
    results: list[Result] = []

    def noted(spec: RunSpec, bars: Any) -> Result:
        results.append(engine.run(spec, bars, exact=exact))
        return results[-1]

    shadow_side(shadowing.assignment_of(asked(strategy)), noted)

    trades = results[0].trades
    closed = [row for row in trades.rows() if row["is_closed"]]
    journal = list(Trade.objects.filter(strategy_id=strategy.pk, closed_at__isnull=False).order_by("closed_at"))
    assert results[0].path == ("exact" if exact else "kernel") and len(journal) == len(closed) >= 3
    for mine, theirs in zip(journal, closed, strict=True):
        assert mine.initial_stop is not None and mine.r_multiple is not None
        assert float(mine.initial_stop) == pytest.approx(theirs["initial_stop"], abs=1e-9)
        assert float(mine.r_multiple) == pytest.approx(theirs["r_multiple"], rel=1e-9)
    answer = api_client(strategy.user).get("/api/v1/trades/?limit=500").json()["results"]
    assert all(isinstance(each["r_multiple"], float) for each in answer) and len(answer) >= len(journal)
