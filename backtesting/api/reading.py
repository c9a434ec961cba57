"""From the API's validated values to what a service is asked."""

from typing import Any

from backtesting.services.requests import RunRequest
from core.api.serializers import StrictSerializer
from domain.errors import NotFound, ValidationFailed
from risk.api import rule_values

_OWN = ("fees", "slippage", "financing", "sizing", "risk_rules", "benchmark", "strategy", "parameters")


def run_request(user: Any, values: dict[str, Any], *, only: type[StrictSerializer] | None = None) -> RunRequest:
    """Return the run that a body asks for. Raises ValidationFailed for a rule's account that is not the asker's."""
    names = set(only().fields) if only is not None else set(values)
    given = {name: value for name, value in values.items() if name in names and name not in _OWN}
    rules = values.get("risk_rules", "mine")
    sizing = values.get("sizing") or {}
    if not isinstance(rules, str):
        rules = [_rule(user, index, each) for index, each in enumerate(rules)]
    return RunRequest(
        **{name: value for name, value in given.items() if value is not None or name in ("start", "end")},
        parameters=values.get("parameters", {}),
        fees=values.get("fees") or {},
        slippage=values.get("slippage") or {},
        financing=values.get("financing") or {},
        sizing_method=sizing.get("method"),
        sizing_value=sizing.get("value"),
        risk_rules=rules,
        benchmark=values.get("benchmark") or "",
        strategy_id=values.get("strategy"),
    )


def _rule(user: Any, index: int, given: dict[str, Any]) -> dict[str, Any]:
    try:
        return rule_values(user, given)
    except NotFound as error:
        raise ValidationFailed(error.message, field=f"risk_rules.{index}.account", code=error.code) from error
