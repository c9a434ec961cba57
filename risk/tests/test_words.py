"""How rules speak: digits that people read, money with its currency, no value that looks like its limit."""

from decimal import Decimal as D

import pytest

from risk.decisions import RuleSpec
from risk.rules.table import RULE_TYPES
from risk.words import broken_words, near_words


def said(kind: str, value: str, limit: str, **more: str) -> str:
    rule = RuleSpec(key="x", name="Mine", type=kind, limit=D(limit), **more)  # type: ignore[arg-type]  # any field
    return broken_words(rule, RULE_TYPES[kind], None, D(value), symbol="AAPL")


@pytest.mark.parametrize(
    ("kind", "value", "limit", "words"),
    [
        ("max_position_size", "94.9712", "5", "would be 94.97 %, above the limit of 5 %"),
        ("max_position_size", "5.0004", "5", "would be 5.0004 %, above the limit of 5 %"),
        ("max_position_size", "5.0000004", "5", "would be 5.0000004 %, above the limit of 5 %"),
        ("max_leverage", "0.9499", "0.5", "would be 0.95×, above the limit of 0.5×"),
        ("max_order_value", "94993.8", "50000", "is 94,993.80 USD, above the limit of 50,000 USD"),
        ("max_position_size", "6.3333", "5.125", "would be 6.33 %, above the limit of 5.125 %"),
        ("max_order_value", "47493.1234", "10", "is 47,493.12 USD, above the limit of 10 USD"),
    ],
)
def test_a_breach_names_value_and_limit_as_people_read_them(kind: str, value: str, limit: str, words: str) -> None:
    assert words in said(kind, value, limit, currency="USD")


def test_money_of_no_known_currency_has_none() -> None:
    assert said("max_order_value", "5000", "4000").endswith("is 5,000, above the limit of 4,000")


def test_what_comes_near_a_limit_is_written_alike() -> None:
    rule = RuleSpec(key="x", name="Mine", type="max_position_size", limit=D(5))

    assert "4.57 %, near the limit of 5 %" in near_words(rule, RULE_TYPES[rule.type], D("4.5678"), symbol="AAPL")
