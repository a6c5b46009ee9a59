"""Sizes and addresses as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.addresses import is_host_name, parse_address
from paas.core.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MiB", 512 * 1024**2),
        ("1GiB", 1024**3),
        ("256m", 256 * 1024**2),
        ("1.5g", 1536 * 1024**2),
        ("64 KB", 64 * 1024),
        ("2Ti", 2 * 1024**4),
        ("1000", 1000),
        ("10b", 10),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "m", "-1m", "1x", "1 apples", "1e3", "١m", "1.m", "nan"])
def test_no_sizes(text):
    with pytest.raises(ValueError, match="a size such as"):
        parse_size(text)


@given(st.integers(0, 10**15 - 1))
def test_a_formatted_size_reads_back(size):
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":8080", ("", 8080)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:80", ("::1", 80)),
        ("Shop.example:443", ("Shop.example", 443)),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "8080", "a b:80", ":65536", ":-1", ":", "::1:80", "[x]:80"])
def test_no_addresses(text):
    with pytest.raises(ValueError, match="host:port"):
        parse_address(text)


def test_host_names():
    assert is_host_name("localhost")
    assert is_host_name("a-b.example.com")
    assert not is_host_name("")
    assert not is_host_name("-a.example")
    assert not is_host_name("A.example")
    assert not is_host_name("a..b")
