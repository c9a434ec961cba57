"""The risk page's picture of an account, and rehearsals: what is shown is what the report and the gate say."""

import json
import re
from decimal import Decimal as D
from typing import Any

import pytest
from django.test import TestCase
from django.urls import reverse

from core.testing import make_user, page_client
from risk.models import RiskRule
from risk.services.rules import create_rule
from trading.tests.api_scene import ApiScene, make_api_scene
from trading.tests.live import OTHER_WAVES, WAVES, play, put, running
from trading.tests.scene import START, make_scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> ApiScene:
    """An account that holds two instruments with seventy days of prices."""
    closes = [*WAVES, *WAVES]
    api = make_api_scene(closes)
    other = make_scene([*OTHER_WAVES, *OTHER_WAVES])
    put(api, "risk", stop_loss_percent=0, take_profit_percent=0, max_correlation=1, confirm=True)
    running(api)
    api.place(symbol=other.symbol, quantity="20")
    play(api, 75)
    return api


def shown(api: ApiScene, **given: str) -> str:
    return page_client(api.scene.user).get(reverse("risk_portfolio"), given).content.decode()


def figure(text: str, name: str) -> dict[str, Any]:
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', text)
    assert found is not None
    drawn: dict[str, Any] = json.loads(found.group(1))
    return drawn


def test_the_picture_shows_what_the_report_measures(api: ApiScene) -> None:
    report = api.owner("get", f"/risk/portfolio/?account={api.scene.account.pk}").json()

    text = shown(api)

    tree = figure(text, "exposure-figure")["data"][0]
    cells = {each["symbol"]: abs(float(each["value"])) for each in report["heat_map"]}
    assert {k: v for k, v in zip(tree["ids"], tree["values"], strict=True) if k in cells} == cells
    alike = figure(text, "correlation-figure")["data"][0]
    assert sorted(alike["x"]) == sorted(report["correlation"]["symbols"])
    tail = next(e for e in report["value_at_risk"] if (e["method"], e["level"]) == ("historical", 0.99))
    assert f"${tail['value_at_risk']:,.2f}" in text and "2000-2002 technology bust" in text
    assert all(symbol in text for symbol in cells)


def test_method_and_colors_can_be_chosen_and_what_is_not_offered_is_the_first(api: ApiScene) -> None:
    report = api.owner("get", f"/risk/portfolio/?account={api.scene.account.pk}").json()
    tail = next(e for e in report["value_at_risk"] if (e["method"], e["level"]) == ("parametric", 0.95))

    text = shown(api, method="parametric", color="risk")

    assert (
        f"${tail['value_at_risk']:,.2f}" in text
        and "% of risk" in figure(text, "exposure-figure")["data"][0]["text"][-1]
    )
    assert 'value="historical" selected' in shown(api, method="guess", account="nonsense")


def test_without_an_account_or_a_position_the_picture_says_what_comes() -> None:
    assert "No account yet" in page_client(make_user()).get(reverse("risk_portfolio")).content.decode()
    scene = make_scene(WAVES)
    assert "Nothing is held" in page_client(scene.user).get(reverse("risk_portfolio")).content.decode()


def test_a_strangers_account_is_never_shown(api: ApiScene) -> None:
    stranger = make_scene(WAVES)

    text = page_client(stranger.user).get(reverse("risk_portfolio"), {"account": api.scene.account.pk}).content.decode()

    assert api.scene.symbol not in text and stranger.account.name in text


def rule(api: ApiScene, **values: Any) -> RiskRule:
    return create_rule(
        api.scene.user, {"name": "Small", "type": "max_order_quantity", "limit": D(10), **values}, at=START
    )


def rehearse(api: ApiScene, **given: Any) -> str:
    data = {"account": str(api.scene.account.pk), **given}
    return page_client(api.scene.user).post(reverse("risk_rehearsal"), data).content.decode()


def test_chosen_rules_say_what_they_would_have_stopped(api: ApiScene) -> None:
    row = rule(api)

    text = rehearse(api, rules=[str(row.pk)])

    answer = api.owner(
        "post",
        "/risk/rules/rehearse/",
        {"account": str(api.scene.account.pk), "rule": {"type": "max_order_quantity", "limit": "10"}},
    ).json()
    assert answer["n_stopped"] == 2 and f"<strong>2 of {answer['n_decisions']}</strong>" in text
    assert "P&amp;L kept" in text and "P&amp;L forgone" in text


def test_a_ready_set_can_be_rehearsed_and_nothing_chosen_is_told(api: ApiScene) -> None:
    assert "orders of" in rehearse(api, template="conservative")
    assert "Choose a ready set" in rehearse(api)
    assert not RiskRule.objects.exists()


def test_a_rule_that_is_being_written_is_rehearsed_and_not_saved(api: ApiScene) -> None:
    client = page_client(api.scene.user)
    given = {"name": "New", "limit": "10", "action": "reject", "warning_percent": "80", "scope": "account"}
    given |= {"cool_down_seconds": "0"}
    address = reverse("risk_rehearse_rule", args=["max_order_quantity"])

    text = client.post(address, given).content.decode()
    faulty = client.post(address, {**given, "limit": ""}).content.decode()

    assert "<strong>2 of " in text and "not complete yet" in faulty
    assert not RiskRule.objects.exists()
    assert client.post(reverse("risk_rehearse_rule", args=["nonsense"]), given).status_code == 404


def test_a_strangers_rules_and_accounts_can_not_be_rehearsed(api: ApiScene) -> None:
    row = rule(api)
    stranger = page_client(make_user())

    with TestCase.captureOnCommitCallbacks():
        answer = stranger.post(reverse("risk_rehearsal"), {"account": api.scene.account.pk, "rules": [row.pk]})

    assert set(answer.context["form"].errors) == {"account", "rules"}


def test_the_drawdown_counts_from_the_peak_that_the_limits_count_from(api: ApiScene) -> None:
    account = api.scene.fresh_account()
    account.peak_equity = account.equity * 2
    account.save()

    found = api.owner("get", f"/risk/portfolio/?account={account.pk}").json()["drawdown"]

    assert D(found["current_percent"]) == D(found["worst_percent"]) == 50
    assert "50.00\u00a0%" in shown(api)


def test_the_calculator_answers_as_the_api_does_and_names_what_binds(api: ApiScene) -> None:
    client, url = page_client(api.scene.user), reverse("position_size")
    given = {
        "account": str(api.scene.account.pk),
        "symbol": api.scene.symbol.lower(),
        "method": "percent_equity",
        "value": "50",
        "side": "buy",
        "entry_price": "100",
        "stop_price": "95",
        "strategy": "",
    }
    asked = {**given, "symbol": api.scene.symbol, "strategy": None}

    text = client.post(url, given).content.decode()
    answer = api.owner("post", "/risk/position-size/", asked).json()

    assert int(answer["quantity"]) > 0 and answer["bound_by"] in text
    assert f'<div class="stat-value ">{int(answer["quantity"]):,}' in text.replace('stat-value">', 'stat-value ">')


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"symbol": "NOSUCH"}, "There is no instrument NOSUCH"),
        ({"entry_price": "0"}, "greater than or equal to"),
        ({"entry_price": "NaN"}, "Enter a number"),
        ({"method": "fixed_value", "value": ""}, "needs a value"),
        ({"method": "guess"}, "Select a valid choice"),
    ],
)
def test_the_calculator_refuses_what_makes_no_sense(changes: dict[str, str], told: str) -> None:
    scene = make_scene([100, 101, 102])
    given = {"account": str(scene.account.pk), "symbol": scene.symbol, "method": "percent_equity", "value": "2"}
    given |= {"side": "buy", "entry_price": "100", **changes}

    assert told in page_client(scene.user).post(reverse("position_size"), given).content.decode()
    stranger = page_client(make_user()).post(reverse("position_size"), given).content.decode()
    assert "Select a valid choice" in stranger


def test_the_calculator_begins_with_the_symbol_of_the_address() -> None:
    scene = make_scene([100, 101, 102])

    text = page_client(scene.user).get(reverse("position_size"), {"symbol": scene.symbol}).content.decode()

    assert f'value="{scene.symbol}"' in text and "Nothing worked out yet" in text
    assert text.count('step="any"') == 3  # counted from the smallest number, the browser would refuse 92.51
