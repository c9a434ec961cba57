"""Making, changing, deleting and checking strategies."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.models import OutboxEvent
from core.testing import make_user
from domain.bars import BarSource, Timeframe
from domain.errors import Conflict, IllegalState, StrategyError, ValidationFailed
from domain.instruments import AssetClass
from domain.sizing import SizingMethod
from marketdata.models import Instrument
from marketdata.services import create_instrument, record_bars
from portfolio.services.accounts import open_account
from strategies import selectors, services
from strategies.models import Strategy, StrategyState
from strategies.tests.series import walk
from strategies.tests.test_catalog import GOOD, put

pytestmark = pytest.mark.django_db
AT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    """Give the platform an empty strategies folder and a bar store of its own."""
    settings.STRATEGIES_DIR = str(tmp_path / "strategies")
    settings.BARS_URL = str(tmp_path / "bars")
    (tmp_path / "strategies").mkdir()
    return tmp_path / "strategies"


def make_instrument(symbol: str = "AAPL") -> Instrument:
    """Make an instrument without bars."""
    return create_instrument(
        symbol,
        venue="XNAS",
        asset_class=AssetClass.EQUITY,
        currency="USD",
        tick_size=Decimal("0.0001"),
        lot_size=Decimal(1),
        calendar="24/7",
    )


def make_account(user: Any, **changes: Any) -> Any:
    """Make a paper account."""
    return open_account(user, **{"name": "Paper", "starting_cash": Decimal(1000), "at": AT, **changes})


def settings_for(user: Any, **changes: Any) -> services.Settings:
    """Return good settings with some of them changed."""
    good: dict[str, Any] = {
        "name": "Mine",
        "type": "sma_cross",
        "parameters": {"fast": 5, "slow": 20},
        "symbols": ["AAPL"],
        "timeframe": Timeframe.D1,
        "sizing_method": SizingMethod.PERCENT_EQUITY,
        "sizing_value": Decimal(5),
    }
    if "account_id" not in changes:
        good["account_id"] = make_account(user).pk
    return services.Settings(**{**good, **changes})


@pytest.fixture
def user(folder: Path) -> Any:
    """Make a user and the instrument AAPL."""
    make_instrument()
    return make_user()


def make_strategy(user: Any, **changes: Any) -> Strategy:
    """Make a strategy."""
    return services.create_strategy(user, settings_for(user, **changes), at=AT)


def test_a_new_strategy_is_a_draft_with_all_parameters_written_out(user: Any) -> None:
    row = make_strategy(user)

    row = selectors.strategy_for(user, row.pk)
    assert (row.state, row.symbols) == (StrategyState.DRAFT, ["AAPL"])
    assert row.parameters == {"fast": 5, "slow": 20, "reverse": False}
    fact = OutboxEvent.objects.get(name="strategy.configured")
    assert fact.payload["change"] == "created" and fact.payload["settings"]["parameters"]["fast"] == 5


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": "nothing"}, "type"),
        ({"parameters": {"fast": 0}}, "parameters.fast"),
        ({"parameters": {"speed": 1}}, "parameters.speed"),
        ({"symbols": ["NOPE"]}, "symbols"),
        ({"symbols": []}, "symbols"),
        ({"symbols": [f"S{i}" for i in range(51)]}, "symbols"),
        ({"sizing_value": Decimal(0)}, "sizing.value"),
        ({"sizing_value": Decimal(1001)}, "sizing.value"),
        ({"sizing_value": None}, "sizing"),
        ({"name": "  "}, "name"),
        ({"mode": "live"}, "mode"),
    ],
)
def test_bad_settings_are_refused_by_field_and_store_nothing(user: Any, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        make_strategy(user, **changes)

    assert [error.field for error in refused.value.errors] == [field]
    assert not Strategy.objects.exists()


def test_every_fault_is_told_at_once(user: Any) -> None:
    with pytest.raises(ValidationFailed) as refused:
        make_strategy(user, parameters={"fast": 0}, symbols=["NOPE"], sizing_value=Decimal(0))

    assert {error.field for error in refused.value.errors} == {"parameters.fast", "symbols", "sizing.value"}


def test_an_account_of_somebody_else_does_not_exist(user: Any) -> None:
    foreign = make_account(make_user())

    with pytest.raises(ValidationFailed) as refused:
        make_strategy(user, account_id=foreign.pk)

    assert refused.value.errors[0].field == "account"


def test_a_name_is_unique_for_its_user_alone(user: Any) -> None:
    row = make_strategy(user)

    with pytest.raises(Conflict):
        make_strategy(user, account_id=row.account_id)
    assert make_strategy(make_user()).name == "Mine"


def test_settings_change_while_it_does_not_run(user: Any) -> None:
    row = make_strategy(user)

    row = services.update_strategy(row, {"parameters": {"fast": 7}, "sizing_method": None, "sizing_value": None}, at=AT)

    row.refresh_from_db()
    assert row.parameters["fast"] == 7 and row.parameters["slow"] == 50
    assert (row.sizing_method, row.sizing_value, row.symbols) == ("", None, ["AAPL"])


@pytest.mark.parametrize("state", [StrategyState.RUNNING, StrategyState.PAUSED])
def test_an_active_strategy_keeps_its_settings_and_stays(user: Any, state: StrategyState) -> None:
    row = make_strategy(user)
    Strategy.objects.filter(pk=row.pk).update(state=state)

    with pytest.raises(IllegalState):
        services.update_strategy(row, {"parameters": {"fast": 7}}, at=AT)
    with pytest.raises(IllegalState):
        services.delete_strategy(row, at=AT)
    assert services.update_strategy(row, {"name": "Other"}, at=AT).name == "Other"


def test_a_strategy_that_never_traded_can_be_deleted(user: Any) -> None:
    row = make_strategy(user)

    services.delete_strategy(row, at=AT)

    assert not Strategy.objects.exists()
    assert OutboxEvent.objects.filter(name="strategy.configured").count() == 2


def test_the_causality_report_is_stored_by_symbol_with_the_code_s_fingerprint(user: Any) -> None:
    row = make_strategy(user)
    bars = walk(200)
    rounded = type(bars)(bars.t, *(column.round(4) for column in bars.columns[1:]))
    stored = record_bars(Instrument.objects.get(), Timeframe.D1, rounded, BarSource.IMPORTED, at=AT)
    assert stored.stored == 200, stored.rejected[:2]

    report = services.check_causality(row)

    row.refresh_from_db()
    assert report["is_causal"] and row.causality == report
    assert report["reports"]["AAPL"]["n_prefixes"] > 0
    assert row.fingerprint == selectors.strategy_type("sma_cross").fingerprint


def test_a_strategy_without_enough_bars_is_not_found_causal(user: Any) -> None:
    report = services.check_causality(make_strategy(user))

    assert not report["is_causal"] and "AAPL" in report["reason"]


def test_a_type_that_broke_later_fails_the_check_and_says_why(user: Any, folder: Path) -> None:
    put(folder, "mine.py", GOOD)
    row = make_strategy(user, type="mine", parameters={})
    put(folder, "mine.py", "1 / 0")

    with pytest.raises(StrategyError, match="division by zero"):
        selectors.runnable(row)
    report = services.check_causality(row)

    assert not report["is_causal"] and "division by zero" in report["reason"]
    assert "sma_cross" in selectors.catalog().types


def test_the_catalog_is_read_again_when_a_file_comes_or_goes(folder: Path) -> None:
    assert "mine" not in selectors.catalog().types
    path = put(folder, "mine.py", GOOD)
    assert "mine" in selectors.catalog().types
    path.unlink()
    assert "mine" not in selectors.catalog().types
