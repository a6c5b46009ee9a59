"""A service's settings for routing, through the API and the store, and its last requests."""

from pathlib import Path
from typing import Any

import pytest

from paas.live.requests import RequestRecord
from tests.integration.api.rig import World, world

SHOP = "/v1/services/shop"
OFF = {
    "sticky": False,
    "redirect_https": False,
    "hsts": 0,
    "main_domain": None,
    "basic_auth": None,
    "allow": [],
    "maintenance": "off",
    "body_limit": 0,
    "request_log": False,
    "ignore": [],
    "branch": None,
}
ON = {
    "sticky": True,
    "redirect_https": True,
    "hsts": 31536000,
    "main_domain": "shop.localhost",
    "basic_auth": {"user": "ann", "password": "s3cret-of-ann"},
    "allow": ["10.0.0.0/8", "203.0.113.7"],
    "maintenance": "hold",
    "body_limit": 1024,
    "request_log": True,
    "branch": "release/2",
    "ignore": [
        {"path_prefix": "/healthz"},
        {"path_prefix": None, "user_agent": "UptimeRobot", "status": 204},
        {"path_prefix": "/wp%2dlogin.php;x", "user_agent": "bot (+http", "status": 599},
    ],
}
SHOWN = ON | {
    "ignore": [
        {"path_prefix": "/healthz", "user_agent": None, "status": 200},
        *ON["ignore"][1:],
    ],
    "basic_auth": {"user": "ann", "password": "set"},
    "allow": ["10.0.0.0/8", "203.0.113.7/32"],
}


def only(answer: Any) -> dict[str, Any]:
    return {name: answer.json[name] for name in OFF}


async def test_each_is_set_shown_kept_and_switched_off(paas: World) -> None:
    assert only(await paas.call("POST", "/v1/services", json={"name": "shop"})) == OFF
    for name, value in ON.items():
        changed = await paas.call("PATCH", SHOP, json={name: value})
        assert changed.json[name] == SHOWN[name], changed.text
        assert "s3cret" not in changed.text
    assert only(await paas.call("GET", SHOP)) == SHOWN
    for name, value in OFF.items():
        await paas.call("PATCH", SHOP, json={name: value})
    assert only(await paas.call("GET", SHOP)) == OFF


async def test_they_come_with_a_new_service_and_survive_a_restart(tmp_path: Path) -> None:
    async with world(tmp_path) as first:
        made = await first.call("POST", "/v1/services", json={"name": "shop"} | ON)
        assert made.status == 201
        assert only(made) == SHOWN
        route = first.board.route("shop.localhost")
        assert route is not None
        assert route.policy is not None
        login = route.policy.basic_auth
    for path in tmp_path.iterdir():
        assert path.is_dir() or path.is_socket() or b"s3cret-of-ann" not in path.read_bytes()
    async with world(tmp_path) as second:
        assert only(await second.call("GET", SHOP)) == SHOWN
        again = second.board.route("shop.localhost")
        assert again is not None
        assert again.policy is not None
        assert again.policy.basic_auth == login


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sticky": "yes"}, "sticky"),
        ({"allow": ["10.0.0.1/8"]}, "allow.0"),
        ({"allow": "10.0.0.0/8"}, "allow"),
        ({"main_domain": "no host"}, "main_domain"),
        ({"main_domain": "other.example"}, "main_domain"),
        ({"basic_auth": {"user": "a:b", "password": "x"}}, "basic_auth.user"),
        ({"basic_auth": {"user": "ann"}}, "basic_auth.password"),
        ({"basic_auth": {"user": "ann", "password": ""}}, "basic_auth.password"),
        ({"maintenance": "maybe"}, "maintenance"),
        ({"body_limit": -1}, "body_limit"),
        ({"ignore": {"path_prefix": "/"}}, "ignore"),
        ({"ignore": [{"path_prefix": "/"}] * 51}, "ignore"),
        ({"ignore": [{}]}, "ignore.0"),
        ({"branch": "--force"}, "branch"),
        ({"branch": "a b"}, "branch"),
        ({"ignore": ["/healthz"]}, "ignore.0"),
        ({"ignore": [{"path_prefix": "/"}, {"status": 200}]}, "ignore.1"),
        ({"ignore": [{"path_prefix": None, "user_agent": None}]}, "ignore.0"),
        ({"ignore": [{"path": "/", "user_agent": "a"}]}, "ignore.0.path"),
        *(
            ({"ignore": [{"path_prefix": path}]}, "ignore.0.path_prefix")
            for path in ("", "healthz", "/a?b", "/a#b", "/a b", "/é", "/a\n", "/" * 1001, 1)
        ),
        *(
            ({"ignore": [{"user_agent": agent}]}, "ignore.0.user_agent")
            for agent in ("", "  ", "é", "a\tb", "a\n", "x" * 201, ["a"])
        ),
        *(
            ({"ignore": [{"path_prefix": "/", "status": status}]}, "ignore.0.status")
            for status in (0, 100, 199, 300, 399, 600, True, "200", None)
        ),
    ],
)
async def test_what_is_wrong_is_told_by_its_field(
    paas: World, wrong: dict[str, Any], field: str
) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    answer = await paas.call("PATCH", SHOP, json=wrong)
    assert answer.status == 422
    assert list(answer.fields) == [field]
    made = await paas.call("POST", "/v1/services", json={"name": "other"} | wrong)
    assert list(made.fields) == [field]


async def test_all_that_is_wrong_with_rules_is_told_at_once(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    rules = [{"path_prefix": "x", "user_agent": " ", "status": 301}, {"status": 1}, {"user": 1}]
    answer = await paas.call("PATCH", SHOP, json={"ignore": rules, "sticky": 1})
    assert sorted(answer.fields) == [
        "ignore.0.path_prefix", "ignore.0.status", "ignore.0.user_agent",
        "ignore.1", "ignore.1.status", "ignore.2", "ignore.2.user", "sticky",
    ]  # fmt: skip
    assert (await paas.call("GET", SHOP)).json["ignore"] == []


async def test_ignore_rules_hold_at_once(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"} | {"ignore": ON["ignore"]})
    route = paas.board.route("shop.localhost")
    assert route is not None
    assert route.policy is not None
    assert [rule.path for rule in route.policy.ignore] == [b"/healthz", b"", b"/wp%2dlogin.php;x"]
    await paas.call("PATCH", SHOP, json={"ignore": []})
    plain = paas.board.route("shop.localhost")
    assert plain is not None
    assert plain.policy is None


async def test_a_domain_can_become_the_main_one_and_goes(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    await paas.call("POST", f"{SHOP}/domains", json={"domain": "www.example"})
    changed = await paas.call("PATCH", SHOP, json={"main_domain": "WWW.example"})
    assert changed.json["main_domain"] == "www.example"
    await paas.call("DELETE", f"{SHOP}/domains/www.example")
    assert (await paas.call("GET", SHOP)).json["main_domain"] is None


async def test_the_last_requests(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    requests = paas.board.requests
    assert (await paas.call("GET", f"{SHOP}/requests")).json == {"enabled": False, "items": []}
    await paas.call("PATCH", SHOP, json={"request_log": True})
    for number in range(3):
        requests.add(_record(b"/%d\x1b[31m\xff" % number))
    answer = await paas.call("GET", f"{SHOP}/requests?limit=2")
    assert answer.json["enabled"] is True
    targets = [item["target"] for item in answer.json["items"]]
    assert targets == ["/2\\x1b[31m\\xff", "/1\\x1b[31m\\xff"]
    assert answer.json["items"][0]["seconds"] == 0.25
    assert answer.json["items"][0]["ignored"] is False
    await paas.call("PATCH", SHOP, json={"request_log": False})
    assert (await paas.call("GET", f"{SHOP}/requests")).json["items"] == []
    assert (await paas.call("GET", "/v1/services/none/requests")).status == 404


async def test_they_go_with_their_service(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop", "request_log": True})
    paas.board.requests.add(_record(b"/"))
    await paas.call("DELETE", f"{SHOP}?confirm=shop")
    await paas.call("POST", "/v1/services", json={"name": "shop", "request_log": True})
    assert (await paas.call("GET", f"{SHOP}/requests")).json["items"] == []


def _record(target: bytes) -> RequestRecord:
    return RequestRecord(
        time=1_700_000_000.0,
        seconds=0.25,
        waited=0.0,
        client=b"192.0.2.1",
        service="shop",
        version="shop-001",
        replica="r1",
        scheme=b"http",
        method=b"GET",
        host=b"shop.localhost",
        target=target,
        protocol=b"HTTP/1.1",
        status=200,
        error="",
        received=0,
        sent=5,
        referer=b"",
        agent=b"curl",
    )
