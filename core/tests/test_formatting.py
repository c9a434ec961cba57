"""What a person reads of a number, a time or a state."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.template import Context, Template
from django.utils import timezone

from core.chips import KINDS, chip_for
from core.templatetags import formatting

HERE = datetime(2024, 3, 31, 0, 30, tzinfo=UTC)


def test_a_moment_on_paper_is_bare_text_in_the_users_zone() -> None:
    with timezone.override("Europe/Vienna"):
        assert formatting.stamped(HERE, "minute") == "31 Mar 2024 01:30"
        assert (formatting.stamped(HERE, "date"), formatting.stamped(None)) == ("31 Mar 2024", "–")


def rendered(text: str, **values: object) -> str:
    return Template("{% load formatting components %}" + text).render(Context(values))


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [
        (Decimal("1234567.891"), "USD", "$1,234,567.89"),
        (Decimal("-35.1"), "USD", "−$35.10"),
        (Decimal("-0.001"), "USD", "$0.00"),
        ("12", "CHF", "12.00 CHF"),
        (Decimal("0.5"), "BTC", "0.50000000 BTC"),
        (Decimal("1500.5"), "JPY", "¥1,501"),
        (None, "USD", "–"),
        (float("nan"), "USD", "–"),
    ],
)
def test_money_shows_sign_separators_and_currency(value: object, currency: str, expected: str) -> None:
    assert formatting.money(value, currency) == expected  # type: ignore[arg-type]  # wrong on purpose too


def test_a_gain_carries_a_plus_and_zero_carries_nothing() -> None:
    assert formatting.signed_money(Decimal("120")) == "+$120.00"
    assert formatting.signed_money(Decimal("0")) == "$0.00"
    assert formatting.signed_percent(Decimal("-2.345")) == "−2.35\u00a0%"


@pytest.mark.parametrize(
    ("value", "expected"),
    [("1250.000", "1,250"), ("0.01250", "0.0125"), ("-3", "−3"), (Decimal("1E+3"), "1,000"), ("", "–")],
)
def test_quantity_drops_trailing_zeros_only(value: object, expected: str) -> None:
    assert formatting.quantity(value) == expected  # type: ignore[arg-type]  # wrong on purpose too


@pytest.mark.parametrize(
    ("value", "tick", "expected"),
    [("101.4", "0.01", "101.40"), ("1.08425", "0.00001", "1.08425"), ("65000", "1", "65,000.00"), ("7", None, "7.00")],
)
def test_price_has_the_decimals_of_its_tick(value: str, tick: str | None, expected: str) -> None:
    assert formatting.price(value, tick) == expected


def test_fraction_is_shown_as_per_cent() -> None:
    assert formatting.fraction("0.0213") == "2.13\u00a0%"
    assert formatting.signed_fraction(Decimal("0.5"), 0) == "+50\u00a0%"


def test_css_class_follows_the_sign() -> None:
    assert [formatting.signed(value) for value in ("1", "-1", "0", None)] == ["gain", "loss", "flat", "flat"]


@pytest.mark.parametrize(
    ("seconds", "expected"), [(-5, "now"), (0.4, "now"), (59, "59 s"), (61, "1 min"), (90_000, "1 d")]
)
def test_age_is_told_in_one_unit(seconds: float, expected: str) -> None:
    assert formatting.age_text(seconds) == expected


def test_a_moment_is_shown_in_the_users_zone_with_utc_on_hover() -> None:
    with timezone.override("Europe/Vienna"):
        html = rendered("{% when at %}", at=HERE)

    assert ">31 Mar 2024 01:30:00<" in html
    assert 'title="2024-03-31 00:30:00 UTC"' in html
    assert 'datetime="2024-03-31T00:30:00Z"' in html


def test_an_old_moment_is_marked_stale() -> None:
    html = rendered("{% ago at 30 %}", at=timezone.now() - timedelta(seconds=95))

    assert "is-stale" in html
    assert ">1 min ago<" in html


def test_a_missing_moment_is_a_dash() -> None:
    assert rendered("{% ago at %}{% when at %}", at=None) == "––"


def test_every_chip_has_a_sentence_of_help() -> None:
    for states in KINDS.values():
        assert all(chip.label and chip.help.endswith(".") for chip in states.values())


def test_an_unknown_state_is_shown_as_it_is_called_and_warns() -> None:
    assert chip_for("order", "half_done").label == "Half done"
    assert chip_for("order", "half_done").tone == "warn"


def test_a_chip_escapes_what_it_shows() -> None:
    html = rendered('{% chip "order" state %}', state="<script>")

    assert "<script>" not in html


def test_a_card_keeps_the_context_of_its_page_inside() -> None:
    html = rendered(
        '{% card title=name id="pnl" %}{{ value|signed_money }}{% endcard %}', name="P & L", value=Decimal("-3")
    )

    assert "P &amp; L" in html
    assert "−$3.00" in html
    assert 'aria-labelledby="pnl-title"' in html


def test_a_confirm_dialog_lists_what_will_not_happen() -> None:
    options = 'id="x" title="Stop?" action="/x/" will="Stops it" will_not="Closes positions|Deletes it"'

    html = rendered(f"{{% confirm {options} %}}{{% endconfirm %}}")

    assert html.count('class="will-not"') == 2
    assert 'action="/x/"' in html


@pytest.mark.parametrize(("count", "expected"), [(7, "7"), (99, "99"), (100, "99+"), (2_340, "99+")])
def test_a_count_with_little_room_is_capped(count: int, expected: str) -> None:
    assert rendered("{{ count|capped }}", count=count) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(Decimal("3"), "+3.00"), (Decimal("-1.046"), "−1.05"), (Decimal("-0.001"), "0.00"), (None, "–")],
)
def test_a_bare_number_carries_its_sign(value: Decimal | None, expected: str) -> None:
    assert rendered("{{ value|signed_number }}", value=value) == expected


@pytest.mark.parametrize(
    ("timeframe", "words"), [("1d", "1-day bars"), ("15m", "15-minute bars"), ("4h", "4-hour bars"), ("?", "? bars")]
)
def test_bars_are_named_by_their_timeframe(timeframe: str, words: str) -> None:
    assert formatting.bars_words(timeframe) == words
