"""The page: impact before saving, a password for what is critical, values for a while, quiet hours, suggestions."""

from typing import Any

import pytest
from django.urls import reverse

from core.testing import PASSWORD, make_user, page_client
from domain.notices import NotificationType
from preferences import selectors, services, suggesting
from preferences.definitions import Category
from preferences.forms import CategoryForm
from preferences.tests.test_safety import _finding

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> Any:
    return make_user()


@pytest.fixture
def page(user: Any) -> Any:
    return page_client(user)


def post(page: Any, user: Any, category: Category, **changes: Any) -> Any:
    form = CategoryForm(category, selectors.current(user.pk))
    data: dict[str, Any] = {}
    for name, field in form.fields.items():
        if field.initial is not False:
            data[name] = field.initial
    data |= {"version": str(selectors.current(user.pk).version), "step": "save", **changes}
    return page.post(f"{reverse('preferences:overview')}?tab={category.value}", data)


def test_a_preview_shows_what_the_change_would_do_and_saves_nothing(page: Any, user: Any) -> None:
    response = post(page, user, Category.RISK_MANAGEMENT, max_leverage="0.5", step="preview")

    assert b"Of your last 0 orders it would have refused 0" in response.content
    assert selectors.current(user.pk).version == 0


def test_a_critical_change_asks_for_the_word_and_the_password(page: Any, user: Any) -> None:
    def loosen(**more: Any) -> Any:
        return post(page, user, Category.RISK_MANAGEMENT, max_leverage="2", **more)

    assert b"Your password" in loosen(step="preview").content
    for more in ({}, {"confirm": "on"}, {"confirm": "on", "password": "wrong"}, {"password": PASSWORD}):
        again = loosen(**more)
        assert again.status_code == 200
        text = again.content.decode()
        assert "confirm: true" not in text and "Tick the box and give your password" in text and "Your password" in text
        assert selectors.current(user.pk).version == 0, more

    assert loosen(confirm="on", password=PASSWORD).status_code == 302
    assert selectors.current(user.pk).risk_management.max_leverage == 2


def test_a_value_can_hold_for_an_hour(page: Any, user: Any) -> None:
    post(page, user, Category.RISK_MANAGEMENT, max_leverage="0.5", hours="1")

    now = selectors.current(user.pk)
    assert [each.field for each in now.overrides] == ["max_leverage"]
    shown = page.get(f"{reverse('preferences:overview')}?tab=risk_management").content.decode()
    assert "data-override" in shown and "Largest leverage is 0.5 ×" in shown

    page.post(reverse("preferences:end_override"), {"tab": "risk_management", "field": "max_leverage"})

    ended = selectors.current(user.pk)
    assert ended.overrides == () and ended.risk_management.max_leverage == 1
    page.post(reverse("preferences:end_override"), {"tab": "risk_management", "field": "max_leverage"})
    assert selectors.current(user.pk).version == ended.version


def test_quiet_hours_are_set_and_a_bad_one_is_shown(page: Any, user: Any) -> None:
    url = f"{reverse('preferences:overview')}?tab=notifications"
    entries = {f"{kind.value}-{name}": value for kind in NotificationType for name, value in _row().items()}
    given = {**entries, "step": "save", "version": "0", "quiet_start": "22:00", "quiet_end": "07:00"}

    assert b"is not a time zone" in page.post(url, {**given, "quiet_timezone": "Mars"}).content
    assert selectors.current(user.pk).version == 0
    assert page.post(url, {**given, "quiet_timezone": "Europe/Paris"}).status_code == 302

    quiet = selectors.current(user.pk).notifications.quiet_hours
    assert quiet is not None and quiet.stored() == {"start": "22:00", "end": "07:00", "timezone": "Europe/Paris"}
    assert b"22:00" in page.get(url).content and page.get(reverse("preferences:history")).status_code == 200


def _row() -> dict[str, str]:
    return {"enabled": "on", "priority": "", "throttle_minutes": "0"}


def test_a_suggestion_is_shown_with_its_evidence_and_used_by_a_click(page: Any, user: Any) -> None:
    row = suggesting.propose(user.pk, _finding())
    assert row is not None
    shown = page.get(f"{reverse('preferences:overview')}?tab=trading").content
    assert b"Trade from 0.8 on" in shown and b"from 40 trades" in shown

    page.post(reverse("preferences:suggestion", args=[row.pk]), {"answer": "accept"})

    assert float(selectors.current(user.pk).trading.min_confidence_threshold) == 0.8
    assert page_client(make_user()).post(reverse("preferences:suggestion", args=[row.pk])).status_code == 404


def test_the_order_of_sources_is_kept_when_another_field_is_changed_and_can_be_set(page: Any, user: Any) -> None:
    services.change(user, Category.MARKET_DATA, {"preferred_sources": ["ccxt", "replay"]})
    url = f"{reverse('preferences:overview')}?tab=market_data"
    data = {"realtime_enabled": "on", "refresh_interval_seconds": "7", "step": "save", "version": "1"}
    text = page.get(url).content.decode()
    assert 'name="preferred_sources_0"' in text and "Crypto exchanges (ccxt)" in text

    ranks = {"preferred_sources_0": "ccxt", "preferred_sources_1": "replay", "preferred_sources_2": ""}
    page.post(url, {**data, **ranks})
    now = selectors.current(user.pk).market_data
    assert (now.preferred_sources, now.refresh_interval_seconds) == (("ccxt", "replay"), 7)

    ranks = {"preferred_sources_0": "replay", "preferred_sources_1": "replay", "preferred_sources_2": "ccxt"}
    page.post(url, {**data, **ranks, "version": "2"})
    assert selectors.current(user.pk).market_data.preferred_sources == ("replay", "ccxt")
