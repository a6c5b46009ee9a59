"""The machine this daemon runs on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from paas.core.routing import Route


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
        False when another program holds the port. Raises `Unavailable` (`no_descriptors`)
        when there are as many as this process can have.
        """

    async def close(self, port: int) -> None: ...
