"""The `Storage` port: one suite, run on the fake and on a real Docker Engine; and what only
the real one shows.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from paas.adapters.context import open_context, tar_blocks
from paas.adapters.docker_storage import DockerStorage
from paas.control.holdings import Holdings
from paas.core.buildneeds import BuilderChoice
from paas.core.holdings import Held, StepReader
from paas.core.stock import StoredImage, short_id
from paas.errors import Denied, Failed, PaasError
from paas.ports import BuildSpec, Credentials, Storage
from tests.contract.engine_kits import DockerKit, FakeKit, Kit
from tests.fakes.clock import FakeClock
from tests.fakes.storage import FakeStorage
from tests.fakes.store import FakeStore


@pytest.fixture
def storage(kit: Kit) -> Storage:
    if isinstance(kit, FakeKit):
        return FakeStorage(kit.engine)
    assert isinstance(kit, DockerKit)
    return DockerStorage(kit.engine.api, kit.installation)


async def held(storage: Storage, ident: str) -> StoredImage | None:
    return next((one for one in (await storage.stock()).images if one.id == ident), None)


async def test_an_image_is_in_stock_with_its_names_and_owner(kit: Kit, storage: Storage) -> None:
    found = await held(storage, kit.image.id)
    assert found is not None
    assert kit.image.reference in found.names
    assert found.ours
    assert found.size > 0
    assert found.id not in (await storage.stock()).in_use


async def test_sizes_are_counted_for_several_at_a_time(kit: Kit, storage: Storage) -> None:
    """An engine refuses whoever asks while it counts for another."""
    counted = await asyncio.gather(*(storage.stock(sizes=True) for _ in range(30)))
    assert all(kit.image.id in {one.id for one in stock.images} for stock in counted)


async def test_an_image_in_use_stays_until_its_containers_are_gone(
    kit: Kit, storage: Storage
) -> None:
    replica = await kit.engine.start(kit.spec())
    assert kit.image.id in (await storage.stock()).in_use
    assert not await storage.discard(kit.image.id)
    await kit.engine.remove(replica.id)
    assert await storage.discard(kit.image.id)
    assert await held(storage, kit.image.id) is None
    assert await storage.discard(kit.image.id)


async def test_a_tag_more_is_taken_off_alone(kit: Kit, storage: Storage) -> None:
    tag = f"paas/contract-more:{os.urandom(4).hex()}"
    await kit.engine.tag_image(kit.image.id, tag)
    assert await storage.discard(tag)
    left = await held(storage, kit.image.id)
    assert left is not None
    assert left.names == (kit.image.reference,)


async def test_a_record_that_there_is_not_cannot_be_pruned(storage: Storage) -> None:
    assert await storage.prune("nothing") is None


class TestDocker:
    """What only a real engine can show."""

    pytestmark = pytest.mark.docker

    @pytest.fixture
    async def kit(self, tmp_path: Path) -> AsyncIterator[DockerKit]:
        made = DockerKit(tmp_path, builder=BuilderChoice.CLASSIC)
        await made.open()
        try:
            yield made
        finally:
            await made.close()

    async def test_its_root_is_on_this_host(self, storage: Storage) -> None:
        root = await storage.root()
        assert root is not None
        assert root.is_dir()

    async def test_what_a_failed_build_made_is_told_and_goes_from_the_top(
        self, kit: DockerKit, storage: Storage
    ) -> None:
        """A program can tell an id, too; the plan looks at when an image was made."""
        spec = broken(kit)
        reader, made = StepReader(), list[str]()
        with pytest.raises(Failed):
            await kit.builder.build(
                spec, progress=lambda line: made.extend(filter(None, [reader.read(line)]))
            )
        stock = {short_id(one.id): one for one in (await storage.stock()).images}
        assert len(made) == 3
        assert made.pop() == "0123456789ab"
        below, top = (stock[one] for one in made)
        assert (top.parent, top.names, top.digests) == (below.id, (), ())
        assert not await storage.discard(below.id)
        assert await storage.discard(top.id)
        assert await held(storage, below.id) is not None
        assert await storage.discard(below.id)

    async def test_what_lies_below_stays(self, kit: DockerKit, storage: Storage) -> None:
        image = await held(storage, kit.image.id)
        assert image is not None
        assert await storage.discard(kit.image.reference)
        assert await held(storage, image.id) is None
        assert await held(storage, image.parent) is not None

    async def test_a_builds_cache_is_told_from_a_strangers_and_pruned_by_id(
        self, kit: DockerKit, storage: Storage, tmp_path: Path
    ) -> None:
        before = {one.id for one in (await storage.stock(sizes=True)).cache}
        theirs = await buildkit(kit, tmp_path / "theirs")
        strangers = {one.id for one in (await storage.stock(sizes=True)).cache} - before
        assert strangers
        holdings = Holdings(
            store=FakeStore(),
            engine=kit.engine,
            storage=storage,
            clock=FakeClock(),
            tasks=kit.tasks,
        )
        async with holdings.build("shop", print):
            ours = await buildkit(kit, tmp_path / "ours")
        async with asyncio.timeout(20):
            while not any(one.kind is Held.CACHE for one in holdings.all()):
                await asyncio.sleep(0.02)
        mine = {one.id for one in holdings.all() if one.kind is Held.CACHE}
        assert mine
        assert not mine & strangers
        for image in (ours, theirs):
            await storage.discard(image)
        left = mine | strangers
        while left:
            gone = {one for one in left if await storage.prune(one) is not None}
            assert gone, left
            left -= gone
        assert not (mine | strangers) & {one.id for one in (await storage.stock(sizes=True)).cache}

    async def test_a_registry_that_cannot_be_asked(self, kit: DockerKit) -> None:
        with pytest.raises(Failed) as caught:
            await kit.engine.check_login("127.0.0.1:1", Credentials(user="ann", password="x"))
        assert caught.value.code == "registry_unreachable"
        assert "--no-check" in caught.value.advice


async def test_a_login_is_checked() -> None:
    kit = FakeKit()
    login = Credentials(user="ann", password="open sesame")
    kit.engine.logins["reg.example"] = login
    await kit.engine.check_login("reg.example", login)
    for host, wrong in (("reg.example", replace(login, password="x")), ("other.example", login)):
        with pytest.raises((Denied, Failed)) as caught:
            await kit.engine.check_login(host, wrong)
        assert isinstance(caught.value, PaasError)


def broken(kit: DockerKit) -> BuildSpec:
    """Makes two images, then fails; content that no other build has."""
    (kit.root / "unique").write_text(os.urandom(8).hex())
    (kit.root / "Broken").write_text(
        "FROM scratch\nCOPY unique /unique\nCOPY busybox /bin/busybox\n"
        'RUN ["/bin/busybox", "sh", "-c", "echo \' ---> 0123456789ab\'; exit 3"]\n'
    )
    return replace(kit.build_spec(), dockerfile="Broken", tag="paas/contract-broken:1")


async def buildkit(kit: DockerKit, folder: Path) -> str:
    """Build something unique with BuildKit, as anybody on the engine may; its image's id."""
    folder.mkdir()
    (folder / "unique").write_text(os.urandom(8).hex())
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY unique /unique\n")
    context = open_context(folder, dockerfile="Dockerfile", build_dir=".")
    data = b"".join(tar_blocks(context))
    image = ""
    request = kit.engine.api.stream(
        "POST",
        "build",
        params={"version": "2"},
        data=data,
        headers={"Content-Type": "application/x-tar"},
    )
    async with request as response:
        async for line in response.content:
            said = json.loads(line)
            assert "error" not in said, said
            if said.get("id") == "moby.image.id":
                image = said["aux"]["ID"]
    return image
