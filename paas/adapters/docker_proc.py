"""What the kernel of this host says of containers: use and open ports.

A container is found by its first process, whose control groups may be of version 1 or 2
and of either of the engine's drivers (`docker/<id>`, `docker-<id>.scope`). A process id can
belong to another host (a remote engine) or have been given to another process: it counts
only when its control group bears the container's id.
Everything answers None or nothing when the files are not there or not for us.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from paas.ports import Usage

CGROUPS = Path("/sys/fs/cgroup")
PROC = Path("/proc")
_LISTEN = "0A"
# The engine's own name server inside a container's network.
_ENGINE_DNS = IPv4Address("127.0.0.11")


@dataclass(frozen=True, slots=True, kw_only=True)
class KernelFiles:
    """Where the kernel's files are; tests point it at a directory of their own."""

    proc: Path = PROC
    cgroups: Path = CGROUPS

    def usages(self, processes: Mapping[str, int]) -> dict[str, Usage]:
        """By container, from each one's first process; what cannot be told is missing."""
        found = ((one, self._usage(one, pid)) for one, pid in processes.items())
        return {one: usage for one, usage in found if usage is not None}

    def listening(self, container: str, pid: int) -> tuple[int, ...]:
        """TCP ports with a listener in the container's network, sorted."""
        try:
            if not self._groups(container, pid):
                return ()
            tables = [self.proc / str(pid) / "net" / name for name in ("tcp", "tcp6")]
            found = {port for path in tables if path.exists() for port in _listeners(path)}
        except (OSError, ValueError):
            return ()
        return tuple(sorted(found))

    def _usage(self, container: str, pid: int) -> Usage | None:
        try:
            groups = self._groups(container, pid)
            if "memory" in groups:  # a host with both lists its version 2 tree without controllers
                return self._usage_v1(groups)
            return self._usage_v2(groups[""])
        except (OSError, ValueError, KeyError):
            return None

    def _groups(self, container: str, pid: int) -> dict[str, str]:
        """Controller → path of the process, for the groups that bear the container's id."""
        lines = (self.proc / str(pid) / "cgroup").read_text().splitlines()
        groups: dict[str, str] = {}
        for line in lines:
            _, controllers, path = line.split(":", 2)
            if container in path:
                groups.update(dict.fromkeys(controllers.split(","), path.lstrip("/")))
        return groups

    def _usage_v1(self, groups: dict[str, str]) -> Usage:
        memory = self.cgroups / "memory" / groups["memory"]
        accounts = self.cgroups / "cpuacct" / groups["cpuacct"]
        used = _number(memory / "memory.usage_in_bytes")
        cache = _fields(memory / "memory.stat")["total_inactive_file"]
        return Usage(
            cpu=_number(accounts / "cpuacct.usage") / 1e9,
            memory=max(0, used - cache),
            throttled=_fields(self.cgroups / "cpu" / groups["cpu"] / "cpu.stat")["nr_throttled"],
            # older kernels do not count here
            oom_kills=_fields(memory / "memory.oom_control").get("oom_kill", 0),
        )

    def _usage_v2(self, path: str) -> Usage:
        group = self.cgroups / path
        used = _number(group / "memory.current")
        cache = _fields(group / "memory.stat")["inactive_file"]
        cpu = _fields(group / "cpu.stat")
        return Usage(
            cpu=cpu["usage_usec"] / 1e6,
            memory=max(0, used - cache),
            # without the controller there is no limit that could be met
            throttled=cpu.get("nr_throttled", 0),
            oom_kills=_fields(group / "memory.events").get("oom_kill", 0),
        )


def _number(path: Path) -> int:
    return int(path.read_text())


def _fields(path: Path) -> dict[str, int]:
    """A file with a name and a number on each line."""
    pairs = (line.split() for line in path.read_text().splitlines())
    return {name: int(number) for name, number in pairs}


def _listeners(path: Path) -> list[int]:
    ports: list[int] = []
    for line in path.read_text().splitlines()[1:]:
        local, _, state = line.split()[1:4]
        host, _, port = local.partition(":")
        if state == _LISTEN and not _is_engine_dns(host):
            ports.append(int(port, 16))
    return ports


def _is_engine_dns(host: str) -> bool:
    """The tables hold an IPv4 address as one little-endian word."""
    return len(host) == 8 and bytes.fromhex(host)[::-1] == _ENGINE_DNS.packed
