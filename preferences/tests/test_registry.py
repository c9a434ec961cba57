"""Definitions, snapshots and forms: one source for bounds and words, exact storage, and a reader for every field."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from preferences.definitions import Category, Definition, Kind
from preferences.forms import CategoryForm, described
from preferences.registry import CLASSES, DEFINITIONS, DEFINITIONS_VERSION, Preferences, restored, snapshot

# The floors above preferences, whose code must name every field that is offered.
READERS = ("notifications", "marketdata", "portfolio", "strategies", "risk", "analytics", "trading", "backtesting")
EVERY = [(category, name, d) for category, known in DEFINITIONS.items() for name, d in known.items()]


def test_every_offered_field_has_a_reader() -> None:
    sources = [
        path.read_text(encoding="utf-8")
        for app in READERS
        for path in (settings.BASE_DIR / app).rglob("*.py")
        if not {"tests", "migrations"} & set(Path(path).parts)
    ]

    unread = [name for _, name, d in EVERY if d.obeyed and not any(name in text for text in sources)]

    assert unread == []


@pytest.mark.parametrize(("category", "name", "definition"), EVERY)
def test_a_default_fits_its_own_definition_and_says_what_it_does(
    category: Category, name: str, definition: Definition
) -> None:
    assert definition.clean(definition.stored(definition.default)) == definition.default
    assert definition.label and definition.effect and (definition.help or not definition.obeyed)
    if definition.kind in (Kind.INTEGER, Kind.DECIMAL):
        assert definition.minimum is not None and definition.maximum is not None


def test_the_defaults_are_those_of_the_domain() -> None:
    trading, risk = Preferences().trading, Preferences().risk_management

    assert (trading.min_confidence_threshold, trading.max_daily_trades) == (Decimal("0.7"), 50)
    assert (trading.max_concurrent_positions, trading.order_timeout_seconds) == (10, 60)
    assert trading.default_position_size_percent == 2 and trading.preferred_order_types == ("market", "limit")
    limits = (risk.max_position_size_percent, risk.max_portfolio_exposure_percent, risk.max_daily_loss_percent)
    assert limits == (5, 80, 3) and (risk.max_drawdown_percent, risk.max_leverage) == (10, 1)
    assert (risk.stop_loss_percent, risk.take_profit_percent, risk.max_correlation) == (2, 6, Decimal("0.8"))


@given(st.decimals(min_value=0, max_value=100, places=6))
def test_a_stored_decimal_comes_back_exactly(value: Decimal) -> None:
    definition = DEFINITIONS[Category.RISK_MANAGEMENT]["stop_loss_percent"]
    clean = definition.clean(value)

    assert definition.clean(definition.stored(clean)) == clean == value


@given(st.text(max_size=12) | st.floats() | st.none() | st.lists(st.integers()))
def test_what_is_no_number_is_no_limit(value: Any) -> None:
    definition = DEFINITIONS[Category.RISK_MANAGEMENT]["max_leverage"]
    try:
        clean = definition.clean(value)
    except ValueError as error:
        assert len(error.args) == 2
    else:
        assert isinstance(value, str) and isinstance(clean, Decimal) and Decimal("0.01") <= clean <= 20


def test_only_a_snapshot_of_older_definitions_may_lack_a_field() -> None:
    stored = snapshot(Preferences())
    del stored["risk_management"]["max_leverage"]

    with pytest.raises(ValueError, match="risk_management"):
        restored(stored, version=1, definitions_version=DEFINITIONS_VERSION)
    older = restored(stored, version=1, definitions_version=DEFINITIONS_VERSION - 1)
    assert older.risk_management.max_leverage == 1


@pytest.mark.parametrize("stored", [None, [], {}, {"trading": 1}, "x", {"unknown": {}}])
def test_what_is_no_snapshot_is_refused(stored: Any) -> None:
    with pytest.raises(ValueError):
        restored(stored, version=1, definitions_version=DEFINITIONS_VERSION)


def test_a_form_offers_what_the_api_offers_and_refuses_with_the_same_bounds() -> None:
    form = CategoryForm(Category.RISK_MANAGEMENT, Preferences())
    names = [each.definition.name for each in described(Category.RISK_MANAGEMENT, Preferences())]
    data = {name: form.fields[name].initial for name in names}

    assert list(form.fields) == names and "max_leverage" in names
    good = CategoryForm(Category.RISK_MANAGEMENT, Preferences(), data={**data, "max_leverage": "0.5"})
    assert good.is_valid() and good.cleaned_data["max_leverage"] == Decimal("0.5")
    bad = CategoryForm(
        Category.RISK_MANAGEMENT, Preferences(), data={**data, "max_leverage": "21", "stop_loss_percent": ""}
    )
    assert set(bad.errors) == {"max_leverage", "stop_loss_percent"}


def test_every_plain_category_has_a_form() -> None:
    for category in CLASSES:
        names = [name for name, d in DEFINITIONS[category].items() if d.obeyed]
        assert list(CategoryForm(category, Preferences()).fields) == names


def test_every_offered_field_is_documented_with_its_default() -> None:
    text = (settings.BASE_DIR / "docs" / "preferences.md").read_text(encoding="utf-8")

    missing = [f"{category}.{name}" for category, name, d in EVERY if d.obeyed and f"| {name} |" not in text]

    assert missing == []
    numbers = [(name, d) for _, name, d in EVERY if isinstance(d.default, Decimal) and d.obeyed]
    assert all(f"| {name} | {d.default} |" in text for name, d in numbers)
