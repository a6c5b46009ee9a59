"""Bare repositories that are pushed to."""

from collections.abc import Collection, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Receiving(Protocol):
    """A push under way: what the client sends goes in, what it is told comes out."""

    async def write(self, data: bytes) -> None:
        """Waits while nobody takes it; nothing more is taken after the end: fine."""

    def finish(self) -> None:
        """Nothing more will be written."""

    async def read(self) -> bytes:
        """The next piece; b"" at the end."""

    async def accepted(self) -> bool:
        """Once all was read: whether the push was worked through, its refs refused or not."""


class Remotes(Protocol):
    """Repositories by name. Their hook calls this daemon for what is pushed."""

    async def open(self) -> None:
        """Make what all of them need, and remove what a former daemon left half done.
        Raises `Unavailable`.
        """

    async def names(self) -> Collection[str]: ...

    async def create(self, name: str) -> None:
        """A new, empty one; one that is there is fine. Raises `Unavailable`."""

    async def advertise(self, name: str) -> bytes:
        """Its refs, as `git receive-pack` tells them. Raises `Unavailable`."""

    def receive(
        self, name: str, *, variables: Mapping[str, str]
    ) -> AbstractAsyncContextManager[Receiving]:
        """Take one push; the hook sees `variables`. Leaving the context early ends it and
        leaves nothing. Raises `Unavailable`.
        """

    async def has_refs(self, name: str) -> bool: ...

    async def rename(self, name: str, new: str) -> None: ...

    async def remove(self, name: str) -> None:
        """One that is not there is fine."""

    async def tidy(self, name: str) -> None:
        """Remove what pushes left that broke off, and pack it when that is worth it. Nobody
        pushes to it at this moment. Bounded in time; never raises.
        """
