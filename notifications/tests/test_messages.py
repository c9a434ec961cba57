"""Words of every fact: plain English with numbers and units, no ids, no codes."""

import re
from decimal import Decimal
from typing import Any

import pytest

from domain import events
from domain.events import Event
from domain.notices import NotificationType, Priority
from notifications.catalogue import SPECS, messages_for
from notifications.messages import Message
from notifications.tests.facts import VALUES, example
from notifications.wording import listed, money, percent, plain_words, price, quantity, sentence
from preferences.conditions import FIELDS
from tradeplatform.wiring import HANDLERS, TELL

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-")


def told(cls: type[Event], **values: Any) -> tuple[Message, ...]:
    return messages_for(cls.name, example(cls, **values).payload())


@pytest.mark.parametrize("cls", list(SPECS), ids=lambda cls: cls.name)
def test_every_fact_has_words_without_ids_codes_or_leftovers(cls: type[Event]) -> None:
    for message in told(cls):
        text = f"{message.title} {message.body}"
        assert message.title[0].isupper() and len(message.title) <= 200
        assert not UUID.search(text), text
        assert not re.search(r"[a-z]_[a-z]", text), text
        assert "{" not in text and "None" not in text and "unknown" not in text, text
        assert "  " not in text and not text.endswith(("..", ":")), text
    assert told(cls), "the example of this fact is not told"


@pytest.mark.parametrize("cls", list(SPECS), ids=lambda cls: cls.name)
def test_every_fact_of_the_catalogue_is_durable_and_wired(cls: type[Event]) -> None:
    assert cls.durable
    assert TELL in HANDLERS[cls]


def test_an_example_of_every_fact_exists() -> None:
    assert set(VALUES) == set(SPECS)


def test_a_fill_says_price_amount_and_currency() -> None:
    (message,) = told(events.OrderFilled)

    assert message.title == "Bought 1,250 AAPL"
    assert message.body == "Your limit order was filled at $189.20 each, $236,500.00 in all."
    assert message.type is NotificationType.ORDER_FILLED
    assert message.link.startswith("/orders/") and message.subject == "AAPL"


def test_a_fill_without_a_known_price_says_none() -> None:
    (message,) = told(events.OrderFilled, average_price=None, side="sell")

    assert message.title == "Sold 1,250 AAPL"
    assert message.body == "Your limit order was filled."


def test_a_loss_is_offered_as_large_loss_first_and_a_gain_is_not() -> None:
    loss = told(events.PositionClosed)
    gain = told(events.PositionClosed, pnl_net=Decimal("12.5"))

    assert [m.type for m in loss] == [NotificationType.LARGE_LOSS, NotificationType.POSITION_UPDATE]
    assert loss[0].title == "Lost $1,520.50 on AAPL"
    assert [m.title for m in gain] == ["Closed AAPL with +$12.50"]


def test_a_loss_is_measured_against_the_equity() -> None:
    fields = told(events.PositionClosed)[0].fields

    assert fields["loss_amount"] == Decimal("1520.5")
    assert fields["loss_percent"] == Decimal("3.041")
    assert "loss_percent" not in told(events.PositionClosed, equity=None)[0].fields


def test_what_must_not_wait_is_critical() -> None:
    for cls in (events.OrderUnresolved, events.KillSwitchEngaged, events.TradingStateChanged):
        assert told(cls)[0].priority is Priority.CRITICAL


@pytest.mark.parametrize(
    ("cls", "values"),
    [
        (events.SignalSettled, {"outcome": "executed"}),
        (events.PreferenceChanged, {"critical": False}),
        (events.BacktestSettled, {"status": "canceled"}),
        (events.OrderSubmitted, VALUES[events.OrderFilled]),
    ],
)
def test_what_is_not_worth_telling_gives_no_message(cls: type[Event], values: dict[str, Any]) -> None:
    assert told(cls, **values) == ()


def test_unresolved_and_resolved_of_an_order_are_one_incident() -> None:
    unresolved = example(events.OrderUnresolved)
    resolved = example(events.OrderResolved, order_id=unresolved.payload()["order_id"])

    keys = {messages_for(event.name, event.payload())[0].incident for event in (unresolved, resolved)}

    assert len(keys) == 1 and "" not in keys


def test_texts_from_outside_can_not_break_a_template() -> None:
    (message,) = told(events.StrategyFailed, strategy="{0.__class__} {symbol}", reason="{x} %s {")

    assert message.title == "{0.__class__} {symbol} failed"


def test_an_old_row_that_lacks_fields_still_has_words() -> None:
    for cls in SPECS:
        for message in messages_for(cls.name, {}):
            assert message.title.strip()


@pytest.mark.parametrize("kind", [T for T in FIELDS if T not in ("PRICE_ALERT", "DAILY_SUMMARY")])
def test_the_fields_of_a_messages_conditions_have_the_types_that_preferences_accept(kind: NotificationType) -> None:
    for cls in SPECS:
        for message in told(cls):
            if message.type is kind:
                for name, expected in FIELDS[kind].items():
                    value = message.fields.get(name)
                    assert value is None or isinstance(value, expected), (cls.name, name)


def test_numbers_are_written_for_people() -> None:
    assert quantity("1250.500") == "1,250.5"
    assert quantity(Decimal("1E+3")) == "1,000"
    assert money("-1234.5", "USD") == "−$1,234.50"
    assert money("0.00012345", "BTC", signed=True) == "+0.00012345 BTC"
    assert money("1000", "JPY") == "¥1,000"
    assert price("0.00012", "USD") == "$0.00012"
    assert percent(0.825) == "82.5 %"
    assert money("nan") == "an unknown amount"
    assert sentence("daily_trade_limit") == "Daily trade limit."
    assert plain_words("order 0b1f8c52-33aa-4d0e-9d8e-1c2a3b4c5d6e lost") == "Order lost"
    assert listed(["a", "b", "c"]) == "a, b and c"
