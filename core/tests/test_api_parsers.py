"""The strict JSON parser: what no type of ours can hold never gets further."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError

from core.api.parsers import MAX_BYTES, MAX_DEPTH, canonical, loads
from core.api.render import dumps
from domain.errors import TooLarge


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"a": 1, "a": 2}', "duplicate_key"),
        (b'{"a": {"b": 1, "b": 1}}', "duplicate_key"),
        (b'{"a": NaN}', "not_a_number"),
        (b'{"a": -Infinity}', "not_a_number"),
        (b'{"a": 9223372036854775808}', "out_of_range"),
        (b'{"a": -9223372036854775808}', "out_of_range"),
        (b'{"a": ' + b"9" * 5000 + b"}", "out_of_range"),
        (b'{"a": 1e999999999}', "out_of_range"),
        (b'{"a": 1e-400}', "out_of_range"),
        (b'{"a": 0.' + b"1" * 70 + b"}", "out_of_range"),
        (b'{"a": "\xff"}', "not_utf8"),
        (b'{"a": "\\ud800"}', "invalid_text"),
        (b'{"\\udfff": 1}', "invalid_text"),
        (b'{"a": "x\\u0000y"}', "invalid_text"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"{'a': 1}", "malformed"),
        (b'{"a": 1,}', "malformed"),
        (b'{"a": 01}', "malformed"),
        (b'\xef\xbb\xbf{"a": 1}', "malformed"),
        (b"{} {}", "malformed"),
    ],
)
def test_what_no_type_can_hold_is_refused_with_a_code(raw: bytes, code: str) -> None:
    with pytest.raises(ParseError) as caught:
        loads(raw)

    assert caught.value.get_codes() == code


def test_a_body_over_the_bound_is_too_large() -> None:
    assert loads(b'"' + b"a" * (MAX_BYTES - 2) + b'"')

    with pytest.raises(TooLarge, match=str(MAX_BYTES)):
        loads(b'"' + b"a" * (MAX_BYTES - 1) + b'"')


def test_numbers_arrive_as_int_or_decimal_and_depth_up_to_the_bound_is_fine() -> None:
    tree = loads(b'{"a": 1, "b": 0.1, "c": 9223372036854775807}')

    assert tree == {"a": 1, "b": Decimal("0.1"), "c": 2**63 - 1}
    assert isinstance(tree["b"], Decimal)
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_equal_bodies_have_equal_canonical_bytes_whatever_their_key_order() -> None:
    assert canonical(loads(b'{"a": [1, {"x": 1, "y": 2}], "b": 2}')) == canonical(
        loads(b'{"b":2,"a":[1,{"y":2,"x":1}]}')
    )
    assert canonical(loads(b"[1,2]")) != canonical(loads(b"[2,1]"))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused_with_400(raw: bytes) -> None:
    try:
        dumps(loads(raw))
    except ParseError as error:
        assert error.status_code == 400


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")),
    lambda children: (
        st.lists(children, max_size=4) | st.dictionaries(st.text("abcé", max_size=4), children, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(_JSON)
def test_what_is_written_is_read_back_the_same(tree: object) -> None:
    assert loads(dumps(tree)) == tree
