"""The risk pages: kill switches, trading states, the rule editor, breaches."""

import pytest
from django.urls import reverse
from django.utils import timezone

from core.testing import PASSWORD, assert_page_needs_sign_in, assert_page_owner_only, make_user, page_client
from portfolio.models import Account
from risk import selectors
from risk.models import KillSwitch, RiskBreach, RiskRule
from risk.services.kill_switches import engage_kill_switch
from trading.tests.scene import make_scene

pytestmark = pytest.mark.django_db

RULE = {
    "name": "Small orders", "limit": "500", "action": "reject", "warning_percent": "80", "account": "",
    "scope": "account", "cool_down_seconds": "0", "enabled": "on",
}  # fmt: skip


def rule_of(user, **changes):
    client = page_client(user)
    client.post(reverse("risk:new_rule") + "?type=max_order_value", {**RULE, **changes})
    return RiskRule.objects.filter(user=user).first()


@pytest.mark.parametrize("name", ["overview", "states", "breaches", "new_rule"])
def test_nobody_is_sent_to_sign_in(name):
    assert_page_needs_sign_in(reverse(f"risk:{name}"))


def test_the_page_shows_states_rules_and_the_limits_of_the_preferences():
    scene = make_scene([100, 101])
    rule_of(scene.user)

    text = page_client(scene.user).get(reverse("risk:overview")).content.decode()

    assert scene.account.name in text and "Small orders" in text and "Largest position" in text


def test_a_rule_made_here_is_in_force_for_the_account():
    scene = make_scene([100, 101])

    rule = rule_of(scene.user)

    in_force = selectors.rules_in_force(scene.account, at=timezone.now()).rules
    assert [(each.type, each.limit) for each in in_force if each.key == rule.key] == [("max_order_value", 500)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"limit": "-1"}, "greater than or equal to 0"),
        ({"limit": "NaN"}, "Enter a number"),
        ({"name": ""}, "This field is required"),
        ({"scope": "instrument", "symbol": "NOSUCH"}, "There is no instrument NOSUCH"),
        ({"scope": "strategy"}, "names its strategy"),
        ({"action": "explode"}, "Select a valid choice"),
        ({"warning_percent": "0"}, "greater than or equal to 1"),
    ],
)
def test_a_bad_rule_is_refused_at_its_field_and_keeps_what_was_typed(changes, told):
    user = make_user()
    answer = page_client(user).post(reverse("risk:new_rule") + "?type=max_order_value", {**RULE, **changes})

    assert told in answer.content.decode()
    assert ("Small orders" in answer.content.decode()) == ("name" not in changes)
    assert not RiskRule.objects.filter(user=user).exists()


def test_a_rule_is_its_owners_alone():
    rule = rule_of(owner := make_user())

    assert_page_owner_only(reverse("risk:edit_rule", args=[rule.pk]), owner=owner, stranger=make_user())
    for name in ("toggle_rule", "delete_rule"):
        assert page_client(make_user()).post(reverse(f"risk:{name}", args=[rule.pk])).status_code == 404
    assert RiskRule.objects.get(pk=rule.pk).enabled


def test_a_rule_is_changed_switched_off_and_removed():
    rule = rule_of(user := make_user())
    client = page_client(user)

    client.post(reverse("risk:edit_rule", args=[rule.pk]), {**RULE, "limit": "750"})
    client.post(reverse("risk:toggle_rule", args=[rule.pk]))
    rule.refresh_from_db()
    assert (rule.limit, rule.enabled) == (750, False)

    client.post(reverse("risk:delete_rule", args=[rule.pk]))
    assert not RiskRule.objects.filter(pk=rule.pk).exists()


def test_the_kill_switch_of_the_top_bar_stops_all_of_ones_own_and_nobody_elses():
    user, other = make_user(), make_user()

    page_client(user).post(reverse("risk:kill"), {"reason": "too hot"})

    assert selectors.engaged_switches(user).get().scope == "user"
    assert not selectors.engaged_switches(other).exists()


def test_a_kill_switch_without_a_reason_or_with_a_foreign_target_is_refused():
    foreign = make_scene([100, 101]).account
    client = page_client(make_user())

    client.post(reverse("risk:kill"), {"reason": ""})
    client.post(reverse("risk:kill"), {"reason": "mine", "target": f"account:{foreign.pk}"})
    client.post(reverse("risk:kill"), {"reason": "all", "target": "platform"})

    assert not KillSwitch.objects.exists()


def test_releasing_needs_the_password_and_a_reason():
    user = make_user()
    switch = engage_kill_switch(scope="user", target_id=user.pk, reason="stop", by="x", at=timezone.now())
    client, url = page_client(user), reverse("risk:release", args=[switch.pk])

    for given in ({"reason": "", "password": PASSWORD}, {"reason": "calm again", "password": "wrong"}):
        client.post(url, given)
        assert selectors.engaged_switches(user).exists()

    client.post(url, {"reason": "calm again", "password": PASSWORD})
    assert not selectors.engaged_switches(user).exists()


def test_the_platforms_switch_is_released_by_staff_alone_and_a_strangers_is_not_there():
    platform = engage_kill_switch(scope="platform", reason="stop", by="x", at=timezone.now())
    owner = make_user()
    own = engage_kill_switch(scope="user", target_id=owner.pk, reason="stop", by="x", at=timezone.now())
    given = {"reason": "calm", "password": PASSWORD}

    assert page_client(make_user()).post(reverse("risk:release", args=[platform.pk]), given).status_code == 404
    assert page_client(make_user()).post(reverse("risk:release", args=[own.pk]), given).status_code == 404
    page_client(make_user(is_staff=True)).post(reverse("risk:release", args=[platform.pk]), given)

    assert [row.scope for row in KillSwitch.objects.filter(rearmed_at=None)] == ["user"]


def test_a_trading_state_is_set_with_a_reason_by_its_owner_alone():
    scene = make_scene([100, 101])
    url = reverse("risk:change_state", args=[scene.account.pk])

    assert page_client(make_user()).post(url, {"state": "halted", "reason": "x"}).status_code == 404
    page_client(scene.user).post(url, {"state": "halted", "reason": ""})
    assert Account.objects.get(pk=scene.account.pk).trading_state == "active"
    page_client(scene.user).post(url, {"state": "halted", "reason": "holiday"})

    account = Account.objects.get(pk=scene.account.pk)
    assert (account.trading_state, account.trading_state_reason) == ("halted", "holiday")


def test_a_breach_is_acknowledged_and_its_latch_released_by_its_owner():
    scene = make_scene([100, 101])
    breach = RiskBreach.objects.create(
        user=scene.user, account=scene.account, rule_key="rule:x", rule_name="Loss", type="max_daily_loss",
        source="rule", level="breach", action="reject", limit=3, message="Lost 4 %", raised_at=timezone.now(),
        is_latched=True,
    )  # fmt: skip
    url = reverse("risk:acknowledge", args=[breach.pk])

    assert page_client(make_user()).post(url).status_code == 404
    page_client(scene.user).post(url)
    breach.refresh_from_db()
    assert breach.acknowledged_by == scene.user and breach.released_at is None
    page_client(scene.user).post(url, {"release": "1"})

    breach.refresh_from_db()
    assert breach.released_at is not None


def test_a_round_limit_is_written_out_in_the_editor():
    rule = rule_of(user := make_user(), limit="6000")

    text = page_client(user).get(reverse("risk:edit_rule", args=[rule.pk])).content.decode()

    assert 'value="6000"' in text and "6E+3" not in text


def test_ticked_rules_are_switched_off_together_and_removed_once_confirmed():
    user, stranger = make_user(), make_user()
    rules = [rule_of(user, name=name) for name in ("One", "Two")]
    foreign = rule_of(stranger)
    client, url = page_client(user), reverse("risk:bulk_rules")
    ids = [str(rule.pk) for rule in RiskRule.objects.filter(user=user)]
    assert len(rules) == len(ids) == 2

    client.post(url, {"op": "disable", "rule": ids})
    assert not RiskRule.objects.filter(user=user, enabled=True).exists()

    client.post(url, {"op": "enable", "rule": [ids[0], str(foreign.pk)]})
    assert not RiskRule.objects.filter(user=user, enabled=True).exists()  # all or nothing

    asked = client.post(url, {"op": "delete", "rule": ids}).content.decode()
    assert "Remove 2 rules?" in asked and RiskRule.objects.filter(user=user).count() == 2

    client.post(url, {"op": "delete", "rule": ids, "confirmed": "yes"})
    assert not RiskRule.objects.filter(user=user).exists() and RiskRule.objects.filter(pk=foreign.pk).exists()


def test_a_ready_set_is_put_in_force_from_the_page():
    user = make_user()

    page_client(user).post(reverse("risk:apply_template"), {"template": "conservative", "account": ""})
    page_client(user).post(reverse("risk:apply_template"), {"template": "none such", "account": ""})

    assert RiskRule.objects.filter(user=user, name__startswith="Conservative").count() == 7
