import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.http1.preface import LONGEST_V1, Announced, Malformed, parse_preface

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
V4 = socket.inet_aton("192.0.2.1") + socket.inet_aton("192.0.2.2") + b"\x00\x50\x00\x51"
V6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1") * 2 + b"\x00\x50\x00\x51"
MAPPED = socket.inet_pton(socket.AF_INET6, "::ffff:192.0.2.1") * 2 + b"\x00\x50\x00\x51"


def binary(payload=V4, *, command=0x21, family=0x11, length=None):
    size = len(payload) if length is None else length
    return SIGNATURE + struct.pack("!BBH", command, family, size) + payload


GOOD = [
    (b"PROXY TCP4 192.0.2.1 192.0.2.2 80 81\r\n", b"192.0.2.1"),
    (b"PROXY TCP6 2001:DB8::1 ::1 65535 0\r\n", b"2001:db8::1"),
    (b"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", b"192.0.2.1"),
    (b"PROXY UNKNOWN\r\n", b"unknown"),
    (b"PROXY UNKNOWN ffff:f...f anything\r\n", b"unknown"),
    (binary(), b"192.0.2.1"),
    (binary(V6, family=0x21), b"2001:db8::1"),
    (binary(MAPPED, family=0x21), b"192.0.2.1"),
    (binary(V4 + b"\x03\x00\x01x"), b"192.0.2.1"),
    (binary(b"", command=0x20, family=0), b"unknown"),
    (binary(b"", family=0), b"unknown"),
]


@pytest.mark.parametrize(("data", "address"), GOOD)
def test_split_at_every_byte(data, address):
    for end in range(len(data)):
        assert parse_preface(data[:end]) is None
    expected = Announced(address=address, size=len(data))
    assert parse_preface(data) == parse_preface(data + b"GET / HTTP/1.1\r\n") == expected


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n",
        b"\r\n\r\n\x00\r\nQUIx",
        b"PROXY\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 80\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 80 81 82\r\n",
        b"PROXY TCP4 192.0.2.1  192.0.2.2 80 81\r\n",
        b"PROXY TCP4 2001:db8::1 192.0.2.2 80 81\r\n",
        b"PROXY TCP4 192.0.2.1 ::1 80 81\r\n",
        b"PROXY TCP6 192.0.2.1 ::1 80 81\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 80 65536\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 +80 81\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 80 81\n",
        b"PROXY TCP4 \xff 192.0.2.2 80 81\r\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.2 80 81\r\n",
        b"PROXY " + b"x" * LONGEST_V1,
        binary(command=0x11),
        binary(command=0x22),
        binary(family=0x12),
        binary(V4[:-1]),
        binary(V4, family=0x21),
        binary(b"", length=65535),
    ],
)
def test_whatever_is_wrong_is_refused(data):
    with pytest.raises(Malformed):
        parse_preface(data)


@given(st.binary(max_size=64))
def test_any_bytes_are_told_apart(data):
    for start in (b"", b"PROXY ", SIGNATURE):
        try:
            found = parse_preface(start + data)
        except Malformed:
            continue
        assert found is None or found.size <= len(start + data)
