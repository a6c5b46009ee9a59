"""The wire format of protocol buffers, as much of it as BuildKit's messages need.

Reading is safe with any input: what is cut short, too long or not a field raises
`Malformed`, and nothing is allocated that was not sent. No schema: who reads knows the
numbers of the fields, and skips those that it does not know.
"""

from collections.abc import Iterator
from typing import Final

Value = int | bytes

MOST_FIELDS: Final = 100_000
"""More fields than that in one message are refused."""

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED = {_FIXED64: 8, _FIXED32: 4}
_LARGEST_NUMBER = (1 << 29) - 1
_WORD = 1 << 64


class Malformed(ValueError):
    """Bytes that are no message."""


def fields(data: bytes) -> Iterator[tuple[int, Value]]:
    """Each field's number and value, in order: an unsigned integer, or the bytes of a text
    or message. Raises `Malformed`.
    """
    place = count = 0
    while place < len(data):
        count += 1
        if count > MOST_FIELDS:
            raise Malformed("too many fields")
        key, place = _read_varint(data, place)
        number, kind = key >> 3, key & 7
        if not 0 < number <= _LARGEST_NUMBER:
            raise Malformed(f"no field has the number {number}")
        if kind == _VARINT:
            value, place = _read_varint(data, place)
            yield number, value
        else:
            size, place = _size(data, place, kind)
            piece, place = data[place : place + size], place + size
            yield number, piece if kind == _LENGTH else int.from_bytes(piece, "little")


def varint_field(number: int, value: int) -> bytes:
    """An integer field; negative ones as 64 bits."""
    return _varint(number << 3 | _VARINT) + _varint(value % _WORD)


def bytes_field(number: int, value: bytes) -> bytes:
    """A field of bytes, text in UTF-8, or an encoded message."""
    return _varint(number << 3 | _LENGTH) + _varint(len(value)) + value


def text_of(value: Value) -> str:
    """A text field's value; bytes that are no UTF-8 are replaced. Raises `Malformed` for a
    number.
    """
    return bytes_of(value).decode("utf-8", "replace")


def bytes_of(value: Value) -> bytes:
    """A bytes or message field's value. Raises `Malformed` for a number."""
    if isinstance(value, int):
        raise Malformed("a number where bytes belong")
    return value


def int_of(value: Value) -> int:
    """An int64 field's value. Raises `Malformed` for bytes."""
    if not isinstance(value, int):
        raise Malformed("bytes where a number belongs")
    return value - _WORD if value >> 63 else value


def _size(data: bytes, place: int, kind: int) -> tuple[int, int]:
    if kind == _LENGTH:
        size, place = _read_varint(data, place)
    elif kind in _FIXED:
        size = _FIXED[kind]
    else:
        raise Malformed(f"no field has the type {kind}")
    if size > len(data) - place:
        raise Malformed("cut short")
    return size, place


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if place == len(data):
            raise Malformed("cut short")
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise Malformed("a number without end")
    if value >= _WORD:
        raise Malformed("a number of more than 64 bits")
    return value, place


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
