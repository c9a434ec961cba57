"""Template filters that say a run's settings in the words of its forms: type, parameters, settings, roles of orders."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import template

from backtesting.models import Job
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
RULES = {"mine": "as live", "none": "none"}


@register.filter
def type_title(name: str) -> str:
    """Return a strategy type's title; the bare name when its code is gone."""
    kind = kind_of(name)
    return kind.strategy.title if kind else name


@register.filter
def told(values: Mapping[str, Any], job: Job) -> list[tuple[str, str]]:
    """Return parameters by their titles: `{"fast": 10}` of a cross gives [("Fast average", "10")]."""
    return [(parameter_title(job, name), value_words(value)) for name, value in values.items()]


def parameter_title(job: Job, name: str) -> str:
    """Return what the type's form calls a parameter."""
    kind = kind_of(job.type)
    known = schema_of(kind.strategy.Params).get("properties", {}) if kind else {}
    return str(known.get(name, {}).get("title", name))


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
        return value.strftime("%d %b %Y")
    if isinstance(value, Mapping):
        return sizing_words(value) if "method" in value else ", ".join(f"{_plain(k)} {v}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_words(each) for each in value)
    return RULES.get(value) or (type_title(value) if isinstance(value, str) else str(value))


@register.filter
def sizing_words(sizing: Mapping[str, Any]) -> str:
    """Return a sizing with its method's name: `{"method": "percent_equity", "value": "2"}` gives 2, per cent…"""
    method = str(sizing.get("method", ""))
    words = SIZINGS.get(method, _plain(method))  # type: ignore[call-overload]  # the texts are the enum's
    return f"{words} {sizing.get('value', '')}".strip()


@register.filter
def words(name: str) -> str:
    """Return a coded word for people: `stop_limit` gives Stop limit."""
    return _plain(name).capitalize()


def _plain(name: str) -> str:
    return str(name).replace("_", " ")
