"""Certificates of one's own through the API: what is taken, refused, shown and kept."""

import pytest

from tests.certificates import Pair, issue
from tests.integration.api.rig import Answer, World

SHOP = "/v1/services/shop"
HOST = "shop.example.com"
PATH = f"{SHOP}/domains/{HOST}/certificate"


@pytest.fixture
async def shop(paas: World) -> World:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    await paas.call("POST", f"{SHOP}/domains", json={"domain": HOST})
    return paas


async def put(paas: World, pair: Pair, *, path: str = PATH, key: bytes | None = None) -> Answer:
    body = {"certificate": pair.chain.decode(), "key": (key or pair.key).decode()}
    return await paas.call("PUT", path, json=body)


async def shown(paas: World) -> dict:
    domains = await paas.call("GET", f"{SHOP}/domains")
    return dict(domains.json["items"][0]["certificate"])


async def test_it_is_used_shown_and_taken_back(shop: World) -> None:
    pair = issue(HOST, "*.example.org", days=60)
    answer = await put(shop, pair)
    assert answer.status == 200, answer.text
    assert (answer.json["state"], answer.json["source"]) == ("valid", "upload")
    assert answer.json["names"] == ["*.example.org", HOST]
    assert answer.json["renews"] is None
    assert pair.key.decode().splitlines()[1] not in answer.text
    assert await shown(shop) == answer.json
    events = await shop.call("GET", f"{SHOP}/events")
    assert events.json["items"][0]["kind"] == "certificate.uploaded"
    assert (await shop.call("DELETE", PATH)).status == 204
    assert (await shown(shop))["state"] == "none"
    again = await shop.call("DELETE", PATH)
    assert (again.status, again.json["code"]) == (404, "no_such_certificate")


async def test_a_second_one_replaces_the_first(shop: World) -> None:
    await put(shop, issue(HOST, days=20))
    first = await shown(shop)
    await put(shop, issue(HOST, days=10))
    assert (await shown(shop))["expires"] < first["expires"]


@pytest.mark.parametrize(
    ("pair", "key", "code"),
    [
        (issue(HOST), issue(HOST).key, "bad_certificate"),
        (issue(HOST), b"no key", "bad_certificate"),
        (Pair(chain=b"no certificate", key=issue(HOST).key), None, "bad_certificate"),
        (issue("other.example.com"), None, "other_host"),
        (issue("*.shop.example.com"), None, "other_host"),
        (issue(HOST, days=-1), None, "certificate_expired"),
    ],
)
async def test_what_is_no_good_is_refused(
    shop: World, pair: Pair, key: bytes | None, code: str
) -> None:
    answer = await put(shop, pair, key=key)
    assert (answer.status, answer.json["code"]) == (422, code)
    assert answer.json["advice"]
    assert (await shown(shop))["state"] == "none"


async def test_only_for_domains_of_the_service(shop: World) -> None:
    other = await put(shop, issue("b.example"), path=f"{SHOP}/domains/b.example/certificate")
    assert (other.status, other.json["code"]) == (404, "no_such_domain")
    gone = await shop.call("DELETE", f"{SHOP}/domains/b.example/certificate")
    assert gone.status == 404


async def test_it_goes_with_its_domain(shop: World) -> None:
    """Whoever has the domain next gets no key of somebody else's."""
    await put(shop, issue(HOST))
    await shop.call("DELETE", f"{SHOP}/domains/{HOST}")
    await shop.call("POST", f"{SHOP}/domains", json={"domain": HOST})
    assert (await shown(shop))["state"] == "none"


async def test_all_of_them(shop: World) -> None:
    await put(shop, issue(HOST, days=60))
    (one,) = (await shop.call("GET", "/v1/certificates")).json["items"]
    assert (one["host"], one["service"]) == (HOST, "shop")
    assert one["certificate"] == await shown(shop)
