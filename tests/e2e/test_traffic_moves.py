"""Weights, rollback, domains, internal addresses, and who reaches whom."""

from collections import Counter

import pytest

from tests.e2e.http_calls import get
from tests.e2e.waiting import until
from tests.e2e.world import World


@pytest.fixture(scope="module")
def pair(shared: World) -> str:
    """A service with two versions that answer one and two; the first has the traffic."""
    service = shared.name()
    shared.deploy(service, "one")
    shared.deploy(service, "two", traffic="none")
    return service


@pytest.fixture(autouse=True)
def _first_has_it_all(shared: World, pair: str) -> None:
    shared.api.split(pair, v1=100)


def test_traffic_none_gives_no_weight(shared: World, pair: str) -> None:
    read = shared.api.version(f"{pair}-002")
    assert (read["status"], read["weight"]) == ("ready", 0)
    assert set(shared.bodies(pair, 5)) == {"one"}
    assert shared.body(f"{pair}-002") == "two"


def test_ten_requests_are_nine_and_one(shared: World, pair: str) -> None:
    shared.api.split(pair, v1=90, v2=10)
    for _run in range(5):
        assert Counter(shared.bodies(pair, 10)) == {"one": 9, "two": 1}
    assert shared.api.version(f"{pair}-002")["weight"] == 10
    traffic = shared.api.get(f"/v1/services/{pair}/traffic").json
    assert traffic["split"] == {f"{pair}-001": 90, f"{pair}-002": 10}


def test_rollback_restores_the_split_before(shared: World, pair: str) -> None:
    shared.api.split(pair, v1=30, v2=70)
    shared.api.split(pair, v2=100)
    assert set(shared.bodies(pair, 3)) == {"two"}
    assert shared.api.post(f"/v1/services/{pair}/rollback").status == 200
    assert Counter(shared.bodies(pair, 10)) == {"one": 3, "two": 7}


def test_rollback_to_a_named_version(shared: World, pair: str) -> None:
    body = {"version": f"{pair}-002"}
    assert shared.api.post(f"/v1/services/{pair}/rollback", body).status == 200
    assert set(shared.bodies(pair, 3)) == {"two"}


def test_all_zero_is_offline(shared: World, pair: str) -> None:
    shared.api.split(pair, v1=0, v2=0)
    answer = shared.get(pair)
    assert (answer.status, answer.headers["x-paas-error"]) == (503, "no_traffic")
    assert shared.body(f"{pair}-001") == "one"


def test_a_custom_domain_follows_the_split(shared: World, pair: str) -> None:
    domain = f"shop.{pair}.example"
    path = f"/v1/services/{pair}/domains"
    assert shared.api.post(path, {"domain": domain.upper()}).status == 201
    shared.api.split(pair, v1=50, v2=50)
    assert Counter(shared.bodies(domain, 10)) == {"one": 5, "two": 5}
    assert [item["domain"] for item in shared.api.items(path)] == [domain]
    assert shared.api.delete(f"{path}/{domain}").status == 204
    assert shared.get(domain).headers["x-paas-error"] == "no_such_host"


def test_internal_addresses_on_the_host(shared: World, pair: str) -> None:
    shared.api.split(pair, v1=90, v2=10)
    assert [_internal(shared.api.version(f"{pair}-00{n}")) for n in (1, 2)] == ["one", "two"]
    address = shared.api.service(pair)
    assert Counter(_internal(address) for _ in range(10)) == {"one": 9, "two": 1}


def test_internal_addresses_inside_a_replica(shared: World, pair: str, service: str) -> None:
    shared.deploy(service, "caller")
    caller = shared.replica(f"{service}-001")
    shared.api.split(pair, v1=90, v2=10)
    target = shared.api.service(pair)["internal_address"]
    seen = Counter(_ask_from(shared, caller, target) for _ in range(10))
    assert seen == {"one": 9, "two": 1}
    version = shared.api.version(f"{pair}-002")["internal_address"]
    assert _ask_from(shared, caller, version) == "two"


def test_replicas_do_not_reach_each_other(shared: World, pair: str, service: str) -> None:
    shared.deploy(service, "caller")
    caller = shared.replica(f"{service}-001")
    (callee,) = shared.api.replicas(f"{pair}-001")
    host, _, port = callee["address"].rpartition(":")
    assert get(host, int(port)).text.strip() == "one"
    assert _ask_from(shared, caller, callee["address"]) == ""


def test_unknown_hosts_are_nobodys(shared: World) -> None:
    for host in ("nobody.localhost", "example.org", "localhost"):
        answer = shared.get(host) if "." in host else shared.get(f"{host}.")
        assert (answer.status, answer.headers["x-paas-error"]) == (404, "no_such_host")


def test_a_sleeping_version_wakes_by_its_internal_address(shared: World, service: str) -> None:
    shared.deploy(service, "woken")
    shared.sleep(service, f"{service}-001")
    assert _internal(shared.api.version(f"{service}-001")) == "woken"
    until(lambda: shared.condition(f"{service}-001") == "serving", "it serves")


def _internal(of: dict[str, object]) -> str:
    host, _, port = str(of["internal_address"]).rpartition(":")
    return get(host, int(port), name="whatever").text.strip()


def _ask_from(shared: World, container: str, address: str) -> str:
    """The body that a program in the container gets from `address`, "" for none."""
    host, _, port = address.rpartition(":")
    script = (
        r"printf 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' "
        f"| nc -w 3 {host} {port} | tail -n 1"
    )
    return shared.engine.run("exec", container, "sh", "-c", script, check=False)
