"""sweeps/ and walk-forwards/: many runs, and what of their best is luck."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from backtesting.api import serializers as s
from backtesting.api.backtests import EquityQuery, TradesPage, equity_body
from backtesting.api.jobs import JobViewSet
from backtesting.api.paging import RowsQuery
from backtesting.api.reading import run_request
from backtesting.models import JobKind, Sweep, WalkForward
from backtesting.result_rows import trade_row
from backtesting.search.draws import Method
from backtesting.search.objectives import OBJECTIVES
from backtesting.services import searching
from backtesting.walkforward.windows import Mode
from core.api.fields import Integer, Number, OneOf, Text
from core.api.render import utc_text
from core.api.serializers import EmptySerializer, StrictSerializer, write
from core.api.views import StrictView

WINDOW_TIMES = frozenset({"train_start", "train_end", "test_start", "test_end"})
MODES = (*(mode.value for mode in Mode), searching.CPCV)


class RequirementInput(StrictSerializer):
    """A bound on a figure: runs beyond it are not considered."""

    metric = Text(max_length=40)
    at_least = Number(required=False, allow_null=True)
    at_most = Number(required=False, allow_null=True)


class SweepInput(s.BacktestInput):
    """Many runs: the base run, and a space over some of its parameters."""

    space = serializers.DictField(help_text='{"fast": {"min": 5, "max": 50, "step": 5}, "slow": [20, 50, 100]}')
    constraints = serializers.ListField(child=Text(max_length=200), required=False, help_text='"fast < slow"')
    method = OneOf(choices=[each.value for each in Method], required=False)
    n_trials = Integer(minimum=1, maximum=searching.MAX_SWEEP_RUNS, required=False, help_text="For random and tpe.")
    objective = OneOf(choices=sorted(OBJECTIVES), required=False, help_text="sharpe without it.")
    requirements = RequirementInput(many=True, required=False)


class WalkForwardInput(SweepInput):
    """A search in every window, its best carried into the next stretch."""

    mode = OneOf(choices=MODES, required=False, help_text="rolling without it.")
    windows = Integer(minimum=1, maximum=200, required=False, help_text="How many; or train and test in bars.")
    train = Integer(minimum=1, maximum=10_000_000, required=False, help_text="Bars of the training.")
    test = Integer(minimum=1, maximum=10_000_000, required=False, help_text="Bars of the test.")
    step = Integer(minimum=1, maximum=10_000_000, required=False, help_text="Bars from one test to the next.")
    purge = Integer(minimum=0, maximum=1_000_000, required=False)
    embargo = Integer(minimum=0, maximum=1_000_000, required=False)
    groups = Integer(minimum=2, maximum=20, required=False, help_text="For cpcv.")
    test_groups = Integer(minimum=1, maximum=19, required=False, help_text="For cpcv.")


class SearchOutput(s.JobOutput):
    """What sweeps and walk-forwards have in common."""

    space = serializers.SerializerMethodField()
    method = serializers.SerializerMethodField()
    objective = serializers.SerializerMethodField()
    verdict = serializers.SerializerMethodField(help_text="word, title, sentence, reasons; null until completed.")
    deflated_sharpe = serializers.SerializerMethodField()
    trial_count = serializers.SerializerMethodField(help_text="Different trials of this type that you ever had.")
    best = serializers.SerializerMethodField(help_text="parameters and metrics; null until completed.")

    def get_space(self, row: Any) -> dict[str, Any]:
        """Return the space."""
        return dict(row.settings["space"])

    def get_method(self, row: Any) -> str:
        """Return how it was searched."""
        return str(row.settings["method"])

    def get_objective(self, row: Any) -> str:
        """Return what is best."""
        return str(row.settings["objective"])

    def get_verdict(self, row: Any) -> dict[str, Any] | None:
        """Return the verdict on luck."""
        return row.summary.get("verdict")

    def get_deflated_sharpe(self, row: Any) -> float | None:
        """Return the chance that the Sharpe ratio is more than luck, all trials counted."""
        return row.summary.get("deflated_sharpe")

    def get_trial_count(self, row: Any) -> int:
        """Return the number of trials, as it was when the job ended."""
        return int(row.summary.get("trial_count", 0))

    def get_best(self, row: Any) -> dict[str, Any] | None:
        """Return the chosen parameters and their figures."""
        return row.summary.get("best")


class SweepOutput(SearchOutput):
    """A sweep; metrics are those of its best run."""

    trials = serializers.SerializerMethodField(help_text="How many combinations it runs.")
    probability_of_overfitting = serializers.SerializerMethodField()
    plateau = serializers.SerializerMethodField(help_text="Do the neighbours of the best keep its score?")
    summary = serializers.DictField()

    def get_trials(self, row: Any) -> int:
        """Return the number of combinations."""
        return int(row.settings["n_trials"])

    def get_probability_of_overfitting(self, row: Any) -> float | None:
        """Return CSCV's probability."""
        return row.summary.get("probability_of_overfitting")

    def get_plateau(self, row: Any) -> dict[str, Any] | None:
        """Return how the neighbours of the best score."""
        return row.summary.get("plateau")


class WalkForwardOutput(SearchOutput):
    """A walk-forward; metrics are those of the stitched out-of-sample curve."""

    mode = serializers.SerializerMethodField()
    windows = serializers.SerializerMethodField(
        help_text="Per window: times (bars open before the ends), parameters, in and out of sample."
    )
    efficiency = serializers.SerializerMethodField(help_text="Growth out of sample by growth in sample.")
    consistency = serializers.SerializerMethodField(help_text="Share of the windows that gained out of sample.")
    summary = serializers.DictField()

    def get_mode(self, row: Any) -> str:
        """Return rolling, anchored or cpcv."""
        return str(row.settings["walk"]["mode"])

    def get_windows(self, row: Any) -> list[dict[str, Any]]:
        """Return the windows; empty until completed."""
        return [
            {name: _moment(value) if name in WINDOW_TIMES else value for name, value in window.items()}
            for window in row.summary.get("windows", [])
        ]

    def get_efficiency(self, row: Any) -> float | None:
        """Return the walk-forward efficiency."""
        return row.summary.get("efficiency")

    def get_consistency(self, row: Any) -> float | None:
        """Return the share of windows that gained."""
        return row.summary.get("consistency")


def _moment(t: int) -> str:
    return utc_text(datetime.fromtimestamp(t, tz=UTC))


class TrialOutput(StrictSerializer):
    """One combination."""

    number = Integer()
    parameters = serializers.DictField()
    score = Number(allow_null=True)
    metrics = serializers.DictField()
    error = serializers.CharField()


class TrialsPage(StrictSerializer):
    """A page of trials."""

    results = TrialOutput(many=True)
    next = serializers.CharField(allow_null=True)


_BODIES = {"cancel": EmptySerializer, "add_note": s.NoteInput, "deploy": s.DeployInput}
_RESULT = {"equity": s.RunEquityOutput, "trades": TradesPage, "results": TrialsPage}


class SearchViewSet(JobViewSet):
    """What sweeps and walk-forwards answer alike."""

    queries: ClassVar = {**JobViewSet.queries, "results": RowsQuery, "trades": RowsQuery, "equity": EquityQuery}
    answers: ClassVar = {**JobViewSet.answers, **_RESULT}

    def equity(self, request: Request, pk: str) -> Response:
        """Return the curve (of the best run; out of sample, stitched) as columns."""
        return Response(equity_body(request, self.get_row(pk), self.query))

    def trades(self, request: Request, pk: str) -> Response:
        """Return the round trips (of the best run; out of sample)."""
        return Response(write(TradesPage, self.page_of_rows(pk, "trades", trade_row), request=request))


class SweepViewSet(SearchViewSet):
    """The asker's sweeps."""

    model = Sweep
    kind = JobKind.SWEEP
    output = SweepOutput
    bodies: ClassVar = {**_BODIES, "create": SweepInput}

    def submit(self, values: dict[str, Any]) -> Any:
        """Queue a sweep."""
        return searching.submit_sweep(self.request.user, search_request(self.request.user, values))

    def results(self, request: Request, pk: str) -> Response:
        """Return every trial."""
        return Response(write(TrialsPage, self.page_of_rows(pk, "trials", trial_row), request=request))


class WalkForwardViewSet(SearchViewSet):
    """The asker's walk-forwards."""

    model = WalkForward
    kind = JobKind.WALK_FORWARD
    output = WalkForwardOutput
    bodies: ClassVar = {**_BODIES, "create": WalkForwardInput}

    def submit(self, values: dict[str, Any]) -> Any:
        """Queue a walk-forward."""
        return searching.submit_walk(self.request.user, walk_request(self.request.user, values))


class SweepEstimateView(StrictView):
    """sweeps/estimate/: what a sweep would cost; queues nothing."""

    bodies: ClassVar = {"POST": SweepInput}
    answers: ClassVar = {"POST": s.CostOutput}

    def post(self, request: Request) -> Response:
        """Return the estimate."""
        cost = searching.estimate_sweep(request.user, search_request(request.user, self.values()))
        return Response(write(s.CostOutput, cost, request=request))


class WalkForwardEstimateView(StrictView):
    """walk-forwards/estimate/: what a walk-forward would cost; queues nothing."""

    bodies: ClassVar = {"POST": WalkForwardInput}
    answers: ClassVar = {"POST": s.CostOutput}

    def post(self, request: Request) -> Response:
        """Return the estimate."""
        cost = searching.estimate_walk(request.user, walk_request(request.user, self.values()))
        return Response(write(s.CostOutput, cost, request=request))


def search_request(user: Any, values: dict[str, Any]) -> searching.SearchRequest:
    """Return the sweep that a body asks for."""
    names = ("space", "constraints", "method", "n_trials", "objective", "requirements")
    given = {name: values[name] for name in names if name in values}
    if "space" in given:
        given["space"] = plain(given["space"])
    return searching.SearchRequest(run=run_request(user, values, only=s.BacktestInput), **given)


def walk_request(user: Any, values: dict[str, Any]) -> searching.WalkRequest:
    """Return the walk-forward that a body asks for."""
    names = ("mode", "train", "test", "step", "purge", "embargo", "groups", "test_groups")
    given = {name: values[name] for name in names if name in values}
    search = search_request(user, values)
    return searching.WalkRequest(search=search, n_windows=values.get("windows"), **given)


def plain(value: Any) -> Any:
    """Return JSON numbers as Python's own: whole ones stay whole."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    if hasattr(value, "as_tuple"):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    return value


def trial_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return one stored trial by the API's names."""

    def part(prefix: str) -> dict[str, Any]:
        return {name.removeprefix(prefix): value for name, value in row.items() if name.startswith(prefix)}

    return {
        "number": row["number"],
        "parameters": part("parameters."),
        "score": row["score"],
        "metrics": part("metrics."),
        "error": row["error"],
    }
