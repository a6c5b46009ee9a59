"""Requests that are refused: problem details with a stable code and every wrong field."""

from typing import Any

import pytest

from tests.e2e import apps
from tests.e2e.http_calls import Answer
from tests.e2e.world import World

LIMIT = 10


@pytest.fixture(scope="module")
def hello(shared: World) -> str:
    """A service with a ready version and a failed one."""
    service = shared.name()
    shared.deploy(service, "hello")
    shared.fail(service, apps.Source(files={"nothing": b""}))
    return service


def refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The problem, checked for its form."""
    assert answer.status == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    problem: dict[str, Any] = answer.json
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert problem["title"]
    assert problem["detail"]
    return problem


def fields(problem: dict[str, Any]) -> list[str]:
    return sorted(error["field"] for error in problem["errors"])


def test_the_eleventh_version(shared: World, service: str) -> None:
    shared.deploy(service, "hello")
    for _ in range(LIMIT - 1):
        shared.fail(service, apps.Source(files={"nothing": b""}))
    answer = shared.api.upload(service, apps.web("x").targz())
    problem = refused(answer, 409, "too_many_versions")
    told = problem["detail"] + problem["advice"]
    assert f"{service}-002" in told
    assert f"{service}-010" in told
    assert f"{service}-001" not in told
    shared.assert_tidy()
    settings = {"auto_prune": True}
    assert shared.api.patch(f"/v1/services/{service}", settings).status == 200
    assert shared.deploy(service, "eleven")["version"] == f"{service}-011"
    names = [item["name"] for item in shared.api.items(f"/v1/services/{service}/versions")]
    assert f"{service}-002" not in names
    assert len(names) == LIMIT


@pytest.mark.parametrize("weights", [{1: 50}, {1: 101}, {1: 60, 2: 60}, {1: -5, 2: 105}])
def test_a_split_with_a_wrong_sum(shared: World, hello: str, weights: dict[int, int]) -> None:
    split = {f"{hello}-{number:03d}": weight for number, weight in weights.items()}
    answer = shared.api.put(f"/v1/services/{hello}/traffic", {"split": split})
    assert fields(refused(answer, 422, "bad_split"))
    assert shared.body(hello) == "hello"


def test_a_split_with_an_unknown_version(shared: World, hello: str) -> None:
    split = {f"{hello}-001": 50, f"{hello}-099": 30, "other-001": 20}
    answer = shared.api.put(f"/v1/services/{hello}/traffic", {"split": split})
    problem = refused(answer, 422, "bad_split")
    assert fields(problem) == sorted([f"split.{hello}-099", "split.other-001"])
    assert shared.body(hello) == "hello"


def test_a_split_with_a_version_that_is_not_ready(shared: World, hello: str) -> None:
    answer = shared.api.put(f"/v1/services/{hello}/traffic", {"split": {f"{hello}-002": 100}})
    problem = refused(answer, 409, "version_not_ready")
    assert fields(problem) == [f"split.{hello}-002"]


def test_a_domain_that_is_taken(shared: World, hello: str, service: str) -> None:
    assert shared.api.post("/v1/services", {"name": service}).status == 201
    domain = {"domain": f"{hello}.example.com"}
    assert shared.api.post(f"/v1/services/{hello}/domains", domain).status == 201
    problem = refused(
        shared.api.post(f"/v1/services/{service}/domains", domain), 409, "domain_taken"
    )
    assert fields(problem) == ["domain"]


@pytest.mark.parametrize("domain", ["x.localhost", "nodots", "a b.example", "10.0.0.1", "../etc"])
def test_a_domain_that_cannot_be(shared: World, hello: str, domain: str) -> None:
    answer = shared.api.post(f"/v1/services/{hello}/domains", {"domain": domain})
    code = "reserved_domain" if domain == "x.localhost" else "invalid_domain"
    assert fields(refused(answer, 422, code)) == ["domain"]


@pytest.mark.parametrize("name", ["x", "Shop", "shop_1", "1shop", "shop-", "shop-001", "a" * 41])
def test_a_name_that_cannot_be(shared: World, name: str) -> None:
    refused(shared.api.post("/v1/services", {"name": name}), 422, "invalid_name")
    refused(shared.api.upload(name, apps.web("x").targz()), 422, "invalid_name")


def test_a_reserved_name(shared: World) -> None:
    problem = refused(shared.api.post("/v1/services", {"name": "console"}), 422, "reserved_name")
    assert fields(problem) == ["name"]


def test_a_name_that_is_taken(shared: World, hello: str) -> None:
    refused(shared.api.post("/v1/services", {"name": hello}), 409, "service_exists")


def test_unknown_things(shared: World, hello: str) -> None:
    refused(shared.api.get("/v1/services/nobody"), 404, "no_such_service")
    refused(shared.api.get(f"/v1/services/{hello}/versions/{hello}-099"), 404, "no_such_version")
    refused(shared.api.get("/v1/deployments/dep_none"), 404, "no_such_deployment")
    refused(shared.api.get("/v1/nothing"), 404, "no_such_path")
    refused(shared.api.put("/v1/services", {}), 405, "method_not_allowed")
    source = {"source": {"type": "image", "image": "any:1"}}
    answer = shared.api.post("/v1/services/nobody/deployments", source)
    refused(answer, 404, "no_such_service")
    answer = shared.api.upload("nobody", apps.web("x").targz(), create=False)
    refused(answer, 404, "no_such_service")
    shared.assert_tidy()


@pytest.mark.parametrize(
    "body",
    [
        b'{"split": {"a-001": 100}, "split": {}}',
        b'{"split": {"a-001": 90, "a-001": 10}}',
        b'{"split": {"a-001": NaN}}',
        b"{",
        b"\xff",
    ],
)
def test_json_that_parsers_read_differently(shared: World, hello: str, body: bytes) -> None:
    answer = shared.api.call("PUT", f"/v1/services/{hello}/traffic", body)
    refused(answer, 400, "malformed_json")


def test_every_wrong_field_is_told_at_once(shared: World, service: str) -> None:
    request = {
        "create": True,
        "source": {"type": "image", "image": "two words"},
        "port": 0,
        "env": {"1BAD": "x"},
        "memory": "lots",
        "replicas": {"min": 5, "max": 2},
        "wrong": True,
    }
    answer = shared.api.post(f"/v1/services/{service}/deployments", request)
    problem = refused(answer, 422, "invalid")
    told = fields(problem)
    for field in ("env.1BAD", "memory", "port", "replicas.min", "source.image", "wrong"):
        assert field in told, told
    refused(shared.api.get(f"/v1/services/{service}"), 404, "no_such_service")


def test_ports_and_sizes_as_text_are_refused(shared: World, hello: str) -> None:
    source = {"type": "image", "image": "any:1"}
    request = {"source": source, "port": "80", "cpu": "1"}
    answer = shared.api.post(f"/v1/services/{hello}/deployments", request)
    assert fields(refused(answer, 422, "invalid")) == ["cpu", "port"]


def test_deleting_needs_the_name_again(shared: World, hello: str) -> None:
    problem = refused(shared.api.delete(f"/v1/services/{hello}"), 422, "confirm")
    assert fields(problem) == ["confirm"]
    refused(shared.api.delete(f"/v1/services/{hello}", confirm="other"), 422, "confirm")
    assert shared.body(hello) == "hello"


def test_a_version_with_traffic_is_not_deleted(shared: World, hello: str) -> None:
    answer = shared.api.delete(f"/v1/services/{hello}/versions/{hello}-001")
    refused(answer, 409, "version_in_use")


def test_rollback_without_an_earlier_split(shared: World, service: str) -> None:
    shared.deploy(service, "only")
    refused(shared.api.post(f"/v1/services/{service}/rollback"), 409, "no_previous_split")
