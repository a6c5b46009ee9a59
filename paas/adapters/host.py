"""The memory of this host, from the kernel's files."""

from dataclasses import dataclass
from pathlib import Path

from paas.errors import Unavailable
from paas.ports import HostMemory

PROC = Path("/proc")


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxHost:
    """Reads `/proc`, which never waits; tests point it at a directory of their own."""

    proc: Path = PROC

    def memory(self) -> HostMemory:
        try:
            lines = (self.proc / "meminfo").read_text().splitlines()
            sizes = dict(line.split()[:2] for line in lines)
            total, available = int(sizes["MemTotal:"]), int(sizes["MemAvailable:"])
        except (OSError, ValueError, KeyError) as error:
            raise Unavailable(
                f"{self.proc}/meminfo does not tell this host's memory: {error!r}",
                code="host_unreadable",
                advice="Mount /proc where the daemon runs.",
            ) from error
        return HostMemory(total=total << 10, available=available << 10, pressure=self._pressure())

    def _pressure(self) -> float | None:
        """`some avg10=1.50 …`: there only when the kernel was built and started with it."""
        try:
            text = (self.proc / "pressure" / "memory").read_text()
            return float(text.split("some avg10=")[1].split()[0]) / 100
        except (OSError, ValueError, IndexError):
            return None
