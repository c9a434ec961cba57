"""Home, search, the frame's state, the operators' box: each user sees and arranges the own things alone."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.testing import PASSWORD, assert_page_needs_sign_in, make_user, page_client
from domain.portfolio import TradingState
from portfolio.models import Account
from portfolio.services.accounts import set_trading_state
from risk.models import KillSwitch
from risk.services.kill_switches import engage_kill_switch
from tradeplatform import home
from tradeplatform.search import find
from tradeplatform.shell import shell_of
from trading.tests.scene import make_scene

pytestmark = pytest.mark.django_db


def names(user):
    return [panel.name for panel in home.arranged(user)[0]]


@pytest.mark.parametrize("url", ["/", "/home/panels/accounts/", "/search/", "/shell/status/", "/risk/limits/"])
def test_nobody_is_sent_to_sign_in(url):
    assert_page_needs_sign_in(url)


def test_a_new_user_is_told_what_to_do_first_and_opens_an_account_with_one_click():
    user = make_user()
    client = page_client(user)
    assert "Do this first" in client.get("/").content.decode()

    client.post(reverse("home_paper_account"))
    client.post(reverse("home_paper_account"))

    assert Account.objects.get(user=user).equity == 100_000


def test_every_panel_is_served_alone_and_an_unknown_one_is_not_there():
    client = page_client(make_scene([100, 101]).user)

    assert {client.get(reverse("home_panel", args=[name])).status_code for name in home.PANELS} == {200}
    assert client.get(reverse("home_panel", args=["nosuch"])).status_code == 404


def test_panels_show_nothing_of_others():
    scene = make_scene([100, 101])
    scene.strategy("buy_and_hold", {})

    text = page_client(make_user()).get("/").content.decode()

    assert scene.account.name not in text and "buy_and_hold" not in text


def test_panels_are_moved_hidden_and_remembered_for_one_user():
    user, other = make_user(), make_user()
    client, url = page_client(user), reverse("home_arrange")

    client.post(url, {"panel": "equity", "move": "up"})
    client.post(url, {"panel": "limits", "move": "hide"})

    assert names(user)[:2] == ["equity", "accounts"] and "limits" not in names(user)
    assert names(other) == list(home.PANELS)
    client.post(url, {"panel": "limits", "move": "show"})
    client.post(url, {"panel": "accounts", "move": "up"})
    assert names(user) == list(home.PANELS)


@pytest.mark.parametrize(("given", "status"), [({"move": "explode", "panel": "equity"}, 400), ({"move": "up"}, 404)])
def test_a_wrong_move_changes_nothing(given, status):
    user = make_user()

    assert page_client(user).post(reverse("home_arrange"), given).status_code == status
    assert names(user) == list(home.PANELS)


def test_search_finds_ones_own_strategies_and_every_instrument():
    scene = make_scene([100, 101])
    strategy = scene.strategy("buy_and_hold", {})

    assert strategy.name in [each.text for each in find(scene.user, "buy_and")]
    assert find(make_user(), "buy_and") == []
    assert [each.kind for each in find(make_user(), scene.symbol.lower())] == ["Chart"]


def test_the_frame_tells_mode_strictest_state_and_kill_switch():
    scene = make_scene([100, 101])
    before = shell_of(scene.user)

    set_trading_state(scene.account, TradingState.REDUCING, reason="x", by="y", at=timezone.now())
    engage_kill_switch(scope="user", target_id=scene.user.pk, reason="enough", by="y", at=timezone.now())

    after = shell_of(scene.user)
    assert (before["mode"], before["trading_state"], before["is_killed"]) == ("paper", "active", False)
    assert (after["trading_state"], after["is_killed"], after["kill_reason"]) == ("reducing", True, "enough")
    assert not shell_of(make_user())["is_killed"]


@pytest.mark.parametrize(
    ("zone", "shown"), [("Asia/Tokyo", "09:00:00"), ("UTC", "00:00:00"), ("Gone/Zone", "00:00:00")]
)
def test_times_are_shown_in_the_users_zone(zone, shown):
    scene = make_scene([100, 101])
    type(scene.user).objects.filter(pk=scene.user.pk).update(timezone=zone)
    Account.objects.filter(pk=scene.account.pk).update(market_at=datetime(2024, 1, 2, tzinfo=UTC))

    assert shown in page_client(scene.user).get(reverse("home_panel", args=["accounts"])).content.decode()


def test_the_platforms_switch_is_staffs_and_its_release_needs_the_password():
    url, staff = reverse("platform_switch"), page_client(make_user(is_staff=True, is_superuser=True))
    page_client(make_user()).post(url, {"wish": "engage", "reason": "x"})
    staff.post(url, {"wish": "engage", "reason": ""})
    assert not KillSwitch.objects.exists()

    staff.post(url, {"wish": "engage", "reason": "exchange down"})
    assert "exchange down" in staff.get(reverse("admin:index")).content.decode()
    staff.post(url, {"wish": "release", "reason": "up again", "password": "wrong"})
    assert KillSwitch.objects.get().is_engaged

    staff.post(url, {"wish": "release", "reason": "up again", "password": PASSWORD})
    assert not KillSwitch.objects.get().is_engaged


def test_the_operators_part_asks_for_the_same_sign_in_and_turns_others_away():
    anonymous, member, operator = Client(), page_client(make_user()), page_client(make_user(is_staff=True))

    asked = anonymous.get("/admin/", follow=True)
    assert asked.redirect_chain[-1][0] == "/sign-in/?next=/admin/"

    for url in ("/admin/", "/admin/trading/order/", "/platform/kill-switch/"):
        refused = member.get(url, follow=True)
        assert refused.status_code == 403 and "You may not open this" in refused.content.decode(), url
    assert operator.get("/admin/").status_code == 200
    assert operator.get("/admin/login/").headers["Location"] == "/admin/"
