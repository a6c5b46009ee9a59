"""An `Engine` in memory whose replicas are real loopback servers, and a `Builder` for it.

Each replica has an address of its own in 127/8 and serves HTTP on its spec's port, so
that a proxy can send it real requests. Faults are scripted per version name
(`engine.script("hello-001", Script(...))`) or done to a replica (`engine.crash(id)`),
to the connection (`engine.down = True`).
"""

import asyncio
import os
import random
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from dataclasses import replace

from paas.core.model import LogLine
from paas.core.spec import PinnedImage
from paas.errors import Conflict, Denied, Failed, Invalid, NotFound, PaasError, Unavailable
from paas.ports import (
    BuildSpec,
    ContainerState,
    Credentials,
    EngineFact,
    ImageFact,
    ReplicaFact,
    ReplicaSpec,
    Usage,
    nothing,
)
from tests.fakes.replica import CPUS, LIVE, PORT, FakeReplica, Script

OURS = {"paas.installation": "fake"}


class FakeEngine:
    """See the module. `starts` and `removed` record what was done, in order."""

    def __init__(self) -> None:
        self.scripts: dict[str, Script] = {}
        self.containers: dict[str, FakeReplica] = {}
        self.images: dict[str, ImageFact] = {}
        self.tags: dict[str, str] = {}
        """Further tags of images, each with its image's id."""
        self.registry: dict[str, tuple[ImageFact, Credentials | None]] = {}
        self.logins: dict[str, Credentials] = {}
        """What each registry takes."""
        self.foreign: set[str] = set()
        self.starts: list[ReplicaSpec] = []
        self.removed: list[str] = []
        self.gateway = "127.0.0.1"
        self._up = asyncio.Event()
        self._up.set()
        self._subscribers: set[asyncio.Queue[str]] = set()
        self._prefix = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
        self._next_host = 1

    # ---- for tests

    def script(self, version: str, script: Script) -> None:
        """How replicas of that version behave that start from now on."""
        self.scripts[version] = script

    @property
    def down(self) -> bool:
        return not self._up.is_set()

    @down.setter
    def down(self, down: bool) -> None:
        """While down every call raises `Unavailable` and no change is told."""
        if down:
            self._up.clear()
        elif self.down:
            self._up.set()
            self._tell("")

    def add_image(
        self, reference: str, *, ports: tuple[int, ...] = (PORT,), ours: bool = True
    ) -> PinnedImage:
        fact = new_image(reference, ports=ports, labels=OURS if ours else {})
        self.images[fact.pin.id] = fact
        return fact.pin

    def add_remote(self, reference: str, *, login: Credentials | None = None) -> None:
        """An image that can be pulled, with that login if there is one."""
        fact = new_image(reference, ports=(PORT,), labels={})
        digest = f"{reference.partition(':')[0]}@{fact.pin.id}"
        pulled = (replace(fact, pin=replace(fact.pin, digest=digest)), login)
        self.registry[reference] = self.registry[digest] = pulled

    def crash(self, replica: str, *, exit_code: int = 1, log: tuple[str, ...] = ()) -> None:
        found = self.containers[replica]
        for line in log:
            found.write(line, "stderr")
        found.end(exit_code)
        self._tell(replica)

    def vanish(self, replica: str) -> None:
        """Removed by hand (`docker rm -f`)."""
        self.containers.pop(replica).end(137)
        self._tell(replica)

    # ---- the port

    async def open(self) -> str:
        self._check()
        return self.gateway

    async def close(self) -> None:
        for replica in self.containers.values():
            replica.end(137)
        for replica in self.containers.values():
            await replica.settled()

    async def info(self) -> EngineFact:
        self._check()
        return EngineFact(
            version="fake",
            api="1.41",
            cpus=CPUS,
            memory=4 << 30,
            time=time.time(),
            architecture="amd64",
        )

    async def replicas(self) -> list[ReplicaFact]:
        self._check()
        return [replica.fact for replica in self.containers.values()]

    async def start(
        self, spec: ReplicaSpec, *, created: Callable[[], None] = nothing
    ) -> ReplicaFact:
        self._check()
        self.starts.append(spec)
        script = self.scripts.get(spec.version) or Script()
        if spec.image.id not in self.images:
            raise NotFound(f"The image {spec.image.reference} is gone.", code="image_gone")
        created()
        if script.start_delay:
            await asyncio.sleep(script.start_delay)
            self._check()
        if script.start_error is not None:
            raise script.start_error
        host = f"{self._prefix}.{self._next_host}"
        self._next_host = self._next_host % 254 + 1
        replica = FakeReplica(spec, script, host)
        try:
            await replica.run()
        except OSError as error:
            raise Failed(str(error), code="start_failed") from error
        self.containers[replica.id] = replica
        self._tell(replica.id)
        return replica.fact

    async def freeze(self, replica: str) -> None:
        self._switch(replica, ContainerState.PAUSED)

    async def wake(self, replica: str) -> None:
        self._switch(replica, ContainerState.RUNNING)

    async def limit_cpu(self, replica: str, cpu: float) -> None:
        found = self._find(replica)
        if found.state in LIVE:
            found.limit(cpu)

    async def remove(self, replica: str, *, grace: float = 0.0) -> None:
        try:
            found = self._find(replica)
        except NotFound:
            return
        del self.containers[replica]
        found.end(137)
        await found.settled()
        self.removed.append(replica)
        self._tell(replica)

    async def usages(self, replicas: Collection[str]) -> Mapping[str, Usage]:
        known = {} if self.down else self.containers
        found = [known[one] for one in replicas if one in known]
        return {one.id: one.script.usage for one in found if one.state in LIVE}

    async def listening(self, replica: str) -> tuple[int, ...]:
        self._check()
        found = self.containers.get(replica)
        opened = found is not None and found.state in LIVE and found.script.listen
        return (found.port,) if found is not None and opened else ()

    async def logs(
        self, replica: str, *, since: float = 0.0, follow: bool = False
    ) -> AsyncGenerator[LogLine]:
        async for line in self._find(replica).follow(since, live=follow):
            yield line

    async def changes(self) -> AsyncIterator[str]:
        queue: asyncio.Queue[str] = asyncio.Queue()
        try:
            await self._up.wait()
            self._subscribers.add(queue)
            yield ""
            while True:
                yield await queue.get()
        finally:
            self._subscribers.discard(queue)

    async def image(self, reference: str) -> ImageFact | None:
        self._check()
        names = (
            (fact.pin.id, fact.pin.reference, fact.pin.digest) for fact in self.images.values()
        )
        found = next((known[0] for known in names if reference in known), self.tags.get(reference))
        return None if found is None else self.images[found]

    async def built_images(self) -> list[ImageFact]:
        self._check()
        ours = [fact for fact in self.images.values() if OURS.items() <= fact.labels.items()]
        tagged = [
            (fact, tag) for fact in ours for tag, image in self.tags.items() if image == fact.pin.id
        ]
        return [
            *ours,
            *(replace(fact, pin=replace(fact.pin, reference=tag)) for fact, tag in tagged),
        ]

    async def pull(
        self,
        reference: str,
        *,
        credentials: Credentials | None,
        progress: Callable[[str], None],
    ) -> ImageFact:
        self._check()
        if reference not in self.registry:
            raise NotFound(f"The registry has no image {reference}.", code="image_not_found")
        fact, login = self.registry[reference]
        if login is not None and credentials != login:
            raise Denied(f"The registry refused {reference}.", code="pull_denied")
        progress(f"Pulling {reference}")
        self.images[fact.pin.id] = fact
        return fact

    async def check_login(self, host: str, credentials: Credentials) -> None:
        self._check()
        if host not in self.logins:
            raise Failed(f"The registry {host} could not be asked.", code="registry_unreachable")
        if self.logins[host] != credentials:
            raise Denied(f"The registry {host} refused the login.", code="login_refused")

    async def tag_image(self, image: str, tag: str) -> None:
        self._check()
        if image not in self.images:
            raise NotFound(f"The image {image} is gone.", code="image_gone")
        self.tags[tag] = image

    async def remove_image(self, tag: str) -> None:
        used = {replica.spec.image.id for replica in self.containers.values()}
        for fact in await self.built_images():
            others = [other for other, image in self.tags.items() if image == fact.pin.id]
            if fact.pin.reference != tag:
                continue
            if tag in self.tags:
                del self.tags[tag]
            elif others:
                del self.tags[others[0]]
                pin = replace(fact.pin, reference=others[0])
                self.images[fact.pin.id] = replace(fact, pin=pin)
            elif fact.pin.id not in used:
                del self.images[fact.pin.id]

    # ---- inside

    def _check(self) -> None:
        if self.down:
            raise Unavailable("The Docker Engine cannot be reached.", code="engine_unreachable")

    def _find(self, replica: str) -> FakeReplica:
        self._check()
        if replica in self.foreign:
            raise Conflict("That container is not ours.", code="not_ours")
        if replica not in self.containers:
            raise NotFound(f"The replica {replica[:12]} is gone.", code="replica_gone")
        return self.containers[replica]

    def _switch(self, replica: str, wanted: ContainerState) -> None:
        found = self._find(replica)
        if found.state is wanted:
            return
        if found.state not in LIVE:
            raise Conflict(f"The replica is {found.state}.", code="not_running")
        found.state = wanted
        if wanted is ContainerState.PAUSED:
            found.running.clear()
        else:
            found.running.set()
        self._tell(replica)

    def _tell(self, replica: str) -> None:
        for queue in self._subscribers if not self.down else ():
            queue.put_nowait(replica)


def new_image(reference: str, *, ports: tuple[int, ...], labels: Mapping[str, str]) -> ImageFact:
    pin = PinnedImage(reference=reference, id=f"sha256:{os.urandom(32).hex()}")
    return ImageFact(pin=pin, ports=ports, labels=labels, size=1024)


class FakeBuilder:
    """Builds at once: an image with the EXPOSEd ports of the Dockerfile.

    `error` is raised instead, `delay` seconds pass before, `lines` are the output.
    """

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.lines: tuple[str, ...] = ("Step 1/1 : FROM scratch", "Successfully built")
        self.delay = 0.0
        self.error: PaasError | None = None
        self.builds: list[BuildSpec] = []

    async def build(self, spec: BuildSpec, *, progress: Callable[[str], None]) -> ImageFact:
        self.builds.append(spec)
        places = [spec.root / spec.build_dir / spec.dockerfile, spec.root / spec.dockerfile]
        found = next((place for place in places if place.is_file()), None)
        if found is None:
            raise Invalid(f"There is no {spec.dockerfile!r} to build from.", code="no_dockerfile")
        for line in self.lines:
            progress(line)
        try:
            async with asyncio.timeout(spec.timeout):
                await asyncio.sleep(self.delay)
        except TimeoutError as error:
            raise Failed("The build took too long.", code="build_timeout") from error
        if self.error is not None:
            raise self.error
        exposed = re.findall(r"^EXPOSE +(\d+)", found.read_text(), re.MULTILINE)
        labels = {**spec.labels, **OURS}
        fact = new_image(spec.tag, ports=tuple(map(int, exposed)), labels=labels)
        self._engine.images[fact.pin.id] = fact
        return fact
