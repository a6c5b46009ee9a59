"""Replicas and images on an engine."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from paas.core.model import LogLine
from paas.core.spec import PinnedImage, Probe


class ContainerState(StrEnum):
    """What the engine says of a replica's container."""

    CREATED = "created"
    RUNNING = "running"
    PAUSED = "paused"
    EXITED = "exited"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a replica can be dialled; never persisted."""

    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaSpec:
    """All the engine needs to start one replica. `env` is complete and in clear text.

    `cpu` is its limit in processors; with `boost` it starts under that limit instead, if
    that is higher, until `Engine.limit_cpu` says otherwise. With `read_only` its root file
    system is: it can write to temporary folders only, in its memory.
    """

    service: str
    version: str
    version_id: str
    image: PinnedImage
    port: int
    cpu: float
    memory: int
    env: Mapping[str, str] = field(repr=False)
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    boost: float | None = None
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaFact:
    """One replica as the engine sees it now; `host` is None while it has no address,
    `cpu` is the limit it has now in processors, None while that is unknown.
    """

    id: str
    service: str
    version: str
    version_id: str
    state: ContainerState
    host: str | None = None
    exit_code: int | None = None
    oom_killed: bool = False
    started: float | None = None
    cpu: float | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """A replica's use: `cpu` seconds since its start, `memory` bytes now (without the
    file cache that can be had back at once).

    Since its start: `throttled` is how many periods of 100 ms it was held back in by its
    CPU limit, `oom_kills` how many of its processes were killed at its memory limit (0
    where the engine does not tell).
    """

    cpu: float
    memory: int
    throttled: int = 0
    oom_kills: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFact:
    """An image the engine holds: its pin, exposed TCP ports and labels."""

    pin: PinnedImage
    ports: tuple[int, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFact:
    """The engine that answered: its version, API version and host figures. Its
    `architecture` is what it calls it itself (`amd64`). `exposed` says why replicas may
    reach other ports of their host; "" when they may not.
    """

    version: str
    api: str
    cpus: int
    memory: int
    time: float
    architecture: str = ""
    exposed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A registry login, in clear text and only for the length of one call."""

    user: str
    password: str = field(repr=False)


def nothing() -> None:
    """Stands where nobody listens."""


class Engine(Protocol):
    """Replicas of versions, wherever they run. Touches only what carries our labels."""

    async def open(self) -> str:
        """Connect, negotiate, make our network; return the gateway address that
        replicas reach the host by. Raises `Unavailable`.
        """

    async def close(self) -> None: ...

    async def info(self) -> EngineFact:
        """Who answers. Raises `Unavailable` when nobody does."""

    async def replicas(self) -> list[ReplicaFact]:
        """Every replica of this installation, running or not."""

    async def start(
        self, spec: ReplicaSpec, *, created: Callable[[], None] = nothing
    ) -> ReplicaFact:
        """Create and start one replica; `created` is called between the two. Cancelled or
        failed, it leaves nothing behind.
        Raises `NotFound` (code `image_gone`), `Failed` (`start_failed`), `Unavailable`.
        """

    async def freeze(self, replica: str) -> None:
        """Hold it where it is: no processor time, its memory and connections kept; fine
        when it is so already. Raises `NotFound` (`replica_gone`), `Conflict`
        (`not_running`, `not_ours`), `Unavailable`.
        """

    async def wake(self, replica: str) -> None:
        """Let a frozen one go on; otherwise as `freeze`."""

    async def limit_cpu(self, replica: str, cpu: float) -> None:
        """Give a running or frozen replica that limit at once; more than the host has
        counts as all of it, and one that ended needs none. Raises `NotFound`
        (`replica_gone`), `Conflict` (`not_ours`), `Failed` (`limit_failed`), `Unavailable`.
        """

    async def remove(self, replica: str, *, grace: float = 0.0) -> None:
        """Stop (SIGTERM, then SIGKILL after `grace` seconds) and remove; gone is fine.
        Refuses (`Conflict`) what is not ours.
        """

    async def usages(self, replicas: Collection[str]) -> Mapping[str, Usage]:
        """What each uses, in one go; one that cannot be measured is missing. Cheap enough
        for every 2 s when the engine is on this host; a remote one may take a second.
        Never raises.
        """

    async def listening(self, replica: str) -> tuple[int, ...]:
        """TCP ports the replica listens on, sorted; empty when unknown."""

    def logs(
        self, replica: str, *, since: float = 0.0, follow: bool = False
    ) -> AsyncGenerator[LogLine]:
        """Output in order, then (with `follow`) live until the replica ends."""

    def changes(self) -> AsyncIterator[str]:
        """Ids of our replicas that changed. Yields "" first and after each reconnect:
        then anything may have changed. Never ends by itself.
        """

    async def image(self, reference: str) -> ImageFact | None:
        """The local image of that reference, id or digest."""

    async def built_images(self) -> list[ImageFact]:
        """What this installation built: one fact for each of our tags (`pin.reference`)."""

    async def pull(
        self,
        reference: str,
        *,
        credentials: Credentials | None,
        progress: Callable[[str], None],
    ) -> ImageFact:
        """Fetch from a registry. Raises `Failed` (`pull_failed`), `Denied`, `NotFound`."""

    async def check_login(self, host: str, credentials: Credentials) -> None:
        """Log in to a registry, to see whether it takes that login. Raises `Denied`
        (`login_refused`), `Failed` (`registry_unreachable`), `Unavailable`.
        """

    async def tag_image(self, image: str, tag: str) -> None:
        """Give an image that the engine holds, by its id, one more tag. Raises `NotFound`
        (`image_gone`), `Unavailable`.
        """

    async def remove_image(self, tag: str) -> None:
        """Take a tag of a build of ours off its image, which removes an image without
        other tags; one of another owner or in use is left alone.
        """


class Prober(Protocol):
    """Asks a replica whether it can serve."""

    async def ready(self, address: Address, probe: Probe, *, timeout: float) -> bool:
        """One attempt: True when the probe passed within `timeout`; never raises."""
