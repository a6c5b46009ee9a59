"""Webhooks over the API: set up, called by git hosts, listed, delivered again."""

import asyncio
import io
import time
from typing import Any

import pytest

from tests.integration.api.rig import TOKEN, Answer, World, until
from tests.payloads import COMMIT, HOSTS, REPOSITORY, body, signed

BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def make(paas: World, **repository: Any) -> str:
    """The service `shop` with a repository and a webhook; its secret."""
    made = await paas.call("POST", "/v1/services", json={"name": "shop"})
    assert made.status == 201, made.text
    own = {"url": REPOSITORY, "branch": "main", **repository}
    assert (await set_repository(paas, own)).status == 200
    hook = await paas.call("POST", "/v1/services/shop/hook")
    assert hook.status == 201
    secret: str = hook.json["secret"]
    return secret


async def set_repository(paas: World, own: dict[str, Any] | None) -> Answer:
    return await paas.call("PATCH", "/v1/services/shop", json={"repository": own})


async def send(
    paas: World, content: bytes, headers: dict[str, str], *, service: str = "shop"
) -> Answer:
    """As a git host does: over TCP, without a token."""
    data = io.BytesIO(content)
    return await paas.call(
        "POST", f"/hooks/{service}", session=paas.tcp, data=data, headers=headers
    )


async def push(paas: World, secret: str, host: str = "github", **changes: Any) -> Answer:
    delivery = changes.pop("delivery", "d-1")
    content = body(host, changes.pop("name", "push"), **changes)
    headers = signed(host, content, secret=secret, delivery=delivery, at=time.time())
    return await send(paas, content, headers)


async def deliveries(paas: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await paas.call("GET", "/v1/services/shop/deliveries")).json[
        "items"
    ]
    return found


async def deployments(paas: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await paas.call("GET", "/v1/services/shop/deployments")).json[
        "items"
    ]
    return found


@pytest.mark.parametrize("host", HOSTS)
async def test_a_signed_push_deploys_its_commit_from_the_stored_repository(
    paas: World, host: str
) -> None:
    secret = await make(paas, subdir="web", submodules=True)
    answer = await push(paas, secret, host)
    assert answer.status == 202, answer.text
    assert answer.json["outcome"] == "deployed"
    (deployment,) = await deployments(paas)
    assert deployment["id"] == answer.json["deployment"]
    assert (deployment["trigger"], deployment["revision"]) == ("webhook", COMMIT)
    assert deployment["actor"] == "webhook"
    version = await paas.call("GET", f"/v1/services/shop/versions/{deployment['version']}")
    source = version.json["source"]
    assert (source["url"], source["ref"]) == (REPOSITORY, COMMIT)
    assert (source["subdir"], source["submodules"], source["lfs"]) == ("web", True, False)
    assert version.json["note"] == "Show prices with tax"
    (delivery,) = await deliveries(paas)
    assert delivery["deployment"] == deployment["id"]
    assert (delivery["commit"], delivery["delivery"]) == (COMMIT, "d-1")
    assert (delivery["pusher"], delivery["ref"]) == ("ann", "refs/heads/main")
    assert delivery["client"] == "127.0.0.1"


async def test_all_else_is_as_in_the_newest_ready_version(paas: World) -> None:
    await paas.deploy(env={"MODE": "prod"}, secrets={"KEY": "s3cret"}, memory="64MiB", cpu=0.25)
    assert (await set_repository(paas, {"url": REPOSITORY})).status == 200
    secret = (await paas.call("POST", "/v1/services/shop/hook")).json["secret"]
    assert (await push(paas, secret)).status == 202
    version = (await paas.call("GET", "/v1/services/shop/versions/shop-002")).json
    assert (version["env"], version["secrets"]) == ({"MODE": "prod"}, ["KEY"])
    assert (version["memory"], version["cpu"]) == (64 * 1024**2, 0.25)


async def test_the_same_delivery_deploys_once(paas: World) -> None:
    secret = await make(paas)
    assert (await push(paas, secret)).status == 202
    again = await push(paas, secret)
    assert (again.status, again.json["outcome"]) == (200, "ignored")
    assert "came before" in again.json["reason"]
    renamed = await push(paas, secret, delivery="d-2")
    assert renamed.json["outcome"] == "ignored", "the id is not signed, the body is"
    other = await push(paas, secret, delivery="d-3", compare="another push")
    assert other.json["outcome"] == "deployed"
    assert len(await deployments(paas)) == 2


async def test_two_of_the_same_at_once_deploy_once(paas: World) -> None:
    secret = await make(paas)
    answers = await asyncio.gather(*(push(paas, secret) for _ in range(4)))
    assert sorted(one.status for one in answers) == [200, 200, 200, 202]


async def test_one_that_was_ignored_may_come_again(paas: World) -> None:
    secret = await make(paas, branch="next")
    assert (await push(paas, secret)).json["outcome"] == "ignored"
    await set_repository(paas, {"url": REPOSITORY, "branch": "main"})
    assert (await push(paas, secret)).json["outcome"] == "deployed"


async def test_ping_delete_and_other_branches_are_answered_kindly(paas: World) -> None:
    secret = await make(paas)
    content = body("github", "ping")
    ping = await send(paas, content, signed("github", content, secret=secret, event="ping"))
    assert (ping.status, ping.json["outcome"]) == (200, "pong")
    gone = await push(paas, secret, name="delete")
    assert (gone.status, gone.json["reason"]) == (200, "branch main was deleted")
    other = await push(paas, secret, ref="refs/heads/idea")
    assert (other.status, other.json["outcome"]) == (200, "ignored")
    assert await deployments(paas) == []
    assert [one["outcome"] for one in await deliveries(paas)] == ["ignored", "ignored", "pong"]


async def test_a_payload_s_url_is_never_taken(paas: World) -> None:
    secret = await make(paas)
    evil = {"clone_url": "https://evil.example/acme/shop.git"}
    answer = await push(paas, secret, repository=evil)
    assert (answer.status, answer.json["outcome"]) == (200, "ignored")
    assert "evil.example/acme/shop" in answer.json["reason"]


async def test_wrong_unknown_and_off_answer_alike(paas: World) -> None:
    secret = await make(paas)
    await paas.call("POST", "/v1/services", json={"name": "blog"})
    content = body("github")
    wrong = signed("github", content, secret="whsec_AAAA")
    right = signed("github", content, secret=secret)
    unsigned = {"x-github-event": "push"}
    seen = [
        await send(paas, content, wrong),
        await send(paas, content, wrong, service="nobody"),
        await send(paas, content, wrong, service="blog"),
        await send(paas, content, right, service="blog"),
        await send(paas, content, right, service="nobody"),
        await send(paas, content, unsigned),
        await send(paas, b"", {}),
        await send(paas, content + b" ", right),
    ]
    assert {(one.status, one.text) for one in seen} == {(401, seen[0].text)}
    assert seen[0].json["code"] == "bad_signature"
    assert "WWW-Authenticate" not in seen[0].headers


async def test_refused_calls_are_recorded_now_and_then(paas: World) -> None:
    await make(paas)
    content = body("github")
    for _ in range(12):
        await send(paas, content, signed("github", content, secret="whsec_AAAA"))

    async def recorded() -> bool:
        return len(await deliveries(paas)) == 5

    await until(recorded)
    first = (await deliveries(paas))[0]
    assert (first["outcome"], first["commit"]) == ("refused", "")
    path = f"/v1/services/shop/deliveries/{first['id']}/redeliver"
    again = await paas.call("POST", path)
    assert (again.status, again.json["code"]) == (409, "nothing_to_deploy")


async def test_too_many_genuine_ones_have_to_wait(paas: World) -> None:
    secret = await make(paas)
    content = body("github", "ping")
    headers = signed("github", content, secret=secret, event="ping")
    answers = [await send(paas, content, headers) for _ in range(40)]
    last = answers[-1]
    assert (last.status, last.json["code"]) == (429, "too_many_deliveries")
    assert last.headers["Retry-After"]
    assert answers[0].status == 200


async def test_a_malformed_payload_is_told_to_the_host(paas: World) -> None:
    secret = await make(paas)
    answer = await send(paas, b"{", signed("github", b"{", secret=secret))
    assert (answer.status, answer.json["code"]) == (422, "malformed_payload")
    assert (await deliveries(paas))[0]["outcome"] == "failed"


async def test_a_payload_too_large_is_refused_unread(paas: World) -> None:
    await make(paas)
    content = b"x" * (6 * 1024**2)
    assert (await send(paas, content, {"x-github-event": "push"})).status == 413


async def test_what_forbids_the_deployment_is_told_and_recorded(paas: World) -> None:
    secret = await make(paas)
    for number in range(4):
        answer = await push(paas, secret, delivery=f"d-{number}", compare=str(number))
        assert answer.status == 202
    full = await push(paas, secret, delivery="d-9", compare="9")
    assert (full.status, full.json["code"]) == (409, "too_many_versions")
    newest = (await deliveries(paas))[0]
    assert newest["outcome"] == "failed"
    assert "limit" in newest["reason"]


async def test_a_delivery_is_delivered_again(paas: World) -> None:
    secret = await make(paas)
    first = (await push(paas, secret)).json
    path = f"/v1/services/shop/deliveries/{first['delivery']}"
    read = await paas.call("GET", path)
    assert read.json["commit"] == COMMIT
    again = await paas.call("POST", path + "/redeliver")
    assert (again.status, again.json["outcome"]) == (202, "deployed")
    assert again.json["deployment"] != first["deployment"]
    assert [one["revision"] for one in await deployments(paas)] == [COMMIT, COMMIT]
    assert (await deployments(paas))[0]["actor"] == "socket"
    missing = await paas.call("GET", "/v1/services/shop/deliveries/none")
    assert (missing.status, missing.json["code"]) == (404, "no_such_delivery")


async def test_the_secret_is_shown_once_and_a_new_one_replaces_it(paas: World) -> None:
    secret = await make(paas)
    read = await paas.call("GET", "/v1/services/shop/hook")
    assert read.json.keys() == {"enabled", "url", "reachable", "created"}
    assert (read.json["enabled"], read.json["reachable"]) == (True, False)
    assert read.json["url"].endswith("/hooks/shop")
    assert secret not in (await paas.call("GET", "/v1/services/shop")).text
    fresh = (await paas.call("POST", "/v1/services/shop/hook")).json["secret"]
    assert fresh != secret
    assert (await push(paas, secret)).status == 401
    assert (await push(paas, fresh)).status == 202
    kinds = [one["kind"] for one in (await paas.call("GET", "/v1/events")).json["items"]]
    assert kinds.count("hook.renewed") == 2


async def test_a_hook_that_is_off_answers_nobody(paas: World) -> None:
    secret = await make(paas)
    assert (await paas.call("DELETE", "/v1/services/shop/hook")).status == 204
    assert (await push(paas, secret)).status == 401
    again = await paas.call("DELETE", "/v1/services/shop/hook")
    assert (again.status, again.json["code"]) == (404, "no_such_hook")
    assert (await paas.call("GET", "/v1/services/shop/hook")).json["enabled"] is False


async def test_setting_up_needs_a_token_and_a_service(paas: World) -> None:
    for method, path in (
        ("POST", "/v1/services/shop/hook"),
        ("GET", "/v1/services/shop/deliveries"),
        ("POST", "/v1/services/shop/deliveries/x/redeliver"),
        ("GET", "/hooks/shop"),
    ):
        assert (await paas.call(method, path, session=paas.tcp)).status == 401
    assert (await paas.call("POST", "/v1/services/nobody/hook")).status == 404


async def test_a_repository_s_login_stays_until_it_is_taken_out(paas: World) -> None:
    login = {"user": "bot", "password": "pa:ss"}
    await make(paas, credentials=login)
    shown = (await paas.call("GET", "/v1/services/shop")).json["repository"]
    assert shown == {
        "url": REPOSITORY,
        "branch": "main",
        "tags": "",
        "subdir": "",
        "submodules": False,
        "lfs": False,
        "login": True,
    }
    kept = await set_repository(paas, {"url": REPOSITORY, "branch": "next"})
    assert kept.json["repository"]["login"] is True
    moved = await set_repository(paas, {"url": "https://git.example/acme/blog"})
    assert moved.json["repository"]["login"] is False, "it is nobody else's"
    await set_repository(paas, {"url": REPOSITORY, "credentials": login})
    out = await set_repository(paas, {"url": REPOSITORY, "credentials": None})
    assert out.json["repository"]["login"] is False
    assert (await set_repository(paas, None)).json["repository"] is None


async def test_a_service_is_created_with_its_repository(paas: World) -> None:
    wanted = {
        "name": "shop",
        "repository": {"url": REPOSITORY, "credentials": {"user": "u", "password": "p"}},
    }
    made = await paas.call("POST", "/v1/services", json=wanted)
    assert made.json["repository"]["login"] is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "file:///etc"},
        {"url": "ext::sh -c id"},
        {"url": "--upload-pack=id"},
        {"url": "http://git.example/acme/shop"},
        {"url": "https://user:pass@git.example/acme/shop"},
        {"url": "https://git.example:port/acme/shop"},
        {"url": "https://git.example/a\nb"},
        {"url": "/srv/shop.git"},
        {"url": REPOSITORY, "branch": "--force"},
        {"url": REPOSITORY, "branch": "a..b"},
        {"url": REPOSITORY, "branch": "refs/heads/main"},
        {"url": REPOSITORY, "tags": "$(id)"},
        {"url": REPOSITORY, "subdir": "../other"},
        {"url": REPOSITORY, "subdir": "/etc"},
    ],
)
async def test_a_hostile_repository_is_refused(paas: World, wrong: dict[str, str]) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    answer = await set_repository(paas, wrong)
    assert answer.status == 422, answer.text
    assert set(answer.fields) == {f"repository.{list(wrong)[-1]}"}


async def test_the_api_s_own_host_is_nobody_s_domain(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    wanted = {"domain": "Console.localhost."}
    answer = await paas.call("POST", "/v1/services/shop/domains", json=wanted)
    assert (answer.status, set(answer.fields)) == (422, {"domain"})
    console = await paas.call("POST", "/v1/services", json={"name": "console"})
    assert (console.status, console.json["code"]) == (422, "reserved_name")
