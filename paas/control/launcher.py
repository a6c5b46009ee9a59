"""Brings one replica from nothing to ready, and says why when it cannot."""

import asyncio
from collections.abc import Awaitable, Callable

from paas.aio.limiter import Limiter, Urgency
from paas.control.coldstart import ColdStart
from paas.control.replicas import Replica
from paas.core.masking import mask
from paas.core.model import Failure, Service, Version
from paas.core.planning import Phase
from paas.core.sizes import format_size
from paas.errors import NotFound
from paas.ports import Address, Clock, Engine, Prober, ReplicaFact, ReplicaSpec, Vault
from paas.settings import HostScaling

TAIL = 20
TAIL_LIMIT = 5.0
LONGEST_PROBE = 5.0
FIRST_PAUSE, PAUSE_GROWTH, LONGEST_PAUSE = 0.01, 1.3, 0.25


class Launcher:
    """Starts replicas, the most urgent first, and probes them. Until it is ready a replica
    may use `boost` cores, if that is more than its limit.
    """

    def __init__(
        self,
        *,
        engine: Engine,
        prober: Prober,
        vault: Vault,
        clock: Clock,
        scaling: HostScaling,
    ) -> None:
        self._engine = engine
        self._prober = prober
        self._vault = vault
        self._clock = clock
        self._boost = scaling.cpu_boost
        self._starts = Limiter(scaling.concurrent_starts)
        self.refetch: Callable[[Version], Awaitable[bool]] = _nowhere
        """Fetches the very image of a version; False where it cannot be had."""

    async def start(
        self, service: Service, version: Version, *, urgency: Urgency, cold: ColdStart
    ) -> ReplicaFact:
        """Create and start a replica of the version. An image that somebody removed is
        fetched again where it came from a registry. Raises as `Engine.start`.
        """
        try:
            return await self._start(service, version, urgency=urgency, cold=cold)
        except NotFound as error:
            if error.code != "image_gone" or not await self.refetch(version):
                raise
        return await self._start(service, version, urgency=urgency, cold=cold)

    async def _start(
        self, service: Service, version: Version, *, urgency: Urgency, cold: ColdStart
    ) -> ReplicaFact:
        def created() -> None:
            cold.created = self._clock.monotonic()

        async with self._starts.place(version.id, urgency):
            cold.granted = self._clock.monotonic()
            fact = await self._engine.start(self._spec(service, version), created=created)
        cold.running = self._clock.monotonic()
        return fact

    def hurry(self, version_id: str) -> None:
        """Requests wait for that version now: one of its starts goes before others."""
        self._starts.hurry(version_id, Urgency.WAITING)

    async def settle(self, replica: Replica, version: Version) -> None:
        """It is ready, so from now on its own limit holds."""
        if replica.phase is Phase.READY and replica.cpu != version.spec.cpu:
            await self._engine.limit_cpu(replica.id, version.spec.cpu)
            replica.cpu = version.spec.cpu

    async def until_ready(self, host: str, version: Version, alive: Callable[[], bool]) -> bool:
        """Probe until it passes (True), or the replica is not alive or late (False)."""
        address = Address(host=host, port=version.port or 0)
        deadline = self._clock.monotonic() + version.spec.timeouts.start
        pause = FIRST_PAUSE
        while alive():
            left = deadline - self._clock.monotonic()
            if left <= 0:
                return False
            limit = min(left, LONGEST_PROBE)
            # without an address it would be this host itself that is asked
            if host and await self._prober.ready(address, version.spec.probe, timeout=limit):
                return alive()
            await self._clock.sleep(pause)
            pause = min(pause * PAUSE_GROWTH, LONGEST_PAUSE)
        return False

    async def tail(self, replica: str, version: Version) -> tuple[str, ...]:
        """The last lines of the replica's output, without the version's secrets; nothing
        when they cannot be had.
        """
        lines: list[str] = []
        try:
            secrets = reveal(self._vault, version).values()
            async with asyncio.timeout(TAIL_LIMIT):
                async for line in self._engine.logs(replica):
                    lines.append(mask(line.text, secrets))
                    del lines[:-TAIL]
        except Exception:  # noqa: BLE001 - the tail only decorates another failure
            return tuple(lines)
        return tuple(lines)

    async def why_unready(self, replica: str, version: Version) -> Failure:
        """Why a running replica did not pass its probe in time, with what to do."""
        elsewhere = [port for port in await self._listening(replica) if port != version.port]
        limit = f"{version.spec.timeouts.start:g} s"
        log = await self.tail(replica, version)
        if version.spec.probe.http is not None and not elsewhere:
            return Failure(
                code="probe_failed",
                message=f"GET {version.spec.probe.http} on port {version.port} of {version.name} "
                f"gave no expected answer within {limit}.",
                advice="Check the probe's path and expected status, or raise timeouts.start.",
                log=log,
            )
        heard = f" The program listens on port {_join(elsewhere)}." if elsewhere else ""
        other = f"Deploy with port {elsewhere[0]}, or let" if elsewhere else "Let"
        return Failure(
            code="not_listening",
            message=f"Nothing of {version.name} answered on port {version.port} "
            f"within {limit}.{heard}",
            advice=f"{other} the program listen on 0.0.0.0 and the port in $PORT; "
            "if it only starts slowly, raise timeouts.start.",
            log=log,
        )

    async def why_exited(self, fact: ReplicaFact, version: Version) -> Failure:
        """Why a replica ended, with its last lines."""
        log = await self.tail(fact.id, version)
        if fact.oom_killed:
            limit = format_size(version.spec.memory)
            return Failure(
                code="out_of_memory",
                message=f"{version.name} was killed: it used more than its {limit} of memory.",
                advice="Raise the version's memory limit, or let the program use less.",
                log=log,
            )
        cause = f" {fact.error}" if fact.error else ""
        return Failure(
            code="replica_exited",
            message=f"The program of {version.name} ended with exit code {fact.exit_code}.{cause}",
            advice="Read its last lines; it must keep running and serve on the port in $PORT "
            f"({version.port}).",
            log=log,
        )

    async def _listening(self, replica: str) -> tuple[int, ...]:
        try:
            return await self._engine.listening(replica)
        except Exception:  # noqa: BLE001 - a hint only
            return ()

    def _spec(self, service: Service, version: Version) -> ReplicaSpec:
        assert version.image is not None
        assert version.port is not None
        return ReplicaSpec(
            service=service.name,
            version=version.name,
            version_id=version.id,
            image=version.image,
            port=version.port,
            cpu=version.spec.cpu,
            memory=version.spec.memory,
            env=self._env(service, version),
            command=version.spec.command,
            args=version.spec.args,
            boost=self._boost or None,
            read_only=version.spec.read_only,
        )

    def _env(self, service: Service, version: Version) -> dict[str, str]:
        """What the program sees: its own variables, and ours, which always win."""
        return {
            **version.spec.env,
            **reveal(self._vault, version),
            "PORT": str(version.port),
            "K_SERVICE": service.name,
            "K_CONFIGURATION": service.name,
            "K_REVISION": version.name,
        }


def secret_context(version_id: str, name: str) -> str:
    """The context that a version's secret is sealed with."""
    return f"versions/{version_id}/{name}"


def reveal(vault: Vault, version: Version) -> dict[str, str]:
    """The version's secrets in clear text."""
    return {
        name: vault.unseal(secret_context(version.id, name), sealed)
        for name, sealed in version.spec.secrets.items()
    }


def _join(ports: list[int]) -> str:
    return ", ".join(str(port) for port in ports)


async def _nowhere(_version: Version) -> bool:
    return False
