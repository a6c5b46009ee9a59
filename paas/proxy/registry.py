"""All open client connections: their limits, and their end at a shutdown."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

from paas.http1.limits import Limits
from paas.proxy.intake import Intake


class Member(Protocol):
    """A client connection as the registry sees it."""

    @property
    def descriptor(self) -> int: ...

    def drain(self) -> None:
        """Close now if idle, else after the answer under way."""

    def going_away(self) -> None:
        """Tell a WebSocket's two ends that this is the end."""

    def abort(self) -> None: ...


class Registry:
    """Who is connected, from where, and how many there may be."""

    def __init__(self, limits: Limits, intake: Intake) -> None:
        self._limits = limits
        self._intake = intake
        self._members: dict[Member, bytes | None] = {}
        self._per_address: dict[bytes, int] = {}
        self._empty = asyncio.Event()

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members)

    def admit(self, member: Member, address: bytes | None) -> bool:
        """Count it in, or False when there are too many; None: its address does not count."""
        limits = self._limits
        self._intake.accepted(member.descriptor)
        if len(self._members) >= limits.connections:
            return False
        if limits.connections_per_address is not None and address is not None:
            count = self._per_address.get(address, 0)
            if count >= limits.connections_per_address:
                return False
            self._per_address[address] = count + 1
        self._members[member] = address
        self._empty.clear()
        return True

    def leave(self, member: Member) -> None:
        """Count it out; one that was not admitted changes nothing."""
        if member not in self._members:
            return
        address = self._members.pop(member)
        if not self._members:
            self._empty.set()
        if address is None:
            return
        left = self._per_address.get(address, 0) - 1
        if left > 0:
            self._per_address[address] = left
        else:
            self._per_address.pop(address, None)

    async def drain(self, seconds: float, *, farewell: float = 1.0) -> None:
        """Let requests under way finish, say goodbye to WebSockets, then cut."""
        for member in list(self._members):
            member.drain()
        if await self._emptied(max(0.0, seconds - farewell)):
            return
        for member in list(self._members):
            member.going_away()
        if await self._emptied(min(farewell, seconds)):
            return
        for member in list(self._members):
            member.abort()
        await self._emptied(farewell)

    async def _emptied(self, seconds: float) -> bool:
        if not self._members:
            return True
        try:
            await asyncio.wait_for(self._empty.wait(), seconds)
        except TimeoutError:
            return False
        return True
