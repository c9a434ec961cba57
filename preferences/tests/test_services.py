"""Versions, concurrency and corruption: no lost update, no older value once a change has answered, no laxer default."""

import threading
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from core.models import OutboxEvent
from core.testing import in_threads, make_user
from domain.errors import NotFound, VersionMoved
from preferences import selectors, services
from preferences.definitions import Category
from preferences.models import PreferenceHead, PreferenceVersion
from preferences.selectors import CorruptPreferences
from preferences.writing import Origin

TRADING, RISK = Category.TRADING, Category.RISK_MANAGEMENT


@pytest.fixture
def user(db: None) -> Any:
    return make_user()


def test_a_user_who_never_changed_anything_has_version_0_of_the_defaults(user: Any) -> None:
    found = selectors.current(user.pk)

    assert (found.version, found.risk_management.max_leverage) == (0, Decimal(1))


def test_a_change_is_typed_versioned_and_told(user: Any) -> None:
    changed = services.change(user, RISK, {"max_leverage": Decimal("0.50")}, origin=Origin(author=user, reason="calm"))

    assert changed == selectors.current(user.pk)
    assert (changed.version, changed.risk_management.max_leverage) == (1, Decimal("0.5"))
    fact = OutboxEvent.objects.get(name="preference.changed")
    assert fact.user_id == user.pk
    assert fact.payload["changed"] == {"risk_management.max_leverage": {"old": "1", "new": "0.5"}}
    assert PreferenceVersion.objects.get().reason == "calm"


def test_the_same_values_again_make_no_version_and_no_fact(user: Any) -> None:
    services.change(user, TRADING, {"max_daily_trades": 50})

    assert selectors.current(user.pk).version == 0
    assert not OutboxEvent.objects.exists()


def test_an_unexpected_version_is_refused(user: Any) -> None:
    services.change(user, TRADING, {"max_daily_trades": 5}, expected_version=0)

    with pytest.raises(VersionMoved):
        services.change(user, TRADING, {"max_daily_trades": 6}, expected_version=0)


@pytest.mark.parametrize(
    "damage",
    [
        lambda values: values["risk_management"].update(max_leverage="19"),
        lambda values: values["risk_management"].pop("max_leverage"),
        lambda values: values.pop("trading"),
        lambda values: values["trading"].update(max_daily_trades="many"),
        lambda values: values.update(extra={}),
    ],
)
@pytest.mark.parametrize("is_digest_right", [True, False])
def test_a_damaged_version_denies_until_a_rollback_repairs_it(user: Any, damage: Any, is_digest_right: bool) -> None:
    services.change(user, TRADING, {"max_daily_trades": 5})
    services.change(user, TRADING, {"max_daily_trades": 6})
    row = PreferenceVersion.objects.get(version=2)
    damage(row.values)
    if is_digest_right and row.values.get("risk_management", {}).get("max_leverage") != "19":
        row.digest = selectors.digest_of(row.values)
    PreferenceVersion.objects.filter(pk=row.pk).update(values=row.values, digest=row.digest)
    selectors._parsed.cache_clear()

    with pytest.raises(CorruptPreferences):
        selectors.current(user.pk)
    with pytest.raises(CorruptPreferences), transaction.atomic():
        selectors.current_in_transaction(user.pk)
    with pytest.raises(CorruptPreferences):
        services.change(user, RISK, {"max_leverage": 2})

    assert services.rollback(user, 1).trading.max_daily_trades == 5
    assert selectors.current(user.pk).version == 3


def test_a_lost_head_or_version_never_becomes_the_defaults(user: Any) -> None:
    services.change(user, RISK, {"max_leverage": Decimal("0.5")})
    PreferenceHead.objects.all().delete()

    with pytest.raises(CorruptPreferences):
        selectors.current(user.pk)
    with pytest.raises(CorruptPreferences), transaction.atomic():
        selectors.current_in_transaction(user.pk)

    services.rollback(user, 0)
    assert selectors.current(user.pk).version == 2
    PreferenceVersion.objects.filter(version=2).delete()
    with pytest.raises(CorruptPreferences):
        selectors.current(user.pk)


def test_an_unknown_version_can_not_be_restored(user: Any) -> None:
    with pytest.raises(NotFound):
        services.rollback(user, 3)


def test_the_gate_may_not_read_outside_a_transaction(transactional_db: None) -> None:
    with pytest.raises(RuntimeError):
        selectors.current_in_transaction(make_user().pk)


def test_a_cached_read_costs_two_small_queries(user: Any, django_assert_num_queries: Any) -> None:
    services.change(user, TRADING, {"max_daily_trades": 5})
    selectors.current(user.pk)

    with django_assert_num_queries(2):
        selectors.current(user.pk)


@pytest.mark.django_db(transaction=True)
def test_writers_at_the_same_time_lose_no_update(transactional_db: None) -> None:
    user = make_user()
    n = 8

    def write(index: int) -> Any:
        values = {"trading": {"max_daily_trades": index + 1}, "risk": {"max_leverage": Decimal(index + 1) / 10}}
        return services.change(user, *[(TRADING, values["trading"]), (RISK, values["risk"])][index % 2], confirmed=True)

    results = in_threads(n, write)

    assert not [r for r in results if isinstance(r, Exception)], results
    assert sorted(r.version for r in results) == list(range(1, n + 1))
    assert PreferenceVersion.objects.filter(user=user).count() == n
    last = selectors.current(user.pk)
    assert last.trading.max_daily_trades != 50 and last.risk_management.max_leverage != 1


@pytest.mark.django_db
def test_a_first_change_committed_between_two_questions_is_no_corruption(monkeypatch: pytest.MonkeyPatch) -> None:
    user = make_user()
    services.change(user, TRADING, {"max_daily_trades": 7}, confirmed=True)
    seen, really = [], selectors._head

    def too_early_once(user_id: Any, lock: str) -> int | None:
        seen.append(lock)
        return None if len(seen) == 1 else really(user_id, lock)

    monkeypatch.setattr(selectors, "_head", too_early_once)

    assert selectors.current(user.pk).trading.max_daily_trades == 7
    seen.clear()
    assert services.change(user, TRADING, {"max_daily_trades": 8}, confirmed=True).version == 2


@pytest.mark.django_db(transaction=True)
def test_two_conditional_writers_at_the_same_time_one_wins(transactional_db: None) -> None:
    user = make_user()

    results = in_threads(6, lambda i: services.change(user, TRADING, {"max_daily_trades": i}, expected_version=0))

    assert sum(isinstance(r, VersionMoved) for r in results) == 5
    assert selectors.current(user.pk).version == 1


@pytest.mark.django_db(transaction=True)
def test_once_a_change_has_answered_no_decision_uses_older_values(transactional_db: None) -> None:
    user = make_user()
    answered = 0
    stale: list[tuple[int, int]] = []
    stop = threading.Event()

    def decide(_: int) -> int:
        n = 0
        while not stop.is_set():
            floor = answered
            with transaction.atomic():
                version = selectors.current_in_transaction(user.pk).version
            n += 1
            if version < floor:
                stale.append((version, floor))
        return n

    def write(_: int) -> None:
        nonlocal answered
        for index in range(30):
            answered = services.change(user, TRADING, {"max_daily_trades": 100 + index}).version
        stop.set()

    decisions = in_threads(4, lambda i: write(i) if i == 0 else decide(i))

    assert not [r for r in decisions if isinstance(r, Exception)], decisions
    assert stale == [] and answered == 30


@pytest.mark.django_db(transaction=True)
def test_a_change_waits_for_a_decision_under_way(transactional_db: None) -> None:
    """On PostgreSQL by the share lock, on SQLite because it has one writer."""
    user = make_user()
    services.change(user, TRADING, {"max_daily_trades": 1})
    order: list[str] = []
    reading, go_on = threading.Event(), threading.Event()

    def decide() -> None:
        with transaction.atomic():
            selectors.current_in_transaction(user.pk)
            reading.set()
            go_on.wait(timeout=10)
            order.append("decided")

    def write() -> None:
        reading.wait(timeout=10)
        threading.Timer(0.3, go_on.set).start()
        services.change(user, TRADING, {"max_daily_trades": 2})
        order.append("changed")

    in_threads(2, lambda i: (decide, write)[i]())

    assert order == ["decided", "changed"]
    assert connection.vendor in ("sqlite", "postgresql")


def test_a_version_that_is_in_force_and_not_stored_stops_changes_and_is_repaired_by_a_reset(user: Any) -> None:
    services.change(user, TRADING, {"max_daily_trades": 5})
    PreferenceHead.objects.filter(user=user).update(version=7)

    with pytest.raises(CorruptPreferences):
        services.change(user, TRADING, {"max_daily_trades": 6})
    assert services.reset(user).version == 8

    assert services.change(user, TRADING, {"max_daily_trades": 6}).version == 9


def test_a_change_needs_few_statements(user: Any, django_assert_max_num_queries: Any) -> None:
    services.change(user, TRADING, {"max_daily_trades": 5})

    with django_assert_max_num_queries(12):
        services.change(user, TRADING, {"max_daily_trades": 6})
