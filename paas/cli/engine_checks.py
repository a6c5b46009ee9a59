"""What `paas doctor` asks the Docker Engine: stdlib only, with deadlines."""

import errno
import platform
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paas.cli import checks
from paas.cli.checks import Check
from paas.cli.client import Client
from paas.cli.locate import Target
from paas.cli.trouble import CliError

DEFAULT_SOCKET = "/var/run/docker.sock"
OLDEST_API = (1, 41)
SECONDS = 5.0

_LIMITS = {
    "MemoryLimit": "memory limits",
    "CpuCfsQuota": "CPU limits",
    "PidsLimit": "limits of processes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What the engine said; empty mappings when nobody answered (`problem`)."""

    host: str
    version: Mapping[str, Any] = field(default_factory=dict)
    info: Mapping[str, Any] = field(default_factory=dict)
    problem: Check | None = None

    @property
    def local(self) -> bool:
        return self.host.startswith("unix:")

    @property
    def time(self) -> float | None:
        """The engine's clock in seconds since the epoch."""
        text = str(self.info.get("SystemTime") or "")
        try:
            return datetime.fromisoformat(text[:19] + "+00:00").timestamp() if text else None
        except ValueError:
            return None


def ask(host: str, environ: Mapping[str, str]) -> Engine:
    """Ask the engine at `host`, DOCKER_HOST or the usual socket; never raises."""
    host = host or environ.get("DOCKER_HOST", "") or f"unix://{DEFAULT_SOCKET}"
    target = _target(host)
    if target is None:
        problem = Check(
            name="engine",
            level="fail",
            message=f"{host!r} is not an engine's address.",
            advice="Set docker.host to unix:///path or tcp://host:port.",
        )
        return Engine(host=host, problem=problem)
    client = Client(target)
    try:
        _knock(target)
        version = client.call("GET", "/version", timeout=SECONDS)
        info = client.call("GET", "/info", timeout=SECONDS)
    except OSError as error:
        return Engine(host=host, problem=_no_answer(host, error))
    except CliError as error:
        problem = Check(name="engine", level="fail", message=error.message, advice=error.advice)
        return Engine(host=host, problem=problem)
    return Engine(host=host, version=version, info=info)


def look(engine: Engine, gateway: str) -> Iterator[Check]:
    """All that the engine's answers tell. `gateway` is our network's, where known."""
    if engine.problem is not None:
        yield engine.problem
        return
    yield _version(engine)
    yield _storage(engine)
    yield from _limits(engine)
    if engine.local:
        yield from checks.disk("engine's disk", Path(str(engine.info.get("DockerRootDir") or "/")))
        yield from _network(engine, gateway)


def _target(host: str) -> Target | None:
    parts = urlsplit(host)
    if parts.scheme == "unix" and parts.path:
        return Target(path=parts.path)
    try:
        if parts.scheme in ("tcp", "http") and parts.hostname:
            return Target(host=parts.hostname, port=parts.port or 2375)
    except ValueError:
        return None
    return None


def _knock(target: Target) -> None:
    """Raises the plain `OSError` of connecting, which tells more than a failed call."""
    if not target.path:
        socket.create_connection((target.host, target.port), SECONDS).close()
        return
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(SECONDS)
        probe.connect(target.path)


def _no_answer(host: str, error: OSError) -> Check:
    advices = {
        errno.ENOENT: "Install it: `sudo apt-get install docker.io`, and start it: "
        "`sudo systemctl start docker`.",
        errno.EACCES: "Add yourself to its group and sign in again: "
        "`sudo usermod -aG docker $USER`; or use sudo.",
        errno.ECONNREFUSED: "It has ended: `sudo systemctl start docker`, or look at "
        "`journalctl -u docker`.",
    }
    return Check(
        name="engine",
        level="fail",
        message=f"No Docker Engine answers at {host}: {error.strerror or error}.",
        advice=advices.get(error.errno or 0, "Check docker.host or DOCKER_HOST."),
    )


def _version(engine: Engine) -> Check:
    api = str(engine.version.get("ApiVersion") or "0.0")
    text = (
        f"Docker Engine {engine.version.get('Version')}, API {api}, "
        f"{engine.info.get('Architecture')} at {engine.host}"
    )
    if tuple(int(part) for part in api.split(".") if part.isdigit()) < OLDEST_API:
        return Check(
            name="engine", level="fail", message=text, advice="Use Docker Engine 20.10 or newer."
        )
    machine = platform.machine()
    if engine.local and engine.info.get("Architecture") not in (machine, None):
        return Check(
            name="engine",
            level="warn",
            message=f"{text}; this machine is {machine}.",
            advice="Images must be built for the engine's architecture.",
        )
    return Check(name="engine", level="ok", message=text)


def _storage(engine: Engine) -> Check:
    driver = str(engine.info.get("Driver"))
    text = (
        f"{driver} storage, cgroup v{engine.info.get('CgroupVersion', '1')} "
        f"({engine.info.get('CgroupDriver')})"
    )
    if driver in ("vfs", "devicemapper", "aufs"):
        return Check(
            name="engine's storage",
            level="warn",
            message=text,
            advice=f"{driver} is slow or wastes disk: use overlay2 on ext4 or xfs.",
        )
    return Check(name="engine's storage", level="ok", message=text)


def _limits(engine: Engine) -> Iterator[Check]:
    missing = [what for key, what in _LIMITS.items() if engine.info.get(key) is False]
    if missing:
        yield Check(
            name="engine's limits",
            level="warn",
            message=f"The engine cannot enforce {', '.join(missing)}.",
            advice="Mount the cgroup controllers (memory, cpu, pids); on Debian with cgroup v1 "
            "boot with cgroup_enable=memory.",
        )


def _network(engine: Engine, gateway: str) -> Iterator[Check]:
    forwards = engine.info.get("IPv4Forwarding") is not False
    if not forwards:
        yield Check(
            name="network",
            level="fail",
            message="This machine does not forward IPv4: replicas are cut off.",
            advice="`sudo sysctl -w net.ipv4.ip_forward=1`, and restart the engine.",
        )
        return
    address = gateway or _bridge(engine.host)
    if not address:
        yield Check(name="network", level="ok", message="This machine forwards IPv4")
    elif _ours(address):
        yield Check(name="network", level="ok", message=f"This host is {address} on the bridge")
    else:
        yield Check(
            name="network",
            level="warn",
            message=f"The bridge's gateway {address} is not an address of this host.",
            advice="Replicas are dialled over the bridge: run the daemon on the engine's host.",
        )


def _bridge(host: str) -> str:
    """The gateway of the engine's default bridge; "" when it cannot be told."""
    target = _target(host)
    try:
        told = Client(target).call("GET", "/networks/bridge", timeout=SECONDS) if target else {}
        return str(told["IPAM"]["Config"][0].get("Gateway") or "")
    except (CliError, KeyError, IndexError, TypeError):
        return ""


def _ours(address: str) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.bind((address, 0))
    except OSError:
        return False
    return True
