"""Templates, export and import: whole sets of rules, all or none."""

import itertools

import pytest

from core.testing import api_client, assert_problem
from portfolio.models import Account
from portfolio.tests.factories import make_account, make_instrument
from risk.models import RiskRule
from risk.rule_templates import TEMPLATES
from risk.rules.table import offered

pytestmark = pytest.mark.django_db
RULES = "/api/v1/risk/rules/"


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_a_template_is_put_in_force_and_again_changes_nothing(account: Account, name: str) -> None:
    client = api_client(account.user)
    asked = {"template": name, "account": str(account.pk)}

    made = client.post(f"{RULES}templates/", asked).json()["results"]
    again = client.post(f"{RULES}templates/", asked).json()["results"]

    assert {each["type"] for each in made} == {rule.type for rule in TEMPLATES[name].rules} <= set(offered())
    assert {each["account"] for each in made} == {str(account.pk)}
    assert [each["id"] for each in again] == [each["id"] for each in made]
    assert RiskRule.objects.count() == len(made)


def test_templates_are_listed_and_grow_stricter_from_aggressive_to_conservative(account: Account) -> None:
    listed = api_client(account.user).get(f"{RULES}templates/").json()["results"]

    assert {each["name"] for each in listed} == {"conservative", "moderate", "aggressive", "prop_firm"}
    limits = [
        {rule.type: rule.limit for rule in TEMPLATES[n].rules} for n in ("conservative", "moderate", "aggressive")
    ]
    for strict, loose in itertools.pairwise(limits):
        assert all(strict[name] <= loose[name] for name in strict)


def test_an_export_is_imported_again_as_it_was(account: Account) -> None:
    make_instrument("AAPL")
    client = api_client(account.user)
    client.post(f"{RULES}templates/", {"template": "moderate"})
    body = {"name": "One", "type": "max_order_value", "scope": "instrument", "symbol": "AAPL", "limit": "12.5"}
    assert client.post(RULES, {**body, "warning_at": 0.5, "latched": True, "cool_down_seconds": 60}).status_code == 201
    kept = client.get(f"{RULES}export/").json()
    RiskRule.objects.all().delete()

    imported = client.post(f"{RULES}import/", kept)

    assert imported.status_code == 200
    assert client.get(f"{RULES}export/").json() == kept and len(kept["rules"]) == 8


def test_an_import_with_one_fault_changes_nothing_and_names_it(account: Account) -> None:
    client = api_client(account.user)
    fine = {"name": "A", "type": "max_order_value", "limit": "1"}

    for rules, field in (
        ([fine, {**fine, "name": "B", "limit": "x"}], "rules.1.limit"),
        ([fine, {**fine, "name": "B", "type": "stop_loss", "limit": "0"}], "operations.1.limit"),
        ([fine, fine], "rules"),
    ):
        assert_problem(client.post(f"{RULES}import/", {"format": 1, "rules": rules}), 400, field=field)
    assert_problem(client.post(f"{RULES}import/", {"format": 2, "rules": [fine]}), 400, field="format")
    assert not RiskRule.objects.exists()


def test_a_template_for_a_strangers_account_is_not_found(account: Account) -> None:
    stranger = api_client(make_account().user)

    asked = {"template": "moderate", "account": str(account.pk)}
    assert_problem(stranger.post(f"{RULES}templates/", asked), 404)
    assert stranger.get(f"{RULES}export/").json()["rules"] == []
