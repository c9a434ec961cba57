"""The parts of the risk page about watching: history drawn, gauge with waivers, crises of one's own."""

from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from core.testing import assert_page_needs_sign_in, make_user, page_client
from domain.instruments import AssetClass
from marketdata.services import create_instrument
from portfolio.models import Position
from portfolio.services.accounts import open_account
from risk.models import HeadroomSample, ProtectionWaiver, StressScenario, UnprotectedEpisode

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Any:
    return open_account(make_user(), name="Paper", starting_cash=D(100_000), at=timezone.now())


@pytest.fixture
def episode(account: Any) -> UnprotectedEpisode:
    row = create_instrument(
        "NAKED", venue="TEST", asset_class=AssetClass.EQUITY, currency="USD", tick_size=D("0.01"), lot_size=D(1),
        calendar="24/7",
    )  # fmt: skip
    held = Position.objects.create(
        user=account.user, account=account, instrument=row, quantity=D(10), average_price=D(50), cost=D(500),
        last_mark=D(50), is_open=True,
    )  # fmt: skip
    now = timezone.now()
    return UnprotectedEpisode.objects.create(
        user=account.user, account=account, position_id=held.pk, instrument=row, quantity=D(10), value=D(500),
        worst_value=D(500), value_seconds=D(2500), reason="no stop order works", began_at=now, measured_at=now,
    )  # fmt: skip


def text_of(user: Any) -> str:
    return page_client(user).get(reverse("risk:watching")).content.decode()


def test_the_history_is_drawn_and_told_in_numbers(account: Any) -> None:
    now = timezone.now()
    for minutes, used in ((0, "0.5"), (1, "0.9"), (2, "0.25")):
        HeadroomSample.objects.create(
            user=account.user,
            account=account,
            epoch=account.epoch,
            at=now + timedelta(minutes=minutes),
            sampled_at=now,
            nearest=float(used),
            limits={"preferences:max_leverage": [used, "1", used]},
        )

    text = text_of(account.user)

    assert "headroom-" in text and "Largest leverage" in text
    assert "25\u00a0%" in text and "90\u00a0%" in text  # now, and at its most
    assert "Nothing was measured yet" in text_of(make_other())


def make_other() -> Any:
    user = make_user()
    open_account(user, name="Paper", starting_cash=D(1), at=timezone.now())
    return user


def test_what_nothing_protects_can_be_waived_with_a_reason_and_taken_back(episode: UnprotectedEpisode) -> None:
    user, client = episode.user, page_client(episode.user)
    assert "NAKED" in text_of(user) and "$500.00" in text_of(user) and "2,500" in text_of(user)
    sign = reverse("risk:sign_waiver", args=[episode.position_id])

    client.post(sign, {"reason": ""})
    assert not ProtectionWaiver.objects.exists()
    client.post(sign, {"reason": "a hedge elsewhere"})

    assert "a hedge elsewhere" in text_of(user)
    client.post(reverse("risk:revoke_waiver", args=[episode.position_id]))
    assert "a hedge elsewhere" not in text_of(user)


def test_a_stranger_can_not_sign_and_sees_nothing(episode: UnprotectedEpisode) -> None:
    stranger = make_other()

    answer = page_client(stranger).post(reverse("risk:sign_waiver", args=[episode.position_id]), {"reason": "mine"})

    assert answer.status_code == 404 and not ProtectionWaiver.objects.exists()
    assert "NAKED" not in text_of(stranger)
    assert_page_needs_sign_in(reverse("risk:watching"))


def test_a_crisis_of_ones_own_is_kept_and_removed(account: Any) -> None:
    client = page_client(account.user)
    given = {"name": "Rates", "default_percent": "-20", "shocks": "crypto: -60 %\nequity -30"}

    client.post(reverse("risk:new_scenario"), given)

    row = StressScenario.objects.get()
    assert (row.name, row.default_percent, row.shocks) == ("Rates", -20, {"crypto": "-60", "equity": "-30"})
    stranger = page_client(make_user()).post(reverse("risk:delete_scenario", args=[row.pk]))
    assert stranger.status_code == 404
    client.post(reverse("risk:delete_scenario", args=[row.pk]))
    assert not StressScenario.objects.exists()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"shocks": "equity"}, "does not end with a per cent"),
        ({"default_percent": "-101"}, "greater than or equal to -100"),
        ({"shocks": "nonsense -5"}, "no symbol, sector or asset class"),
    ],
)
def test_a_crisis_that_can_not_be_read_says_why(account: Any, values: dict[str, str], said: str) -> None:
    given = {"name": "Rates", "default_percent": "-20", "shocks": "", **values}

    answer = page_client(account.user).post(reverse("risk:new_scenario"), given, follow=True)

    assert said in answer.content.decode() and not StressScenario.objects.exists()
