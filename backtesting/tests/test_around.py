"""What stands around jobs: facts to other apps, sockets, the command line, the admin, warming up."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backtesting import tasks, warming
from backtesting.models import Job
from backtesting.services import optimized, settling, submitting, working
from backtesting.tests.jobs import done, in_place, request, stored_walk
from core.bus import publish
from core.models import OutboxEvent
from core.testing import make_user, page_client
from domain.bars import Timeframe
from domain.events import BacktestProgressed
from portfolio.services.accounts import open_account
from preferences.definitions import Category
from preferences.services import change
from strategies import services as strategies
from strategies.models import Strategy
from tradeplatform.access import may_hear_backtest
from trading.services.suggestions import take_optimized

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> Any:
    stored_walk()
    return make_user()


def researched(user: Any, *, word: str = "promising") -> tuple[Job, Strategy]:
    """Return a completed sweep for a strategy, with this verdict."""
    account = open_account(user, name="Paper", starting_cash=request().starting_cash, at=timezone.now())
    strategy = strategies.create_strategy(
        user,
        strategies.Settings(
            name="Mine",
            type="sma_cross",
            parameters={"fast": 5, "slow": 20},
            symbols=["WALK"],
            timeframe=request().timeframe,
            account_id=account.pk,
        ),
        at=timezone.now(),
    )
    job = done(user, request(strategy_id=strategy.pk))
    job.kind = "sweep"
    job.summary = {
        **job.summary,
        "verdict": {"word": word, "title": word.capitalize()},
        "best": {"parameters": {"fast": 8, "slow": 30}},
        "deflated_sharpe": 0.97,
        "n_trials": 12,
    }
    job.save()
    return job, strategy


def test_promising_parameters_are_told_with_their_evidence_and_deployed_where_wanted(user: Any) -> None:
    job, strategy = researched(user)
    change(user, Category.STRATEGY, {"auto_deploy_optimized": True})

    assert optimized.tell_optimized(job, at=timezone.now()) is True
    event = OutboxEvent.objects.get(name="parameters.optimized")
    deployed = take_optimized(event.event_id, at=timezone.now())

    strategy.refresh_from_db()
    assert deployed and {"fast": 8, "slow": 30}.items() <= strategy.parameters.items()
    assert event.payload["evidence"]["deflated_sharpe"] == 0.97 and event.payload["evidence"]["trials"] == 12


@pytest.mark.parametrize("word", ["inconclusive", "likely_luck"])
def test_what_could_be_luck_is_never_told_as_better(user: Any, word: str) -> None:
    job, _ = researched(user, word=word)

    assert optimized.tell_optimized(job, at=timezone.now()) is False
    assert not OutboxEvent.objects.filter(name="parameters.optimized").exists()


@pytest.mark.parametrize(
    "changed", [{"symbols": ["OTHER"]}, {"symbols": ["OTHER", "WALK"]}, {"timeframe": Timeframe.W1}]
)
def test_what_was_found_on_other_instruments_or_bars_is_never_told_as_better(
    user: Any, changed: dict[str, Any]
) -> None:
    stored_walk("OTHER")
    job, strategy = researched(user)
    strategies.update_strategy(strategy, changed, at=timezone.now())
    job.refresh_from_db()

    assert optimized.tell_optimized(job, at=timezone.now()) is False
    assert not OutboxEvent.objects.filter(name="parameters.optimized").exists()


def test_a_socket_of_a_job_is_its_owners_alone(user: Any) -> None:
    job = submitting.submit_backtest(user, request())

    assert may_hear_backtest(user, str(job.pk)) and not may_hear_backtest(make_user(), str(job.pk))


def test_progress_and_end_are_pushed_to_the_jobs_topic(
    user: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    sent: list[tuple[str, str, Any]] = []
    monkeypatch.setattr("backtesting.handlers.push.send", lambda topic, name, data: sent.append((topic, name, data)))
    job = submitting.submit_backtest(user, request())

    with django_capture_on_commit_callbacks(execute=True):
        publish(
            BacktestProgressed(at=timezone.now(), user_id=user.pk, backtest_id=job.pk, status="running", progress=0.5)
        )
        settling.cancel(job, at=timezone.now())

    assert (f"backtest-{job.pk}", "backtest.progressed") in [each[:2] for each in sent]
    ended = [data for topic, name, data in sent if topic == f"backtest-{job.pk}" and name == "backtest.settled"]
    assert ended[0]["status"] == "canceled"
    assert all(data["at"].endswith("Z") for _, _, data in sent)


def test_the_command_line_waits_without_haste_for_what_another_worker_does(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = working.work_once, iter([False, False])
    waited: list[float] = []
    monkeypatch.setattr(working, "work_once", lambda: next(calls, None) is not False and real(in_place))
    monkeypatch.setattr("backtesting.management.commands.backtest.time.sleep", waited.append)

    call_command("backtest", user.username, "sma_cross", "WALK", "--rules", "none", "--json", stdout=StringIO())

    assert len(waited) == 2 and min(waited) > 0.1
    with pytest.raises(CommandError, match="percent_equity=95"):
        call_command("backtest", user.username, "sma_cross", "WALK", "--size", "kelly", stdout=StringIO())


def test_the_command_line_runs_a_backtest_and_prints_the_same_result(user: Any) -> None:
    asked = request(parameters={"fast": 5, "slow": 20}, fees={}, risk_rules="none")
    by_service = done(user, asked)
    out = StringIO()
    told = ["-p", "fast=5", "-p", "slow=20", "--size", "percent_equity=95", "--rules", "none", "--json"]

    call_command("backtest", user.username, "sma_cross", "WALK", *told, stdout=out)

    answer = json.loads(out.getvalue())
    assert (answer["fingerprint"], answer["result_digest"]) == (by_service.fingerprint, by_service.digest)


def test_the_command_line_names_what_is_wrong(user: Any) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("backtest", user.username, "sma_cross", "NOPE", "-p", "fast=0", stdout=StringIO())

    assert "symbols:" in str(caught.value) and "parameters.fast" in str(caught.value)
    days = ["--start", "2024-03-01", "--end", "2024-02-01"]
    with pytest.raises(CommandError, match=r"would end \(2024-02-02 00:00 UTC\) before it begins"):
        call_command("backtest", user.username, "sma_cross", "WALK", *days, stdout=StringIO())


def test_the_engine_is_warmed_by_runs_with_and_without_rules() -> None:
    assert warming.load() > 2
    assert working.warm_up(in_place) is True


def test_the_tasks_do_what_waits_and_wake_the_next(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    submitting.submit_backtest(user, request())
    real = working.work_once
    monkeypatch.setattr(tasks.working, "work_once", lambda: real(in_place))

    assert tasks.recover() == 1
    assert tasks.work() is True and tasks.work() is False


def test_operators_see_jobs_and_their_parts_in_the_admin(user: Any) -> None:
    job = done(user)
    admin = page_client(make_user(is_staff=True, is_superuser=True))

    for model in ("backtest", "sweep", "walkforward", "chunk", "resultfile", "jobnote", "trial"):
        assert admin.get(f"/admin/backtesting/{model}/").status_code == 200, model
    assert admin.get(f"/admin/backtesting/backtest/{job.pk}/change/").status_code == 200


def test_marks_of_a_run_stand_at_the_bars_of_its_fills(user: Any) -> None:
    job = done(user)

    marks = page_client(user).get(f"/backtests/{job.pk}/marks/?symbol=WALK").json()["marks"]

    assert len(marks) >= job.summary["n_fills"] and {"fill_buy", "fill_sell"} <= {each["kind"] for each in marks}
    assert page_client(make_user()).get(f"/backtests/{job.pk}/marks/").status_code == 404


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (("--cash", "NaN"), "'NaN' is not a finite number."),
        (("--size", "percent_equity=Infinity"), "'Infinity' is not a finite number."),
        (("-p", "fast=" + "9" * 5000), "input should be a valid integer"),
        (("--start", "9999-12-31", "--end", "9999-12-31"), "The range holds no bars"),
    ],
)
def test_the_command_line_takes_odd_values_for_wrong_ones(told: Any, words: str) -> None:
    stored_walk()
    with pytest.raises(CommandError, match=re.escape(words)):
        call_command("backtest", make_user().username, "sma_cross", "WALK", *told, stdout=StringIO())
    assert not Job.objects.exists()
