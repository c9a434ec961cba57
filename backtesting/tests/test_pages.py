"""Pages of backtests: each kind from the form to its result, for its owner alone."""

import re
from decimal import Decimal
from typing import Any

import pytest

from backtesting.models import Job, JobStatus
from backtesting.row_pages import PER_PAGE
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
    assert "<td" in client.get(f"{address}?section=trades").content.decode()
    assert "filled" in client.get(f"{address}?section=orders&page=99").content.decode().lower()


def test_the_form_as_it_comes_trades_under_the_rules_of_a_new_user(user: Any) -> None:
    client = page_client(user)
    form = client.get("/backtests/new/").context["asked"]
    fields = {name: form.run[name].value() for name in form.run.fields}
    sent = {**FORM, **{name: value for name, value in fields.items() if value is not None}, "symbols": "WALK"}

    answer = client.post("/backtests/new/", sent)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    working.work_all(in_place)

    job = Job.objects.get(user=user)
    assert job.metrics["trades"] > 5, job.summary
    assert job.summary["n_denied"] < job.summary["n_orders"] / 4, job.summary["orders_by_status"]


WORDS_OF_SECTIONS = {
    "trades": "Worst and best on the way",
    "orders": "Filled",
    "refused": "No order was refused",
    "returns": "Deepest drawdowns",
    "luck": "How far each figure could have been off",
    "costs": "The same run at other costs",
    "figures": "What it says",
    "settings": "Risk rules in force",
    "nonsense": "Month by month",
}


@pytest.mark.parametrize(("section", "words"), WORDS_OF_SECTIONS.items())
def test_every_section_has_an_address_of_its_own_and_shows_its_part_alone(user: Any, section: str, words: str) -> None:
    job = done(user)

    page = page_client(user).get(f"/backtests/{job.pk}/?section={section}").content.decode()

    assert words in page
    current = re.findall(r'<a href="([^"]*)" aria-current="page">', page.split('id="sections"')[1])
    assert current == [f"/backtests/{job.pk}/" if section == "nonsense" else f"?section={section}"]


def test_trades_are_chosen_ordered_and_paged_over_the_whole_result(user: Any) -> None:
    stored_walk("OTHER", seed=2)
    job = done(user, request("WALK", "OTHER", parameters={"fast": 2, "slow": 3}))
    client = page_client(user)

    first = client.get(f"/backtests/{job.pk}/?section=trades&order=worst").context
    last = client.get(f"/backtests/{job.pk}/?section=trades&order=worst&page=999999").context
    alone = client.get(f"/backtests/{job.pk}/?section=trades&symbol=OTHER&order=nonsense").context

    n_pages = first["row_page"].n_pages
    assert n_pages > 1 and len(first["rows"]) == PER_PAGE and last["row_page"].number == n_pages
    results = [float(row["pnl_net"]) for row in (*first["rows"], *last["rows"])]
    assert results == sorted(results) and results[0] < 0 < results[-1]
    assert {row["symbol"] for row in alone["rows"]} == {"OTHER"} and alone["chart_symbol"] == "OTHER"
    assert alone["row_page"].n_rows < first["row_page"].n_rows


def test_refused_orders_are_counted_by_the_rule_that_refused_them(user: Any) -> None:
    rule = {"name": "Tiny orders", "type": "max_order_value", "scope": "account", "limit": Decimal(10)}
    job = done(user, request(risk_rules=[rule]))

    page = page_client(user).get(f"/backtests/{job.pk}/?section=refused")

    n_denied = job.summary["n_denied"]
    assert n_denied > 0 and page.context["refusals"] == [("Tiny orders", n_denied)]
    assert {row["status"] for row in page.context["rows"]} == {"denied"} and "above the limit of 10" in str(
        page.content
    )
    settings = page_client(user).get(f"/backtests/{job.pk}/?section=settings").content.decode()
    assert "10 USD" in settings and "Written for this run" in settings


def test_a_wrong_form_keeps_what_was_typed_and_names_every_fault(user: Any) -> None:
    page = page_client(user).post("/backtests/new/", {**FORM, "parameters-fast": "0", "symbols": "NOPE"})

    text = page.content.decode()
    assert page.status_code == 200 and 'value="NOPE"' in text and text.count("form-error") >= 1
    assert Job.objects.count() == 0


def test_every_fault_of_every_part_of_the_form_names_field_value_and_bound_in_one_list(user: Any) -> None:
    wrong = {"parameters-fast": "0", "symbols": "NOPE, WALK", "fee_percent": "2000", "starting_cash": "-5"}
    wrong |= {"start": "2013-01-01", "end": "2010-01-01"}

    page = page_client(user).post("/backtests/new/", {**FORM, **wrong}).content.decode()

    told = re.search(r'<div class="form-summary".*?</div>', page, re.S)
    assert told is not None and page.count('class="form-summary"') == 1 and "5 things need changing" in told[0]
    for words in (
        ">Fast average</a>: 0 is below the least, 1.",
        ">Symbols</a>: NOPE is not known; there are WALK.",
        ">Fee</a>: 2000 is above the most, 10.",
        ">Starting cash</a>: -5 is below the least, 0.01.",
        ">To</a>: 01 Jan 2010 is before the first day, 01 Jan 2013.",
    ):
        assert words in told[0], words


def test_values_to_try_that_are_no_numbers_are_named_at_their_parameter(user: Any) -> None:
    form = {**FORM, "kind": "sweep", "method": "grid", "objective": "sharpe", "space-fast": "x..y"}

    page = page_client(user).post("/backtests/new/", form).content.decode()

    assert "Try for fast average</a>: &#x27;x..y&#x27; is neither like 5..50 step 5" in page
    assert "Try for reverse" in page and "Such as yes, no." in page


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("5..50 step 0", "A step of 0 leads nowhere"),
        ("9..3", "Min 9 is above max 3"),
        ("5, 1001", "1001: input should be less than or equal to 1000"),
        ("٣, 5", "is neither like 5..50 step 5"),
        ("1_0, 20", "is neither like 5..50 step 5"),
    ],
)
def test_values_to_try_that_cannot_be_stand_at_their_parameter_and_are_kept(user: Any, typed: str, words: str) -> None:
    form = {**FORM, "kind": "sweep", "method": "grid", "objective": "sharpe", "space-fast": typed}

    page = page_client(user).post("/backtests/new/", form).content.decode()

    summary = re.search(r'<div class="form-summary".*?</div>', page, re.S)
    assert summary is not None and re.search(f"Try for fast average</a>: .*{re.escape(words)}", summary[0]), summary
    assert f'value="{typed}"' in page


@pytest.mark.parametrize("changes", [{"symbols": "NOPE"}, {"start": "1990-01-01", "end": "1991-01-01"}])
def test_what_the_service_refuses_stands_at_its_field_and_in_the_estimate(user: Any, changes: Any) -> None:
    client = page_client(user)

    page = client.post("/backtests/new/", {**FORM, **changes}).content.decode()
    estimate = client.post("/backtests/estimate/", {**FORM, **changes}).content.decode()

    assert "form-summary" in page and ("NOPE" in estimate or "stored" in estimate)


@pytest.mark.parametrize(("start", "end"), [("", "9999-12-31"), ("0001-01-01", "9999-12-31")])
def test_the_ends_of_the_calendar_are_days_like_others(user: Any, start: str, end: str) -> None:
    page = page_client(user).post("/backtests/estimate/", {**FORM, "start": start, "end": end})
    assert page.status_code == 200 and "1 run over" in page.content.decode()
    assert page_client(user).get(f"/analytics/?start={start}&end={end}").status_code == 200


@pytest.mark.parametrize("wanted", ["abc", "%00", "00000000-0000-4000-8000-000000000000"])
def test_a_form_that_begins_with_no_job_is_not_found(user: Any, wanted: str) -> None:
    assert page_client(user).get(f"/backtests/new/?from={wanted}").status_code == 404


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
    page += client.get(f"{sent.headers['Location']}?section=trials").content.decode()

    for words in ("Surface", "All parameters side by side", "Steadiest", "Plateau", "Overfitting", "Trials"):
        assert words in page, words


def test_a_walk_forward_shows_windows_efficiency_and_parameters_over_time(user: Any) -> None:
    job = searching.submit_walk(user, WalkRequest(search=SearchRequest(run=request(), space=SPACE), n_windows=3))
    working.work_all(in_place)

    page = assert_page_owner_only(f"/backtests/{job.pk}/", owner=user, stranger=make_user()).content.decode()
    for section in ("windows", "luck", "returns", "trades", "figures", "settings"):
        page += page_client(user).get(f"/backtests/{job.pk}/?section={section}").content.decode()

    for words in ("Efficiency", "Out-of-sample equity, window after window", "Parameters over time", "Windows"):
        assert words in page, words


def test_runs_are_chosen_in_the_list_and_compared(user: Any) -> None:
    first, second = done(user), done(user, request(parameters={"fast": 8, "slow": 20}))
    client = page_client(user)

    page = client.get(f"/backtests/compare/?id={first.pk}&id={second.pk}").content.decode()

    assert "Fast average" in page and "parameters.fast" not in page and "Trades of B" in page and "only in A" in page
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
    assert "Looks fine" in client.get(f"/backtests/{ended.pk}/?section=settings").content.decode()
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

    page = page_client(user).get(f"/backtests/{job.pk}/").content.decode()
    assert "no equity left" in page and f"?from={job.pk}" in page and "run it again" in page


def test_results_speak_the_words_of_the_forms_and_no_codes(user: Any) -> None:
    job, client = done(user), page_client(user)

    pages = [f"/backtests/{job.pk}/", f"/backtests/{job.pk}/report/"]
    pages += [f"/backtests/{job.pk}/?section={name}" for name in WORDS_OF_SECTIONS]
    text = "".join(client.get(page).content.decode() for page in pages)

    for words in ("Moving-average cross on", "Fast average", "Entry"):
        assert words in text, words
    for code in ("sma_cross", "percent_equity", "stop_loss", "takeprofit", "reverse False"):
        assert code not in text.replace("application/json", ""), code


def test_an_empty_form_is_told_what_to_name_and_not_that_it_is_wrong(user: Any) -> None:
    text = page_client(user).post("/backtests/estimate/", {**FORM, "symbols": ""}).content.decode()

    assert "Name the symbols" in text and "required" not in text
