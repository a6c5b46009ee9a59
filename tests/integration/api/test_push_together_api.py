"""Pushes that meet: a queue, what is superseded, what breaks off, how many there may be."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.integration.api.gitclient import Clone, finished, interrupt
from tests.integration.api.rig import World, until

SHOP = "/v1/services/shop"


@pytest.fixture
async def clone(paas: World, tmp_path: Path) -> Clone:
    return await Clone(paas, tmp_path / "work").make()


async def deployments(paas: World) -> list[dict[str, Any]]:
    """Oldest first."""
    answer = await paas.call("GET", SHOP + "/deployments")
    return answer.json["items"][::-1] if answer.status == 200 else []


async def count(paas: World, wanted: int) -> None:
    async def there() -> bool:
        return len(await deployments(paas)) == wanted

    await until(there)


async def begun(paas: World, clone: Clone, wanted: int) -> asyncio.subprocess.Process:
    """A push of a new commit that has its deployment, the `wanted`th of the service."""
    await clone.commit(**{"a.txt": str(wanted)})
    process = await clone.start("push", clone.url(), "+main")
    await count(paas, wanted)
    return process


async def building(paas: World) -> None:
    async def builds() -> bool:
        return bool(paas.builder.builds)

    await until(builds)


async def test_the_newest_push_wins(paas: World, clone: Clone) -> None:
    """Also over the branch: it had moved since this push read it."""
    paas.builder.delay = 5.0
    first = await begun(paas, clone, 1)
    await building(paas)
    second = await begun(paas, clone, 2)
    third = await begun(paas, clone, 3)
    paas.builder.delay = 0.0  # of those that begin from now on
    one, two, three = [await finished(process) for process in (first, second, third)]
    assert (one.code, two.code, three.code) == (0, 1, 0), (one.err, two.err, three.err)
    assert "Newer code came first: shop-003" in two.err
    states = [(one["status"], (one["error"] or {}).get("code")) for one in await deployments(paas)]
    assert states == [("succeeded", None), ("cancelled", "superseded"), ("succeeded", None)]
    assert await clone.remote() == {"refs/heads/main": await clone.done("rev-parse", "HEAD")}
    assert (await paas.call("GET", SHOP)).json["split"] == {"shop-003": 100}


async def test_a_rewritten_push_wins_too(paas: World, clone: Clone) -> None:
    await clone.push()
    paas.builder.delay = 3.0
    paas.builder.builds.clear()
    first = await begun(paas, clone, 2)
    await building(paas)
    await clone.done("commit", "-q", "--amend", "-m", "amended")
    second = await clone.start("push", clone.url(), "main")
    await count(paas, 3)
    paas.builder.delay = 0.0
    assert (await finished(first)).code == 0
    assert (await finished(second)).code == 0
    assert await clone.remote() == {"refs/heads/main": await clone.done("rev-parse", "HEAD")}


async def test_what_people_deploy_by_hand_is_not_superseded(paas: World, clone: Clone) -> None:
    paas.builder.delay = 3.0
    first = await begun(paas, clone, 1)
    await building(paas)
    body = {"source": {"type": "image", "image": "registry.example/shop:1"}}
    by_hand = await paas.call("POST", SHOP + "/deployments", json=body)
    last = await begun(paas, clone, 3)
    paas.builder.delay = 0.0
    assert (await finished(first)).code == (await finished(last)).code == 0
    assert (await paas.ended(by_hand.json["id"]))["status"] == "succeeded"


async def test_a_push_that_breaks_off_is_cancelled(paas: World, clone: Clone) -> None:
    paas.builder.delay = 30.0
    push = await begun(paas, clone, 1)
    await building(paas)
    await interrupt(push)
    (deployment,) = await deployments(paas)
    ended = await paas.ended(deployment["id"])
    assert ended["status"] == "cancelled"
    assert "broke off" in ended["error"]["message"]

    async def tidy() -> bool:
        folder = paas.settings.data_dir / "git"
        left = [*folder.glob("tmp/*"), *folder.glob("*.git/objects/tmp_objdir*"), *paas.uploads]
        return not left and not paas.control.pushes._pushes

    await until(tidy)
    paas.builder.delay = 0.0
    assert (await clone.push()).code == 0


async def test_a_daemon_that_ends_leaves_the_deployment_to_the_next(
    paas: World, clone: Clone
) -> None:
    paas.builder.delay = 2.0
    push = await begun(paas, clone, 1)
    await building(paas)
    paas.control.pushes.ending = True
    await interrupt(push)
    (deployment,) = await deployments(paas)
    assert (await paas.ended(deployment["id"]))["status"] == "succeeded"


async def test_there_is_a_bound(paas: World, clone: Clone) -> None:
    paas.builder.delay = 30.0
    most = paas.settings.limits.pushes_per_service
    waiting = [await clone.start("push", clone.url(), "+main") for _ in range(most)]

    async def full() -> bool:
        return len(paas.control.pushes._pushes) == most

    await until(full)
    refused = await clone.push()
    assert refused.code != 0
    for process in waiting:
        await interrupt(process)


async def test_a_cancelled_deployment_refuses_its_push(paas: World, clone: Clone) -> None:
    paas.builder.delay = 30.0
    push = await begun(paas, clone, 1)
    await building(paas)
    (deployment,) = await deployments(paas)
    await paas.call("POST", f"/v1/deployments/{deployment['id']}/cancel")
    ran = await finished(push)
    assert ran.code == 1
    assert "was cancelled by socket" in ran.err
