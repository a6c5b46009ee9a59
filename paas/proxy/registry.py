"""All open client connections: their limits, and their end at a shutdown."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Protocol

from paas.http1.limits import Limits
from paas.proxy.intake import Intake

LOOK = 0.01
"""Seconds between two looks at who is left."""


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
        return True

    def leave(self, member: Member) -> None:
        """Count it out; one that was not admitted changes nothing."""
        if member not in self._members:
            return
        address = self._members.pop(member)
        if address is None:
            return
        left = self._per_address.get(address, 0) - 1
        if left > 0:
            self._per_address[address] = left
        else:
            self._per_address.pop(address, None)

    async def settle(self, seconds: float, *, lasting: Callable[[Member], bool]) -> None:
        """Let those who are connected now finish and go, but for the `lasting` ones."""
        present = set(self._members)
        for member in present:
            member.drain()

        def settled() -> bool:
            present.intersection_update(self._members)
            return all(map(lasting, present))

        await _until(settled, seconds)

    async def drain(
        self, seconds: float, *, lasting: Callable[[Member], bool], farewell: float = 1.0
    ) -> None:
        """Let requests under way finish, then say goodbye to the `lasting` ones, which end
        at no time by themselves, then cut.
        """
        for member in list(self._members):
            member.drain()
        await _until(lambda: all(map(lasting, self._members)), max(0.0, seconds - farewell))
        for member in list(self._members):
            member.going_away()
        if await _until(self._is_empty, min(farewell, seconds)):
            return
        for member in list(self._members):
            member.abort()
        await _until(self._is_empty, farewell)

    def _is_empty(self) -> bool:
        return not self._members


async def _until(done: Callable[[], bool], seconds: float) -> bool:
    """Whether it became true in time."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    while not done():
        if clock() >= deadline:
            return False
        await asyncio.sleep(LOOK)
    return True
