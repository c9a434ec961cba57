"""Template filters that say a run's settings in the words of its forms: type, parameters, settings, roles of orders."""

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template

from analytics.charts.sweeps import score_words
from backtesting.models import Job, JobKind
from backtesting.robustness.verdict import chance_words
from core.templatetags.formatting import MISSING, age_text, bars_words, quantity, unbroken
from domain.bars import TIMEFRAME_SECONDS
from portfolio.cost_words import COSTS, MONEY, cost_rows
from strategies.base import Params
from strategies.forms import SIZINGS, kind_of
from strategies.parameters import schema_of

register = template.Library()

SETTINGS = {
    "type": "Strategy type",
    "symbols": "Instruments",
    "timeframe": "Bars",
    "start": "From",
    "end": "To",
    "risk_rules": "Risk rules",
    "starting_cash": "Starting cash",
    "allow_short": "May sell short",
    "sizing": "Position size",
}
SIZES = {
    "percent_equity": "{} % of equity",
    "risk_per_trade": "{} % of equity lost at the stop",
    "fixed_value": "{} in the account's currency",
    "fixed_quantity": "{} units",
    "atr_volatility": "{} % of equity moved by one ATR",
    "kelly": "{} of the Kelly criterion",
    "equal_weight": "Equity in {} equal parts",
}
RULES = {"mine": "as live", "none": "none"}


@register.filter
def type_title(name: str) -> str:
    """Return a strategy type's title; the bare name when its code is gone."""
    kind = kind_of(name)
    return kind.strategy.title if kind else name


@register.filter
def told(values: Mapping[str, Any], job: Job) -> list[tuple[str, str]]:
    """Return parameters by their titles: `{"fast": 10}` of a cross gives [("Fast average", "10")]."""
    titles = parameter_titles(job)
    return [(titles.get(name, name), value_words(value)) for name, value in values.items()]


@register.filter
def asked(job: Job) -> list[tuple[str, str]]:
    """Return what a job was asked to run, by the parameters' titles: of a search the values to try."""
    space = job.request.get("space") or {}
    fixed = {name: value for name, value in job.request["parameters"].items() if name not in space}
    titles = parameter_titles(job)
    tried = [(titles.get(name, name), space_words(values)) for name, values in space.items()]
    return [*tried, *told(fixed, job)]


def space_words(values: Any) -> str:
    """Return the values to try in words: `{"min": 5, "max": 50, "step": 5}` gives 5 to 50 by 5."""
    if isinstance(values, Mapping):
        step = f" by {number_words(values['step'])}" if values.get("step") not in (None, 1) else ""
        return f"{number_words(values.get('min'))} to {number_words(values.get('max'))}{step}"
    return value_words(values)


def number_words(value: Any) -> str:
    """Return a number without a fraction of nothing: 45.0 gives 45."""
    return f"{value:g}" if isinstance(value, float) and abs(value) < 1e6 else str(value)


@register.filter
def lower_first(text: str) -> str:
    """Return a phrase to stand within a sentence: `Holding AAPL` gives holding AAPL; a symbol stays as it is."""
    return text[:1].lower() + text[1:] if text[:2].istitle() and " " in text else text


@register.filter
def chance(value: float) -> str:
    """Return a probability in whole per cent, never as certain: 0.999 gives above 99 %."""
    return unbroken(chance_words(value))


@register.filter
def verdict_of(job: Job) -> Mapping[str, Any] | None:
    """Return a completed job's verdict on luck; of a search the one over all of its combinations."""
    found: Mapping[str, Any] | None = job.summary.get("verdict") or (job.summary.get("luck") or {}).get("verdict")
    return found


@register.filter
def opening(verdict: Mapping[str, Any]) -> str:
    """Return a verdict's sentence without the reasons that are listed below it."""
    text = str(verdict["sentence"])
    for reason in verdict["reasons"]:
        text = text.replace(reason["text"], "")
    return text.strip()


@register.filter
def lasting(seconds: float) -> str:
    """Return how long something takes: about 3 min; what is over at once takes less than a second."""
    return "less than a second" if seconds < 1 else f"about {age_text(seconds)}"


@register.filter
def score(value: float | None) -> str:
    """Return a combination's score as the pictures of its sweep write it."""
    return MISSING if value is None else score_words(value)


@register.filter
def search_words(method: str) -> str:
    """Return how a search chose its combinations."""
    return {"tpe": "chosen by TPE", "random": "chosen at random"}.get(method, "every one")


def parameter_title(job: Job, name: str) -> str:
    """Return what the type's form calls a parameter."""
    return parameter_titles(job).get(name, name)


def parameter_titles(job: Job) -> Mapping[str, str]:
    """Return what the type's form calls its parameters, by name; nothing when its code is gone."""
    kind = kind_of(job.type)
    return _titles_of(kind.strategy.Params) if kind else {}


@functools.lru_cache(maxsize=64)  # a type whose file changed has a class of its own
def _titles_of(params: type[Params]) -> Mapping[str, str]:
    known = schema_of(params).get("properties", {})
    return {name: str(told.get("title", name)) for name, told in known.items()}


@register.filter
def parameter(name: str, job: Job) -> str:
    """Return what the type's form calls a parameter, the name first."""
    return parameter_title(job, name)


@register.filter
def setting_title(name: str, jobs: Sequence[tuple[str, Job]]) -> str:
    """Return what a setting that differs is called; a parameter by the first run that has it."""
    _, is_parameter, bare = name.rpartition("parameters.")
    if not is_parameter:
        return SETTINGS.get(name) or name.replace("_", " ").capitalize()
    owner = next((job for _, job in jobs if bare in job.request["parameters"]), None)
    return parameter_title(owner, bare) if owner else bare


@register.filter
def value_words(value: Any) -> str:
    """Return a setting's value as people read it."""
    if value is None or value in ({}, []):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value:%d %b %Y}"
    if isinstance(value, Mapping) and "limit" in value:
        return f"{value.get('name') or _plain(value.get('type', 'rule'))} (limit {value['limit']})"
    if isinstance(value, Mapping) and set(value) <= COSTS:
        return ", ".join(
            f"{words} {each:f} {unit.replace(MONEY, '')}".rstrip() for words, each, unit in cost_rows(value)
        )
    if isinstance(value, Mapping):
        return sizing_words(value) if "method" in value else ", ".join(f"{_plain(k)} {v}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_words(each) for each in value)
    if isinstance(value, str):
        return RULES.get(value) or (bars_words(value) if value in TIMEFRAME_SECONDS else type_title(value))
    return number_words(value)


@register.filter
def kind_words(job: Job) -> str:
    """Return what a job is."""
    return {JobKind.SWEEP.value: "Sweep", JobKind.WALK_FORWARD.value: "Walk-forward"}.get(job.kind, "Backtest")


@register.filter
def sizing_words(sizing: Mapping[str, Any]) -> str:
    """Return a sizing in words: `{"method": "percent_equity", "value": "2"}` gives 2 % of equity."""
    method = str(sizing.get("method", ""))
    if not sizing.get("value"):
        return SIZINGS.get(method, _plain(method))  # type: ignore[call-overload]  # the texts are the enum's
    return unbroken(SIZES.get(method, f"{_plain(method)}: {{}}").format(quantity(sizing["value"])))


@register.filter
def words(name: str) -> str:
    """Return a coded word for people: `stop_limit` gives Stop limit."""
    return _plain(name).capitalize()


def _plain(name: str) -> str:
    return str(name).replace("_", " ")
