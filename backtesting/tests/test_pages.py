"""Pages of backtests: each kind from the form to its result, for its owner alone."""

from typing import Any

import pytest

from backtesting.models import Job, JobStatus
from backtesting.services import searching, submitting, working
from backtesting.services.searching import SearchRequest, WalkRequest
from backtesting.tests.jobs import done, in_place, request, stored_walk
from core.testing import assert_page_needs_sign_in, assert_page_owner_only, make_user, page_client
from strategies.models import Strategy

pytestmark = pytest.mark.django_db
FORM = {
    "kind": "backtest",
    "type": "sma_cross",
    "parameters-fast": "5",
    "parameters-slow": "20",
    "symbols": "WALK",
    "timeframe": "1d",
    "starting_cash": "100000",
    "fee_percent": "0.1",
    "sizing_method": "percent_equity",
    "sizing_value": "95",
    "risk_rules": "none",
    "seed": "0",
}
SPACE = {"fast": {"min": 3, "max": 12, "step": 3}, "slow": [20, 30]}


@pytest.fixture
def user() -> Any:
    stored_walk()
    return make_user()


def test_a_run_goes_from_the_form_over_its_progress_to_the_result(user: Any) -> None:
    client = page_client(user)
    sent = client.post("/backtests/new/", FORM)
    assert sent.status_code == 302, sent.content.decode()[:3000]
    address = sent.headers["Location"]
    assert "Being computed" in client.get(address).content.decode()
    working.work_all(in_place)

    page = assert_page_owner_only(address, owner=user, stranger=make_user()).content.decode()

    for words in (
        "Sharpe ratio",
        "after 1 trial",
        "Luck or skill",
        "Month by month",
        "Trade on paper",
        "Checked for look",
    ):
        assert words in page, words
    assert client.get(f"{address}progress/").headers["HX-Refresh"] == "true"
    assert "<td" in client.get(f"{address}rows/trades/").content.decode()
    assert "filled" in client.get(f"{address}rows/orders/?page=99").content.decode().lower()


def test_a_wrong_form_keeps_what_was_typed_and_names_every_fault(user: Any) -> None:
    page = page_client(user).post("/backtests/new/", {**FORM, "parameters-fast": "0", "symbols": "NOPE"})

    text = page.content.decode()
    assert page.status_code == 200 and 'value="NOPE"' in text and text.count("form-error") >= 1
    assert Job.objects.count() == 0


@pytest.mark.parametrize("changes", [{"symbols": "NOPE"}, {"start": "1990-01-01", "end": "1991-01-01"}])
def test_what_the_service_refuses_stands_at_its_field_and_in_the_estimate(user: Any, changes: Any) -> None:
    client = page_client(user)

    page = client.post("/backtests/new/", {**FORM, **changes}).content.decode()
    estimate = client.post("/backtests/estimate/", {**FORM, **changes}).content.decode()

    assert "form-summary" in page and ("NOPE" in estimate or "stored" in estimate)


def test_the_estimate_tells_runs_and_time(user: Any) -> None:
    client = page_client(user)
    sweep = {**FORM, "kind": "sweep", "space-fast": "3..12 step 3", "space-slow": "20, 30", "method": "grid"}

    single = client.post("/backtests/estimate/", FORM).content.decode()
    many = client.post("/backtests/estimate/", {**sweep, "objective": "sharpe"}).content.decode()

    assert "1 run over" in single and "8 runs over" in many and Job.objects.count() == 0


@pytest.mark.parametrize("kind", ["backtest", "sweep", "walk_forward"])
def test_the_form_of_each_kind_and_the_one_that_begins_with_another_job(user: Any, kind: str) -> None:
    job = done(user)

    for query in (f"kind={kind}", f"kind={kind}&from={job.pk}"):
        assert page_client(user).get(f"/backtests/new/?{query}").status_code == 200
    assert page_client(make_user()).get(f"/backtests/new/?from={job.pk}").status_code == 404
    assert_page_needs_sign_in("/backtests/new/")


def test_a_sweep_shows_surface_coordinates_plateau_and_verdict(user: Any) -> None:
    client = page_client(user)
    form = {**FORM, "kind": "sweep", "space-fast": "3..12 step 3", "space-slow": "20, 30", "method": "grid"}
    sent = client.post("/backtests/new/", {**form, "objective": "sharpe", "constraints": "fast < slow"})
    assert sent.status_code == 302, sent.content.decode()[:3000]
    working.work_all(in_place)

    page = assert_page_owner_only(sent.headers["Location"], owner=user, stranger=make_user()).content.decode()

    for words in ("Surface", "Parallel coordinates", "Steadiest", "Plateau", "Overfitting", "Trials"):
        assert words in page, words


def test_a_walk_forward_shows_windows_efficiency_and_parameters_over_time(user: Any) -> None:
    job = searching.submit_walk(user, WalkRequest(search=SearchRequest(run=request(), space=SPACE), n_windows=3))
    working.work_all(in_place)

    page = assert_page_owner_only(f"/backtests/{job.pk}/", owner=user, stranger=make_user()).content.decode()

    for words in ("Efficiency", "Stitched out-of-sample equity", "Parameters over time", "Windows"):
        assert words in page, words


def test_runs_are_chosen_in_the_list_and_compared(user: Any) -> None:
    first, second = done(user), done(user, request(parameters={"fast": 8, "slow": 20}))
    client = page_client(user)

    page = client.get(f"/backtests/compare/?id={first.pk}&id={second.pk}").content.decode()

    assert "Fast average" in page and "parameters.fast" not in page and "Trades of B" in page
    assert client.get("/backtests/").status_code == 200 and client.get("/backtests/rows/").status_code == 200
    assert client.get("/backtests/compare/").status_code == 302
    assert page_client(make_user()).get(f"/backtests/compare/?id={first.pk}").status_code == 404


def test_canceling_noting_and_deploying_are_the_owners_alone(user: Any) -> None:
    waiting, ended = submitting.submit_backtest(user, request()), None
    stranger, client = page_client(make_user()), page_client(user)
    for word in ("cancel", "deploy", "note"):
        assert stranger.post(f"/backtests/{waiting.pk}/{word}/").status_code == 404

    client.post(f"/backtests/{waiting.pk}/cancel/")
    ended = done(user)
    client.post(f"/backtests/{ended.pk}/note/", {"text": "Looks fine"})
    deployed = client.post(f"/backtests/{ended.pk}/deploy/")

    waiting.refresh_from_db()
    assert (
        waiting.status == JobStatus.CANCELED and "Canceled" in client.get(f"/backtests/{waiting.pk}/").content.decode()
    )
    assert "Looks fine" in client.get(f"/backtests/{ended.pk}/").content.decode()
    assert deployed.headers["Location"] == f"/strategies/{Strategy.objects.get(user=user).pk}/"


def test_the_report_stands_alone_and_only_its_own_scripts_may_run(user: Any) -> None:
    job = done(user)

    answer = assert_page_owner_only(f"/backtests/{job.pk}/report/", owner=user, stranger=make_user())

    text, policy = answer.content.decode(), answer.headers["Content-Security-Policy"]
    assert "src=" not in text.split("<script>")[0] and "<link" not in text and "Plotly" in text
    assert "var(--" not in text.split("<script>")[0]
    assert "'unsafe-inline'" not in policy and "sha256-" in policy and "connect-src 'none'" in policy


@pytest.mark.parametrize("name", ["trades", "orders", "equity", "json"])
def test_tables_come_as_files(user: Any, name: str) -> None:
    job = done(user)

    answer = assert_page_owner_only(f"/backtests/{job.pk}/export/{name}/", owner=user, stranger=make_user())

    assert "attachment" in answer.headers["Content-Disposition"]


def test_a_failed_job_shows_its_reason(user: Any) -> None:
    job = submitting.submit_backtest(user, request())

    def broken(*args: Any, should_stop: Any) -> None:
        raise ZeroDivisionError("no equity left")

    working.work_all(broken)

    assert "no equity left" in page_client(user).get(f"/backtests/{job.pk}/").content.decode()


def test_results_speak_the_words_of_the_forms_and_no_codes(user: Any) -> None:
    job, client = done(user), page_client(user)

    pages = [f"/backtests/{job.pk}/", f"/backtests/{job.pk}/report/"]
    pages += [f"/backtests/{job.pk}/rows/{name}/" for name in ("trades", "orders")]
    text = "".join(client.get(page).content.decode() for page in pages)

    for words in ("Moving-average cross on", "Fast average", "Entry"):
        assert words in text, words
    for code in ("sma_cross", "percent_equity", "stop_loss", "takeprofit", "reverse False"):
        assert code not in text.replace("application/json", ""), code


def test_an_empty_form_is_told_what_to_name_and_not_that_it_is_wrong(user: Any) -> None:
    text = page_client(user).post("/backtests/estimate/", {**FORM, "symbols": ""}).content.decode()

    assert "Name the symbols" in text and "required" not in text
