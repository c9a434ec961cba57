"""The page of one notification type: conditions as lines, preview, save, default; and import and restore on pages."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from core.testing import PASSWORD, assert_page_needs_sign_in, make_user, page_client
from domain.notices import NotificationType as T
from preferences import selectors, services
from preferences.definitions import Category
from preferences.entry_forms import Line, conditions_in_words, lines_of, tree_of
from preferences.writing import ConfirmationNeeded

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> Any:
    return make_user()


@pytest.fixture
def page(user: Any) -> Any:
    return page_client(user)


# --- lines ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "lines", "tree"),
    [
        ("all", [], {}),
        ("all", [Line("loss_amount", "min", "1,000")], {"loss_amount": {"min": Decimal(1000)}}),
        ("all", [Line("loss_amount", "min", "5"), Line("loss_amount", "max", "9")],
         {"loss_amount": {"min": 5, "max": 9}}),
        ("any", [Line("symbol", "in", "SPY, QQQ"), Line("loss_percent", "min", "2.5")],
         {"any": [{"symbol": {"in": ["SPY", "QQQ"]}}, {"loss_percent": {"min": Decimal("2.5")}}]}),
        ("all", [Line("symbol", "not_in", "A"), Line("symbol", "not_in", "B")],
         {"all": [{"symbol": {"not_in": ["A"]}}, {"symbol": {"not_in": ["B"]}}]}),
    ],
)  # fmt: skip
def test_lines_say_conditions_and_conditions_are_read_as_lines(match: str, lines: list[Line], tree: Any) -> None:
    made = tree_of(match, lines, T.LARGE_LOSS)

    assert made == tree
    found = lines_of(made)
    assert found is not None and tree_of(found[0], found[1], T.LARGE_LOSS) == tree


def test_what_is_nested_deeper_is_no_line() -> None:
    assert lines_of({"not": {"symbol": {"in": ["SPY"]}}}) is None
    assert lines_of({"any": [{"all": [{"symbol": {"in": ["SPY"]}}]}]}) is None
    assert conditions_in_words({"loss_amount": {"min": Decimal(1000)}}) == "loss amount is at least 1000"
    assert (conditions_in_words({}), conditions_in_words({"not": {}})) == ("always", "a nested condition")


# --- the page ------------------------------------------------------------------------------------------------------


def url(kind: str = "LARGE_LOSS") -> str:
    return reverse("preferences:entry", args=[kind])


def given(user: Any, **more: Any) -> dict[str, Any]:
    version = selectors.current(user.pk).version
    base = {"enabled": "on", "channels": ["IN_APP"], "priority": "", "throttle_minutes": "0", "match": "all"}
    return {**base, "version": version, "step": "save", **more}


def test_a_condition_written_as_a_line_is_previewed_and_saved(page: Any, user: Any) -> None:
    line = {
        "field_0": "loss_amount",
        "test_0": "min",
        "value_0": "1000",
        "priority": "HIGH",
        "channels": ["EMAIL", "SMS"],
    }

    shown = page.post(url(), given(user, **line, step="preview")).content.decode()
    assert "loss amount is at least 1000" in shown and selectors.current(user.pk).version == 0
    assert page.post(url(), given(user, **line)).status_code == 302

    entry = selectors.current(user.pk).notifications.entry(T.LARGE_LOSS)
    assert entry.conditions == {"loss_amount": {"min": Decimal(1000)}}
    assert (entry.priority, [str(c) for c in entry.channels]) == ("HIGH", ["EMAIL", "SMS"])
    matrix = page.get(f"{reverse('preferences:overview')}?tab=notifications").content.decode()
    assert "when loss amount is at least 1000" in matrix and user.email in matrix


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"field_0": "loss_amount", "test_0": "min", "value_0": "much"}, "is not a number"),
        ({"field_0": "loss_amount", "test_0": "in", "value_0": "5"}, "There is no such test"),
        ({"throttle_minutes": "999999"}, "less than or equal to 10080"),
        ({"channels": []}, "This field is required"),
    ],
)
def test_what_does_not_fit_is_shown_and_saves_nothing(page: Any, user: Any, more: Any, said: str) -> None:
    answer = page.post(url(), given(user, **more))

    assert answer.status_code == 200 and said in answer.content.decode()
    assert selectors.current(user.pk).version == 0


def test_a_nested_condition_stays_until_lines_replace_it(page: Any, user: Any) -> None:
    nested = {"not": {"symbol": {"in": ["SPY"]}}}
    services.change(user, Category.NOTIFICATIONS, {"add": {"event_type": "LARGE_LOSS", "conditions": nested}})

    assert "nested deeper" in page.get(url()).content.decode()
    page.post(url(), given(user, throttle_minutes="5"))
    assert selectors.current(user.pk).notifications.entry(T.LARGE_LOSS).conditions == nested

    page.post(url(), given(user, throttle_minutes="5", field_0="symbol", test_0="equals", value_0="SPY"))
    assert selectors.current(user.pk).notifications.entry(T.LARGE_LOSS).conditions == {"symbol": {"equals": "SPY"}}


def test_the_default_comes_back_and_security_alerts_stay_on(page: Any, user: Any) -> None:
    services.change(user, Category.NOTIFICATIONS, {"add": {"event_type": "LARGE_LOSS", "enabled": False}})

    page.post(url(), given(user, step="default"))
    assert not selectors.current(user.pk).notifications.entries

    without = {name: value for name, value in given(user).items() if name != "enabled"}
    answer = page.post(url("SECURITY_ALERT"), without)
    assert "can not be switched off" in answer.content.decode()
    assert page.get(url("NONSENSE")).status_code == 404
    assert_page_needs_sign_in(url())


# --- import, export, restore ---------------------------------------------------------------------------------------


def test_an_export_is_imported_after_its_difference_was_seen(page: Any, user: Any) -> None:
    services.change(user, Category.TRADING, {"max_daily_trades": 7})
    text = page.get(reverse("preferences:export")).content
    assert json.loads(text)["values"]["trading"]["max_daily_trades"] == 7
    other = make_user()
    client = page_client(other)

    shown = client.post(reverse("preferences:import"), {"file": SimpleUploadedFile("p.json", text)})
    assert "Most entries per session" in shown.content.decode() and selectors.current(other.pk).version == 0
    client.post(reverse("preferences:import"), {"text": text.decode(), "version": "0"})

    assert selectors.current(other.pk).trading.max_daily_trades == 7


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[1]", b"\xff\xfe", b'{"format": 1, "values": {}, "definitions_version": "x"}']
)
def test_what_is_no_export_is_told_and_changes_nothing(page: Any, user: Any, text: bytes) -> None:
    answer = page.post(reverse("preferences:import"), {"file": SimpleUploadedFile("p.json", text)}, follow=True)

    assert "can not be read" in answer.content.decode() or "Choose a file" in answer.content.decode()
    assert selectors.current(user.pk).version == 0


def test_restoring_what_lies_past_a_ceiling_asks_for_the_word_and_the_password(page: Any, user: Any) -> None:
    services.change(user, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(5)}, confirmed=True)
    services.change(user, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(1)})
    address = reverse("preferences:restore", args=[1])
    assert "Your password" in page.get(address).content.decode()

    page.post(address, {"version": "2"})
    assert selectors.current(user.pk).risk_management.max_leverage == 1
    page.post(address, {"version": "2", "confirm": "on", "password": PASSWORD})

    assert selectors.current(user.pk).risk_management.max_leverage == 5


def test_nothing_critical_passes_a_service_by_itself(user: Any) -> None:
    with pytest.raises(ConfirmationNeeded):
        services.change(user, Category.RISK_MANAGEMENT, {"max_leverage": Decimal(5)})
