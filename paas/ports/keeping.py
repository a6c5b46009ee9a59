"""What must survive, and what must stay secret."""

from collections.abc import AsyncIterator, Collection, Mapping
from typing import Protocol

from paas.core.access import AccessRecords
from paas.core.deliveries import Delivery
from paas.core.holdings import Holding
from paas.core.idle import Mark
from paas.core.model import Change, Deployment, Event, LogLine, Service
from paas.core.registries import Registry


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

    async def sizes(self) -> Mapping[str, int]:
        """Bytes on disk of each log there is. Raises `Unavailable`."""


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

    async def access(self) -> AccessRecords:
        """All tokens and sessions by creation, all users by name."""

    async def registries(self) -> list[Registry]:
        """The stored logins, by host."""

    async def holdings(self) -> list[Holding]:
        """What is written down as ours, oldest first."""

    async def records(self) -> Mapping[str, tuple[str, int]]:
        """Of every deployment, by id: its service's name, and the bytes of its record."""

    async def surplus(self, *, keep: int) -> list[Deployment]:
        """Ended deployments beyond the newest `keep` of their service, oldest first; not those
        whose version is still there.
        """

    async def meta(self, key: str, default: str) -> str:
        """The stored value of `key`; stores `default` first if there is none."""


class Deliveries(Protocol):
    """What came over webhooks: the newest of each service, as many as `core.deliveries`
    says, and none of a service that is gone.
    """

    async def add(self, delivery: Delivery) -> None:
        """Durable when it returns. Raises `Unavailable` (`disk_full`, `store_busy`)."""

    async def list(self, service_id: str, *, limit: int = 100) -> list[Delivery]:
        """Newest first."""

    async def find(self, service_id: str, delivery_id: str) -> Delivery | None: ...

    async def deployed(
        self, service_id: str, *, delivery: str, fingerprint: str
    ) -> Delivery | None:
        """The kept one that deployed and has that id (empty: none has) or fingerprint."""
