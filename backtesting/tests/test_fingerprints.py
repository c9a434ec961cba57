"""A fingerprint names a run wherever it is calculated: what a database makes up is no part of it."""

from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from backtesting.models import Job
from backtesting.tests.jobs import done, request, stored_walk
from core.testing import make_user
from marketdata.models import Instrument
from risk.models import RiskRule
from risk.services.rules import create_rule

pytestmark = pytest.mark.django_db
RULES: dict[str, dict[str, Any]] = {"A": {"limit": Decimal(15)}, "B": {"limit": Decimal(20), "scope": "instrument"}}


def a_run(names: str) -> tuple[Job, Instrument]:
    """Do a run in a world whose rows are all new, its rules made in the order of these names."""
    RiskRule.objects.all().delete()
    Instrument.objects.all().delete()
    instrument, user = stored_walk(), make_user()
    for name in names:
        target = {"instrument": instrument} if RULES[name].get("scope") else {}
        values = {"name": name, "type": "max_position_size", "action": "reject", **RULES[name], **target}
        create_rule(user, values, at=timezone.now())
    job = done(user, request(risk_rules="mine"))
    assert job.is_completed, job.error
    return job, instrument


def test_the_same_run_in_another_database_has_the_same_fingerprint_and_the_same_bytes() -> None:
    first, before = a_run("AB")
    second, after = a_run("BA")

    assert before.pk != after.pk and second.summary["n_denied"] > 3
    assert (second.fingerprint, second.digest) == (first.fingerprint, first.digest)


def test_a_rule_of_another_limit_is_another_fingerprint() -> None:
    stored_walk()
    user = make_user()
    rules = [{"type": "max_position_size", "limit": Decimal(limit), "action": "reject"} for limit in (20, 21)]

    first, second = (done(user, request(risk_rules=[rule])) for rule in rules)

    assert first.fingerprint != second.fingerprint
