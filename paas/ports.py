"""What the control plane needs from outside, as small protocols.

Each has one adapter per client library and, where the real thing is costly, a
fake in `tests/fakes` that passes the same contract suite. Every method raises
only `paas.errors`; every method that waits for something outside has a
deadline of its own inside the adapter.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from paas.core.idle import Mark
from paas.core.model import Change, Deployment, Event, LogLine, PinnedImage, Probe, Service
from paas.core.routing import Route


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
    that is higher, until `Engine.limit_cpu` says otherwise.
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
    """The engine that answered: its version, API version and host figures."""

    version: str
    api: str
    cpus: int
    memory: int
    time: float


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
    ) -> AsyncIterator[LogLine]:
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

    async def remove_image(self, tag: str) -> None:
        """Take a tag of a build of ours off its image, which removes an image without
        other tags; one of another owner or in use is left alone.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """One build: `root` is the unpacked source, paths are inside it, `tag` is ours.

    `labels` come on top of the installation's own; each costs the build a step.
    """

    root: Path
    dockerfile: str
    build_dir: str
    tag: str
    timeout: float
    labels: Mapping[str, str] = field(default_factory=dict)
    memory: int | None = None
    cpu: float | None = None


class Builder(Protocol):
    """Turns a source directory into an image of the engine."""

    async def build(self, spec: BuildSpec, *, progress: Callable[[str], None]) -> ImageFact:
        """Build with live output lines. Cancelling ends the build in the engine.
        Raises `Invalid` (`no_dockerfile`, …), `Failed` (`build_failed`), `Unavailable`.
        """


class Unpacker(Protocol):
    """Turns an untrusted upload into a directory."""

    async def unpack(self, archive: Path, into: Path) -> None:
        """Unpack a zip, tar or tar.gz into the new directory `into`; a refusal leaves
        nothing. Raises `Invalid` naming the entry, `TooLarge`, `Unavailable` (`disk_full`).
        """


class Prober(Protocol):
    """Asks a replica whether it can serve."""

    async def ready(self, address: Address, probe: Probe, *, timeout: float) -> bool:
        """One attempt: True when the probe passed within `timeout`; never raises."""


class Vault(Protocol):
    """Seals secrets for storage. `context` (`table/row/name`) is authenticated."""

    def seal(self, context: str, secret: str) -> bytes: ...

    def unseal(self, context: str, sealed: bytes) -> str:
        """Raises `Failed` (`secret_unreadable`) when key or context do not match."""


class Journal(Protocol):
    """Append-only, bounded logs by key (`deployments/<id>`, `versions/<id>`)."""

    def append(self, key: str, line: LogLine) -> None:
        """Buffered; written within a second. Never raises: a full disk drops lines
        and leaves a marker.
        """

    async def read(self, key: str, *, after: int = 0, limit: int = 1000) -> list[LogLine]:
        """Oldest first, cursor > `after`, at most the *last* `limit` of them."""

    def follow(self, key: str, *, after: int = 0) -> AsyncIterator[LogLine]:
        """What is there after the cursor, then what comes, until the key is closed."""

    def finish(self, key: str) -> None:
        """No more lines will come: followers end after the last one."""

    async def remove(self, key: str) -> None: ...


class Store(Protocol):
    """What must survive. One writer; a commit that returned is durable."""

    async def services(self) -> list[Service]: ...

    async def commit(self, change: Change) -> tuple[Event, ...]:
        """Apply all of it in one durable transaction; returns its events, numbered.
        Raises `Unavailable` (`disk_full`, `store_busy`).
        """

    async def deployment(self, deployment_id: str) -> Deployment | None: ...

    async def deployments(
        self, *, service_id: str | None = None, unfinished: bool = False, limit: int = 100
    ) -> list[Deployment]:
        """Newest first; with `unfinished` only queued and running ones, oldest first."""

    async def latest_deployments(self) -> list[Deployment]:
        """The newest of each service that has any."""

    async def events(
        self,
        *,
        service: str | None = None,
        kinds: Collection[str] = (),
        after: int = 0,
        before: int = 0,
        limit: int = 100,
    ) -> list[Event]:
        """Newest first, of all kinds or some; `after`/`before` bound the ids (0 = no bound)."""

    async def activity(self) -> dict[str, Mark]:
        """The last committed mark of each version, by id."""

    async def meta(self, key: str, default: str) -> str:
        """The stored value of `key`; stores `default` first if there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMemory:
    """The host's memory in bytes: all of it, and what can be had without swapping.

    `pressure` is the share (0 to 1) of the last 10 s in which some task waited for memory,
    None where the kernel does not tell.
    """

    total: int
    available: int
    pressure: float | None = None


class Host(Protocol):
    """The machine this daemon runs on."""

    def memory(self) -> HostMemory:
        """As it is now; takes well under a millisecond. Raises `Unavailable`
        (`host_unreadable`).
        """


class Clock(Protocol):
    """Wall time for records, monotonic time for durations; `boot` is the id of the run of
    the host's kernel, whose monotonic clock goes on from one daemon to the next.
    """

    @property
    def boot(self) -> str: ...

    def time(self) -> float: ...

    def monotonic(self) -> float: ...

    async def sleep(self, seconds: float) -> None: ...


class Doors(Protocol):
    """Internal addresses: ports on the gateway that the data plane answers."""

    async def open(self, host: str, port: int, route: Callable[[], Route | None]) -> bool:
        """Listen there and send all its requests to the route of the moment;
        False when another program holds the port.
        """

    async def close(self, port: int) -> None: ...
