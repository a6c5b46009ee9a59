"""The wire format: what we write is read back, and nothing hostile gets through."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core import protobuf
from paas.core.protobuf import Malformed, bytes_field, bytes_of, fields, int_of, text_of

NUMBERS = st.integers(1, (1 << 29) - 1)


@given(NUMBERS, st.integers(-(1 << 63), (1 << 63) - 1))
def test_integers_come_back(number: int, value: int) -> None:
    ((found, read),) = fields(protobuf.varint_field(number, value))
    assert (found, int_of(read)) == (number, value)


@given(st.lists(st.tuples(NUMBERS, st.binary(max_size=300))))
def test_bytes_come_back_in_order(pairs: list[tuple[int, bytes]]) -> None:
    data = b"".join(bytes_field(number, value) for number, value in pairs)
    assert list(fields(data)) == pairs


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        size = sum(len(value) for _, value in fields(data) if isinstance(value, bytes))
    except Malformed:
        return
    assert size <= len(data)


def test_known_encodings() -> None:
    assert protobuf.varint_field(1, 150) == b"\x08\x96\x01"
    assert bytes_field(2, b"testing") == b"\x12\x07testing"
    assert list(fields(b"\x0d\x01\x00\x00\x00\x11\x02" + bytes(7))) == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x08",  # no value
        b"\x08\x80",  # a value without end
        b"\x12\x05abc",  # cut short
        b"\x12\xff\xff\xff\xff\x0f",  # far longer than the message
        b"\x0d\x01\x00",  # half a fixed number
        b"\x0b",  # a group
        b"\x0f",  # no such type
        b"\x00\x01",  # field 0
        b"\x08" + b"\xff" * 11,  # a number without end
        b"\x08" + b"\xff" * 9 + b"\x7f",  # more than 64 bits
        b"\xf8\xff\xff\xff\xff\x01\x01",  # a field number that is too large
    ],
)
def test_hostile_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        list(fields(data))


def test_a_message_has_no_end_of_fields() -> None:
    data = b"\x08\x01" * protobuf.MOST_FIELDS
    assert sum(1 for _ in fields(data)) == protobuf.MOST_FIELDS
    with pytest.raises(Malformed):
        list(fields(data + b"\x08\x01"))


def test_values_of_the_wrong_type_are_refused() -> None:
    assert text_of(b"\xff") == "\N{REPLACEMENT CHARACTER}"
    with pytest.raises(Malformed):
        text_of(1)
    with pytest.raises(Malformed):
        bytes_of(1)
    with pytest.raises(Malformed):
        int_of(b"")
