"""A `Host` whose memory is what the test says."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from paas.errors import Unavailable
from paas.ports import HostMemory


@dataclass(slots=True, kw_only=True)
class FakeHost:
    """`now` is what it tells next, less what is `used`; None is a host that cannot be read."""

    now: HostMemory | None = field(
        default_factory=lambda: HostMemory(total=4 << 30, available=3 << 30, pressure=0.0)
    )

    used: Callable[[], int] = lambda: 0

    def memory(self) -> HostMemory:
        if self.now is None:
            raise Unavailable("This host's memory is unknown.", code="host_unreadable")
        return replace(self.now, available=self.now.available - self.used())
