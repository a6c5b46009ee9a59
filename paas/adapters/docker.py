"""Replicas as containers of a Docker Engine: the `Engine` port.

Whatever we make carries the label of this installation, and nothing else is ever
listed, changed or removed. A start that is cancelled or fails leaves no container.
Start times and process ids are remembered per container: they cannot change, because
a container is started once. Its CPU limit is remembered too: we alone change it.
"""

import asyncio
import json
import math
import os
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from paas.adapters import docker_events
from paas.adapters.docker_api import DockerApi
from paas.adapters.docker_config import (
    build_network_name,
    nano_cpus,
    network_name,
    replica_config,
    replica_filter,
    replica_name,
)
from paas.adapters.docker_errors import image_gone, replica_gone, start_failed
from paas.adapters.docker_facts import (
    engine_time,
    inspected_replica,
    is_replica,
    listed_replica,
    sampled_usage,
)
from paas.adapters.docker_images import DockerImages
from paas.adapters.docker_logs import container_output
from paas.adapters.docker_network import BridgeNetwork
from paas.adapters.docker_proc import KernelFiles
from paas.adapters.firewall import Firewall
from paas.aio.tasks import Tasks
from paas.core.model import LogLine
from paas.errors import Conflict, Denied, Failed, Invalid, NotFound, PaasError, Unavailable
from paas.ports import (
    ContainerState,
    Credentials,
    EngineFact,
    ImageFact,
    ReplicaFact,
    ReplicaSpec,
    Usage,
    nothing,
)

START_SECONDS = 60.0
REMOVE_SECONDS = 30.0
SAMPLE_SECONDS = 5.0
KERNEL = KernelFiles()
_NETWORK_GONE = "replica_network_gone"
_ID = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z_.-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Started:
    pid: int
    time: float | None
    cpu: float | None


class DockerEngine:
    """One engine. `installation` is the random id of this data directory.

    `api` and `images` are shared with the builder.
    """

    def __init__(
        self,
        host: str,
        *,
        installation: str,
        tasks: Tasks,
        kernel: KernelFiles = KERNEL,
        fence: Firewall | None = None,
    ) -> None:
        self.api = DockerApi(host)
        self.images = DockerImages(self.api, installation)
        self.installation = installation
        self._tasks = tasks
        self._fence = fence or Firewall(installation, on=False)
        network = partial(BridgeNetwork, self.api, installation=installation, fence=self._fence)
        self._network = network(network_name(installation), purpose="R")
        self.build_network = network(build_network_name(installation), purpose="B")
        self._kernel = kernel
        self._started: dict[str, _Started] = {}
        self._ended: dict[str, ReplicaFact] = {}
        self._cpus = math.inf

    async def open(self) -> str:
        self._cpus = (await self.info()).cpus
        return await self._network.ensure()

    async def close(self) -> None:
        await self.api.close()

    def calls(self) -> Mapping[tuple[str, str], int]:
        """Calls so far by method and outcome (`ok`, or the error's code)."""
        return self.api.calls

    async def info(self) -> EngineFact:
        engine = await self.api.negotiate()
        host = await self.api.call("GET", "info")
        return EngineFact(
            version=engine.version,
            api=engine.api,
            cpus=host["NCPU"],
            memory=host["MemTotal"],
            exposed=self._fence.problem,
            time=engine_time(host["SystemTime"]) or 0.0,
            architecture=engine.architecture,
        )

    # ---- replicas

    async def replicas(self) -> list[ReplicaFact]:
        params = {"all": "1", "filters": json.dumps(replica_filter(self.installation))}
        listed = await self.api.call("GET", "containers/json", params=params)
        ids = {item["Id"] for item in listed}
        self._started = {key: value for key, value in self._started.items() if key in ids}
        self._ended = {key: value for key, value in self._ended.items() if key in ids}
        facts = [await self._completed(item) for item in listed]
        return [fact for fact in facts if fact is not None]

    async def start(
        self, spec: ReplicaSpec, *, created: Callable[[], None] = nothing
    ) -> ReplicaFact:
        try:
            return await self._start(spec, created)
        except NotFound as error:
            if error.code != _NETWORK_GONE:
                raise
        await self._network.ensure()
        return await self._start(spec, created)

    async def freeze(self, replica: str) -> None:
        await self._switch(replica, "pause", wanted=ContainerState.PAUSED)

    async def wake(self, replica: str) -> None:
        await self._switch(replica, "unpause", wanted=ContainerState.RUNNING)

    async def limit_cpu(self, replica: str, cpu: float) -> None:
        limit = min(cpu, self._cpus)
        container = await self._ours(replica)
        try:
            body = {"NanoCpus": nano_cpus(limit)}
            await self.api.call("POST", f"containers/{container}/update", body=body)
        except Unavailable:
            raise
        except PaasError as error:
            if (await self._inspect(container)).state is ContainerState.EXITED:
                return
            raise Failed(
                f"The CPU limit of {container[:12]} could not be changed: {error.message}",
                code="limit_failed",
            ) from error
        if (started := self._started.get(container)) is not None:
            self._started[container] = replace(started, cpu=limit)

    async def remove(self, replica: str, *, grace: float = 0.0) -> None:
        try:
            fact = await self._inspect(replica)
            if grace > 0 and fact.state in (ContainerState.RUNNING, ContainerState.PAUSED):
                seconds = math.ceil(grace)
                await self.api.call(
                    "POST",
                    f"containers/{fact.id}/stop",
                    params={"t": str(seconds)},
                    deadline=seconds + REMOVE_SECONDS,
                )
            await self._delete(fact.id)
        except NotFound:
            return

    # ---- what a replica does

    async def usages(self, replicas: Collection[str]) -> dict[str, Usage]:
        known = {one: await self._process(one) for one in replicas}
        processes = {one: started.pid for one, started in known.items() if started is not None}
        found = await asyncio.to_thread(self._kernel.usages, processes)
        hidden = processes.keys() - found.keys()
        sampled = await asyncio.gather(*(self._sampled(one) for one in hidden))
        told = zip(hidden, sampled, strict=True)
        return found | {one: usage for one, usage in told if usage is not None}

    async def listening(self, replica: str) -> tuple[int, ...]:
        started = await self._process(replica)
        if started is None:
            return ()
        return await asyncio.to_thread(self._kernel.listening, replica, started.pid)

    async def logs(
        self, replica: str, *, since: float = 0.0, follow: bool = False
    ) -> AsyncGenerator[LogLine]:
        """Lines at or after `since`: one at exactly that time comes again."""
        container = (await self._inspect(replica)).id
        output = container_output(self.api, container, since=since, follow=follow)
        async with aclosing(output) as lines:
            async for line in lines:
                yield line

    def changes(self) -> AsyncIterator[str]:
        return docker_events.changes(self.api, self.installation)

    # ---- images

    async def image(self, reference: str) -> ImageFact | None:
        return await self.images.find(reference)

    async def built_images(self) -> list[ImageFact]:
        return await self.images.built()

    async def pull(
        self,
        reference: str,
        *,
        credentials: Credentials | None,
        progress: Callable[[str], None],
    ) -> ImageFact:
        return await self.images.pull(reference, credentials=credentials, progress=progress)

    async def check_login(self, host: str, credentials: Credentials) -> None:
        await self.images.check_login(host, credentials)

    async def tag_image(self, image: str, tag: str) -> None:
        await self.images.tag(image, tag)

    async def remove_image(self, tag: str) -> None:
        await self.images.remove(tag)

    # ---- starting

    async def _start(self, spec: ReplicaSpec, created: Callable[[], None]) -> ReplicaFact:
        """The creation is shielded: only when it has ended is there something to remove."""
        creation = self._tasks.spawn("create replica", self._created(spec))
        try:
            container = await asyncio.shield(creation)
            created()
            return await self._run(container)
        except BaseException:
            discard = self._tasks.spawn("discard replica", self._discard(creation))
            await asyncio.shield(discard)
            raise

    async def _created(self, spec: ReplicaSpec) -> str | PaasError:
        """The new container's id; the error is a value because it may end unawaited."""
        name = replica_name(spec.version, os.urandom(3).hex())
        bounded = replace(spec, boost=min(spec.boost or 0.0, self._cpus))
        body = replica_config(bounded, installation=self.installation)
        try:
            created = await self.api.call(
                "POST",
                "containers/create",
                params={"name": name},
                body=body,
                deadline=START_SECONDS,
            )
        except NotFound as error:
            if "network" in error.message:
                return NotFound(error.message, code=_NETWORK_GONE)
            return image_gone(spec.image.reference)
        except (Invalid, Failed, Conflict, Denied) as error:
            return start_failed(error.message)
        except PaasError as error:
            return error
        return str(created["Id"])

    async def _run(self, created: str | PaasError) -> ReplicaFact:
        if isinstance(created, PaasError):
            raise created
        try:
            await self.api.call("POST", f"containers/{created}/start", deadline=START_SECONDS)
        except NotFound as error:
            if "network" in error.message:
                raise NotFound(error.message, code=_NETWORK_GONE) from error
            raise start_failed(error.message) from error
        except (Invalid, Failed, Conflict, Denied) as error:
            raise start_failed(error.message) from error
        return await self._inspect(created)

    async def _discard(self, creation: "asyncio.Task[str | PaasError]") -> None:
        """Best effort: what stays behind bears our label and is found by `replicas`."""
        created = await creation
        if isinstance(created, str):
            with suppress(PaasError):
                await self._delete(created)

    async def _delete(self, container: str) -> None:
        params = {"force": "1", "v": "1"}
        try:
            await self.api.call(
                "DELETE", f"containers/{container}", params=params, deadline=REMOVE_SECONDS
            )
        except NotFound:
            return
        except Conflict:  # somebody else is removing it: wait until that is done
            with suppress(NotFound):
                await self.api.call(
                    "POST",
                    f"containers/{container}/wait",
                    params={"condition": "removed"},
                    deadline=REMOVE_SECONDS,
                )

    # ---- looking

    async def _completed(self, item: dict[str, Any]) -> ReplicaFact | None:
        """A listed replica with what the list does not tell; None when it has just gone."""
        fact = listed_replica(item, network=self._network.name)
        if (ended := self._ended.get(fact.id)) is not None:
            return ended
        if fact.state is ContainerState.CREATED:
            return fact
        known = self._started.get(fact.id)
        if known is not None and fact.state is not ContainerState.EXITED:
            return replace(fact, started=known.time, cpu=known.cpu)
        try:
            return await self._inspect(fact.id)
        except (NotFound, Conflict):
            return None

    async def _inspect(self, replica: str) -> ReplicaFact:
        """Raises `NotFound` (`replica_gone`), `Conflict` (`not_ours`)."""
        if not _ID.fullmatch(replica):
            raise NotFound(f"There is no replica {replica!r}.", code="replica_gone")
        try:
            item = await self.api.call("GET", f"containers/{replica}/json")
        except NotFound as error:
            self._started.pop(replica, None)
            raise replica_gone(replica) from error
        if not is_replica(item["Config"]["Labels"], self.installation):
            raise Conflict(
                f"The container {replica[:12]} is not a replica of this installation.",
                code="not_ours",
            )
        fact = inspected_replica(item, network=self._network.name)
        self._remember(fact, item["State"]["Pid"])
        return fact

    def _remember(self, fact: ReplicaFact, pid: int) -> None:
        if fact.state is ContainerState.EXITED:
            self._ended[fact.id] = fact
        if pid > 0:
            self._started[fact.id] = _Started(pid=pid, time=fact.started, cpu=fact.cpu)
        else:
            self._started.pop(fact.id, None)

    async def _process(self, replica: str) -> _Started | None:
        if replica not in self._started:
            try:
                await self._inspect(replica)
            except PaasError:
                return None
        return self._started.get(replica)

    async def _ours(self, replica: str) -> str:
        """Its container, without asking the engine when we have seen it before."""
        return replica if replica in self._started else (await self._inspect(replica)).id

    async def _sampled(self, replica: str) -> Usage | None:
        """Use by the engine's own one-shot statistics: slower, but true for any host."""
        params = {"stream": "0", "one-shot": "1"}
        try:
            said = await self.api.call(
                "GET", f"containers/{replica}/stats", params=params, deadline=SAMPLE_SECONDS
            )
        except PaasError:
            return None
        return sampled_usage(said)

    async def _switch(self, replica: str, action: str, *, wanted: ContainerState) -> None:
        """Pause or unpause; fine when it is so already. Looks only at what went wrong: a
        request may be waiting.
        """
        container = await self._ours(replica)
        try:
            await self.api.call("POST", f"containers/{container}/{action}")
        except Unavailable:
            raise
        except PaasError as error:
            fact = await self._inspect(container)
            if fact.state is not wanted:
                raise Conflict(
                    f"The replica {replica[:12]} is {fact.state}: {error.message}",
                    code="not_running",
                ) from error
