"""Engines to run the contract suite on: the fake, and a real Docker Engine."""

import asyncio
import json
import os
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from paas.adapters.build import DockerBuilder
from paas.adapters.docker import DockerEngine
from paas.adapters.docker_config import INSTALLATION
from paas.adapters.probe import NetworkProber
from paas.aio.tasks import Tasks
from paas.core.buildneeds import BuilderChoice
from paas.core.spec import PinnedImage, Probe
from paas.errors import Denied
from paas.ports import Address, Builder, BuildSpec, Engine, ReplicaFact, ReplicaSpec
from tests.fakes.engine import FakeBuilder, FakeEngine
from tests.fakes.replica import PORT, Script

DEADLINE = 10.0
TAG = "paas/contract-test"
DOCKERFILE = f"""\
FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
COPY www /www
EXPOSE {PORT}
CMD ["/bin/busybox", "httpd", "-f", "-p", "{PORT}", "-h", "/www"]
"""


class Kit:
    """An engine with an image whose program serves HTTP on `PORT`."""

    engine: Engine
    builder: Builder
    labels: dict[str, str]
    image: PinnedImage

    def crashing(self, version: str) -> ReplicaSpec:
        """Writes `out` and `err`, then ends with code 3."""
        raise NotImplementedError

    def silent(self, version: str) -> ReplicaSpec:
        """Writes `begun`, runs, listens nowhere."""
        raise NotImplementedError

    async def foreign(self) -> str:
        """A container that is not ours."""
        raise NotImplementedError

    def spec(self, version: str = "hello-001") -> ReplicaSpec:
        return ReplicaSpec(
            service="hello",
            version=version,
            version_id=f"id-of-{version}",
            image=self.image,
            port=PORT,
            cpu=0.5,
            memory=64 << 20,
            env={"PORT": str(PORT), "ODD": 'a "b" $c\n'},
        )


class FakeKit(Kit):
    def __init__(self) -> None:
        self.engine: FakeEngine = FakeEngine()
        self.builder = FakeBuilder(self.engine)
        self.labels = {INSTALLATION: "fake"}
        self.image = self.engine.add_image("paas/shop:1", ports=(PORT,))

    def crashing(self, version: str) -> ReplicaSpec:
        self.engine.script(version, Script(exit_code=3, log=("out", "err")))
        return self.spec(version)

    def silent(self, version: str) -> ReplicaSpec:
        self.engine.script(version, Script(listen=False, log=("begun",)))
        return self.spec(version)

    async def foreign(self) -> str:
        self.engine.foreign.add("foreign")
        return "foreign"

    async def close(self) -> None:
        await self.engine.close()


class DockerKit(Kit):
    def __init__(
        self, root: Path, host: str = "", builder: BuilderChoice = BuilderChoice.AUTO
    ) -> None:
        self.installation = os.urandom(8).hex()
        self.tasks = Tasks()
        self.engine: DockerEngine = DockerEngine(
            host, installation=self.installation, tasks=self.tasks
        )
        self.builder = DockerBuilder(self.engine, builder)
        self.labels = {INSTALLATION: self.installation}
        self.strangers: list[str] = []
        self.root = root

    async def open(self) -> None:
        await self.engine.open()
        self.image = (await self.builder.build(self.build_spec(), progress=lambda _line: None)).pin

    def build_spec(self) -> BuildSpec:
        write_source(self.root)
        return BuildSpec(
            root=self.root,
            dockerfile="Dockerfile",
            build_dir=".",
            tag=f"{TAG}:{self.installation}",
            timeout=60,
        )

    def crashing(self, version: str) -> ReplicaSpec:
        script = "echo out; echo err >&2; exit 3"
        return replace(self.spec(version), command=("/bin/sh", "-c"), args=(script,))

    def silent(self, version: str) -> ReplicaSpec:
        script = "echo begun; exec busybox sleep 1000"
        return replace(self.spec(version), command=("/bin/sh", "-c"), args=(script,))

    async def foreign(self) -> str:
        # The image's own label makes it look like ours but for the kind.
        body = {"Image": self.image.id}
        created = await self.engine.api.call("POST", "containers/create", body=body)
        self.strangers.append(created["Id"])
        return str(created["Id"])

    async def close(self) -> None:
        for replica in await self.engine.replicas():
            await self.engine.remove(replica.id)
        for stranger in self.strangers:
            await self.engine.api.call("DELETE", f"containers/{stranger}", params={"force": "1"})
        await self.engine.remove_image(self.image.reference)
        await self._remove_networks()
        await self.engine.close()
        await self.tasks.close()

    async def _remove_networks(self) -> None:
        """That of the replicas and that of builds, which the step of a build that was ended
        leaves in its own time: an engine has room for some thirty.
        """
        filters = json.dumps({"label": [f"{INSTALLATION}={self.installation}"]})

        async def removed() -> bool:
            params = {"filters": filters}
            left = await self.engine.api.call("GET", "networks", params=params)
            for network in left:
                with suppress(Denied):  # it is still in use
                    await self.engine.api.call("DELETE", f"networks/{network['Id']}")
            return not left

        await until(removed)


def write_source(root: Path) -> None:
    shutil.copy("/bin/busybox", root / "busybox")
    (root / "www").mkdir(exist_ok=True)
    (root / "www" / "index.html").write_text("hello")
    (root / "Dockerfile").write_text(DOCKERFILE)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.01)


async def answers(fact: ReplicaFact) -> None:
    assert fact.host is not None
    address = Address(host=fact.host, port=PORT)
    await until(lambda: NetworkProber().ready(address, Probe(http="/"), timeout=1))


async def only(engine: Engine) -> ReplicaFact:
    (found,) = await engine.replicas()
    return found
