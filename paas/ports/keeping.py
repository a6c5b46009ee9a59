"""What must survive, and what must stay secret."""

from collections.abc import AsyncIterator, Collection
from typing import Protocol

from paas.core.access import Holdings
from paas.core.idle import Mark
from paas.core.model import Change, Deployment, Event, LogLine, Service


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

    async def access(self) -> Holdings:
        """All tokens and sessions by creation, all users by name."""

    async def meta(self, key: str, default: str) -> str:
        """The stored value of `key`; stores `default` first if there is none."""
