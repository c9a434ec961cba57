"""Promise 24 in short: writers and evaluators in processes of their own, half without Redis; 0 stale decisions."""

import pytest

from bench.preferences import N_EVALUATORS, N_WRITERS, run
from core.testing import make_user
from preferences import selectors
from preferences.models import PreferenceVersion

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.serial]


def test_once_a_change_has_answered_no_decision_in_any_process_uses_the_older_version() -> None:
    user = make_user()

    found = run(3.0, user.pk)

    assert [error for each in found for error in each.errors] == []
    assert len(found) == N_WRITERS + N_EVALUATORS
    assert sum(each.stale for each in found) == 0
    assert sum(each.n_decisions for each in found) > 50
    n_updates = sum(len(each.taken.get("update", [])) for each in found)
    assert selectors.current(user.pk).version == 1 + n_updates == PreferenceVersion.objects.count() > 10
