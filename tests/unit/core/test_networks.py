import ipaddress

import pytest

from paas.core.networks import (
    inside,
    is_public,
    networks,
    original_client,
    parse_ip,
    parse_network,
)

OURS = networks(["10.0.0.0/8", "2001:db8::/32"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"10.1.2.3", "10.1.2.3"),
        (b" 10.1.2.3:4711 ", "10.1.2.3"),
        (b'"[2001:db8::1]:4711"', "2001:db8::1"),
        (b"2001:db8::1", "2001:db8::1"),
        (b"::ffff:10.1.2.3", "10.1.2.3"),
        (b"", "None"),
        (b"unknown", "None"),
        (b"10.1.2", "None"),
        (b"\xff", "None"),
    ],
)
def test_addresses_as_proxies_write_them(text, expected):
    assert str(parse_ip(text)) == expected


def test_a_network_has_no_host_bits():
    assert str(parse_network("203.0.113.7")) == "203.0.113.7/32"
    for wrong in ("10.0.0.1/8", "x", ""):
        with pytest.raises(ValueError, match="an address or network"):
            parse_network(wrong)


def test_inside():
    assert inside(parse_ip(b"10.1.1.1"), OURS)
    assert not inside(parse_ip(b"11.1.1.1"), OURS)
    assert not inside(None, OURS)


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        (b"192.0.2.1", [b"10.9.9.9"], "192.0.2.1"),
        (b"10.0.0.1", [], "10.0.0.1"),
        (b"10.0.0.1", [b"192.0.2.1"], "192.0.2.1"),
        (b"10.0.0.1", [b"10.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (b"10.0.0.1", [b"10.6.6.6", b"192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        (b"10.0.0.1", [b"10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (b"10.0.0.1", [b"10.6.6.6, forged"], "None"),
        (b"10.0.0.1", [b""], "None"),
        (b"unknown", [b"10.0.0.1"], "None"),
    ],
)
def test_only_what_trusted_hops_say_counts(peer, forwarded, expected):
    assert str(original_client(peer, forwarded, OURS)) == expected


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1",
        "10.1.2.3",
        "192.168.0.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:1:1:1:1:80ff:fffe",
        "224.0.0.1",
        "ff02::1",
        "240.0.0.1",
        "255.255.255.255",
    ],
)
def test_addresses_that_are_nobodys_business(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))
