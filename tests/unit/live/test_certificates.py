import ssl

from paas.live.certificates import Certificates, server_context
from tests.certificates import issue

SHOP = issue("shop.example", "*.shop.example").certificate
ANY = issue("*.example", addresses=("192.0.2.1",)).certificate


def test_exact_names_win_over_wildcards_of_one_label():
    known = Certificates()
    known.put("any", ANY)
    known.put("shop", SHOP)
    for host, found in {
        "shop.example": SHOP, "a.shop.example": SHOP, "other.example": ANY, "192.0.2.1": ANY,
        "a.other.example": None, "example": None, "": None, "a.b.shop.example": None,
        "*.example": ANY, ".example": ANY, "192.0.2.2": None,
    }.items():  # fmt: skip
        assert known.find(host) is found, host
        assert found is None or found.covers(host)
    assert not SHOP.covers("other.example")


def test_the_first_is_the_default_and_stays_it_when_it_is_replaced():
    known = Certificates()
    assert known.default is None
    known.put("shop", SHOP)
    known.put("any", ANY)
    assert known.default is SHOP
    successor = issue("new.example").certificate
    known.put("shop", successor)
    assert known.default is successor
    assert known.find("shop.example") is ANY
    known.remove("shop")
    known.remove("shop")
    assert known.default is ANY


def test_of_two_for_one_name_the_one_that_lasts_counts():
    stale, fresh = (issue("a.example", days=days).certificate for days in (1, 60))
    for order in ((stale, fresh), (fresh, stale)):
        known = Certificates()
        for number, certificate in enumerate(order):
            known.put(str(number), certificate)
        assert known.find("a.example") is fresh
        known.remove(str(order.index(fresh)))
        assert known.find("a.example") is stale


def test_old_protocols_weak_ciphers_and_renegotiation_are_off():
    context = server_context()
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    assert all(cipher["aead"] for cipher in context.get_ciphers())
    assert all(cipher["kea"] in ("kx-ecdhe", "kx-any") for cipher in context.get_ciphers())
