"""The preference pages: nothing is saved unseen, stale pages are told, every version can come back."""

from decimal import Decimal

import pytest
from django.urls import reverse

from core.testing import assert_page_needs_sign_in, make_user, page_client
from domain.notices import NotificationType
from preferences import selectors, services
from preferences.definitions import Category
from preferences.forms import described

pytestmark = pytest.mark.django_db
URL = "/preferences/"


def typed(user, category=Category.RISK_MANAGEMENT, **changes):
    """What a browser would send of the form as it is shown."""
    found = {"version": str(selectors.current(user.pk).version)}
    for each in described(category, selectors.current(user.pk)):
        if not isinstance(each.value, bool):
            found[each.definition.name] = list(each.value) if isinstance(each.value, tuple) else str(each.value)
        elif each.value:
            found[each.definition.name] = "on"
    return {**found, **changes}


def risk_of(user):
    return selectors.current(user.pk).risk_management


@pytest.mark.parametrize("name", ["overview", "history"])
def test_nobody_is_sent_to_sign_in(name):
    assert_page_needs_sign_in(reverse(f"preferences:{name}"))


@pytest.mark.parametrize("tab", [*(c.value for c in Category), "nosuch", ""])
def test_every_tab_opens(tab):
    assert page_client(make_user()).get(URL, {"tab": tab}).status_code == 200


def test_a_change_is_shown_in_words_before_anything_is_saved():
    user = make_user()

    answer = page_client(user).post(f"{URL}?tab=risk_management", typed(user, max_leverage="1.5", step="preview"))

    change = answer.context["changes"][0]
    assert (change.label, change.old, change.new) == ("Largest leverage", "1 ×", "1.5 ×")
    assert risk_of(user).max_leverage == 1


def test_a_change_that_was_seen_is_saved_with_its_author():
    user = make_user()

    page_client(user).post(f"{URL}?tab=risk_management", typed(user, max_leverage="1.5", step="save"))

    assert risk_of(user).max_leverage == Decimal("1.5")
    assert selectors.history(user.pk).get().author == user


@pytest.mark.parametrize("wrong", ["", "0", "21", "abc", "NaN", "1e400", "-5"])
def test_a_bad_value_is_refused_at_its_field_and_nothing_is_saved(wrong):
    user = make_user()

    answer = page_client(user).post(f"{URL}?tab=risk_management", typed(user, max_leverage=wrong, step="save"))

    assert "max_leverage" in answer.context["form"].errors
    assert selectors.current(user.pk).version == 0


def test_what_contradicts_itself_is_refused_with_the_reason():
    user = make_user()
    given = typed(user, stop_loss_percent="50", step="save")

    answer = page_client(user).post(f"{URL}?tab=risk_management", given)

    assert "drawdown" in answer.content.decode() and selectors.current(user.pk).version == 0


def test_a_page_that_is_out_of_date_saves_nothing_and_says_so():
    user = make_user()
    stale = typed(user, max_leverage="1.5", step="save")
    services.change(user, Category.RISK_MANAGEMENT, {"max_daily_loss_percent": Decimal(1)})

    answer = page_client(user).post(f"{URL}?tab=risk_management", stale)

    assert "meanwhile" in answer.content.decode()
    assert (risk_of(user).max_leverage, risk_of(user).max_daily_loss_percent) == (1, 1)
    assert {change.label for change in answer.context["changes"]} == {"Largest leverage", "Largest loss per session"}


def test_history_restores_an_old_version_after_showing_what_that_changes():
    user = make_user()
    services.change(user, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(2)}, confirmed=True)
    services.change(user, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(3)}, confirmed=True)
    client = page_client(user)

    shown = client.get(reverse("preferences:restore", args=[1])).context["changes"]
    assert [(change.old, change.new) for change in shown] == [("3 ×", "2 ×")]
    client.post(reverse("preferences:restore", args=[1]), {"version": "2"})

    assert (risk_of(user).max_leverage, selectors.current(user.pk).version) == (2, 3)


def test_a_version_of_somebody_else_is_not_there():
    owner = make_user()
    services.change(owner, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(2)}, confirmed=True)

    assert page_client(make_user()).get(reverse("preferences:restore", args=[1])).status_code == 404


def test_reset_puts_the_defaults_of_one_tab_in_force():
    user = make_user()
    services.change(user, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(2)}, confirmed=True)
    services.change(user, Category.TRADING, {"max_daily_trades": 7})

    page_client(user).post(reverse("preferences:reset"), {"tab": "risk_management"})

    assert risk_of(user).max_leverage == 1 and selectors.current(user.pk).trading.max_daily_trades == 7


def matrix(user, **changes):
    entries = selectors.current(user.pk).notifications
    found = {"version": str(selectors.current(user.pk).version)}
    for kind in NotificationType:
        entry = entries.entry(kind)
        found |= {f"{kind}-priority": entry.priority or "", f"{kind}-throttle_minutes": str(entry.throttle_minutes)}
        if entry.enabled:
            found[f"{kind}-enabled"] = "on"
    return {name: value for name, value in {**found, **changes}.items() if value is not None}


def test_the_matrix_changes_only_the_rows_that_differ():
    user = make_user()
    changes = {"ORDER_FILLED-enabled": None, "RISK_WARNING-throttle_minutes": "15", "LARGE_LOSS-priority": "CRITICAL"}

    page_client(user).post(f"{URL}?tab=notifications", matrix(user, **changes, step="save"))

    entries = selectors.current(user.pk).notifications
    assert set(entries.entries) == {"ORDER_FILLED", "RISK_WARNING", "LARGE_LOSS"}
    assert not entries.entry(NotificationType.ORDER_FILLED).enabled
    assert entries.entry(NotificationType.RISK_WARNING).throttle_minutes == 15
    assert entries.entry(NotificationType.LARGE_LOSS).priority == "CRITICAL"


def test_the_matrix_is_previewed_too_and_refuses_bad_pauses():
    user = make_user()
    client = page_client(user)

    seen = client.post(f"{URL}?tab=notifications", matrix(user, **{"ORDER_FILLED-enabled": None, "step": "preview"}))
    wrong = client.post(f"{URL}?tab=notifications", matrix(user, **{"ORDER_FILLED-throttle_minutes": "-1"}))

    assert [(c.label, c.old, c.new) for c in seen.context["changes"]] == [("Order filled: told", "on", "off")]
    assert "greater than or equal to 0" in wrong.content.decode()
    assert selectors.current(user.pk).version == 0


def test_security_alerts_stay_on_whatever_is_sent():
    user = make_user()

    page_client(user).post(f"{URL}?tab=notifications", matrix(user, **{"SECURITY_ALERT-enabled": None, "step": "save"}))

    assert selectors.current(user.pk).notifications.entry(NotificationType.SECURITY_ALERT).enabled
