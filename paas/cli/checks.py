"""What `paas doctor` looks at on this machine, without the engine: stdlib only.

A check never raises; one that cannot look says so as a warning.
"""

import errno
import os
import platform
import re
import resource
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from paas.cli.output import size

Level = Literal["ok", "warn", "fail"]

GIB = 1024**3
LOW_DISK = 2 * GIB
NO_DISK = GIB // 4
LOW_MEMORY = GIB // 2
DESCRIPTORS = 4096
OLDEST_PYTHON = (3, 11)
OLDEST_GIT = (2, 37)
"""The first that can be told which address to connect to."""
GIT_TOOLS = ("ssh", "prlimit", "setpriv", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding: what was looked at, how it is, what it means, what to do."""

    name: str
    level: Level
    message: str
    advice: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)


def python() -> Check:
    version = platform.python_version()
    if tuple(sys.version_info) < OLDEST_PYTHON:
        return Check(
            name="python", level="fail", message=f"Python {version}", advice="Use 3.11 or newer."
        )
    return Check(name="python", level="ok", message=f"Python {version}")


def git() -> Check:
    """The command that fetches repositories; what it needs stands in docs/git.md."""
    advice = "Install git 2.37 or newer to deploy from repositories: apt-get install git."
    try:
        done = subprocess.run(  # noqa: S603 - a fixed command
            (shutil.which("git") or "git", "--version"),
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return Check(name="git", level="warn", message="git is not installed.", advice=advice)
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    version = tuple(map(int, found.groups())) if found else ()
    if version < OLDEST_GIT:
        text = done.stdout.strip() or "git does not tell its version"
        return Check(name="git", level="warn", message=text, advice=advice)
    missing = [tool for tool in GIT_TOOLS if shutil.which(tool) is None]
    if missing:
        return Check(
            name="git",
            level="warn",
            message=f"{done.stdout.strip()}, but {', '.join(missing)} is missing.",
            advice="Install util-linux, coreutils and openssh-client.",
        )
    return Check(name="git", level="ok", message=done.stdout.strip())


def clock(engine_time: float | None) -> Check:
    """Our clock, alone and against the engine's."""
    now = time.time()
    year = time.gmtime(now).tm_year
    advice = "Set the clock and keep it right with systemd-timesyncd or chrony."
    if not 2025 <= year <= 2100:
        return Check(
            name="clock", level="fail", message=f"The clock says the year {year}.", advice=advice
        )
    gap = abs(now - engine_time) if engine_time is not None else 0.0
    if gap > 5:
        return Check(
            name="clock",
            level="warn",
            message=f"The clock and the engine's are {gap:.0f} s apart.",
            advice=advice,
        )
    kept = any(
        Path(mark).exists() for mark in ("/run/systemd/timesync/synchronized", "/run/chrony")
    )
    note = "kept by NTP" if kept else "nothing seen that keeps it by NTP"
    return Check(
        name="clock",
        level="ok",
        message=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)) + f", {note}",
    )


def memory() -> Check:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError as error:
        return Check(name="memory", level="warn", message=f"Cannot look: {error.strerror}.")
    facts = {line.partition(":")[0]: int(line.split()[1]) * 1024 for line in lines if ":" in line}
    free, total = facts.get("MemAvailable", 0), facts.get("MemTotal", 0)
    text = f"{size(free)} of {size(total)} available"
    if free < LOW_MEMORY:
        return Check(
            name="memory",
            level="warn",
            message=text,
            advice="One replica may use 512 MiB: end other programs, or lower --memory.",
        )
    return Check(name="memory", level="ok", message=text)


def descriptors() -> Check:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= hard < DESCRIPTORS:
        return Check(
            name="descriptors",
            level="warn",
            message=f"At most {hard} open files: about {hard // 3} connections at once.",
            advice="Raise it: `ulimit -n 65536`, or LimitNOFILE= in the unit.",
        )
    return Check(name="descriptors", level="ok", message=f"{soft} open files, {hard} at most")


def disk(name: str, path: Path) -> Iterator[Check]:
    """Space and inodes of the file system that holds `path` or will hold it."""
    there = next((place for place in (path, *path.parents) if place.exists()), Path("/"))
    try:
        facts = os.statvfs(there)
    except OSError as error:
        yield Check(name=name, level="warn", message=f"Cannot look at {there}: {error.strerror}.")
        return
    free = facts.f_bavail * facts.f_frsize
    level: Level = "fail" if free < NO_DISK else "warn" if free < LOW_DISK else "ok"
    yield Check(
        name=name,
        level=level,
        message=f"{size(free)} free for {path}",
        advice="" if level == "ok" else "Make room: builds and images need a few GiB.",
    )
    if facts.f_files and facts.f_favail * 50 < facts.f_files:
        yield Check(
            name=name,
            level="warn",
            message=f"Only {facts.f_favail} of {facts.f_files} inodes are free for {path}.",
            advice="Remove many small files, for example old images: `docker image prune`.",
        )


def data_dir(path: Path, *, ours: bool) -> Iterator[Check]:
    """The data directory and the secrets in it; `ours` when this user runs the daemon."""
    name = "data directory"
    if not path.exists():
        parent = next(place for place in path.parents if place.exists())
        able = os.access(parent, os.W_OK | os.X_OK)
        yield Check(
            name=name,
            level="ok" if able else "fail",
            message=f"{path} does not exist yet" + ("." if able else ", and cannot be made."),
            advice="" if able else "Run as another user, or set PAAS_DATA_DIR.",
        )
        return
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield Check(
            name=name,
            level="fail" if ours else "warn",
            message=f"This user may not write in {path}.",
            advice="Run as its owner, or set PAAS_DATA_DIR to a directory of your own.",
        )
        return
    yield Check(name=name, level="ok", message=f"{path} is writable")
    yield from _modes(path)


def port(address: str, *, held: Sequence[str], what: str) -> Check:
    """Whether `host:port` is free or held by our own daemon (`held`)."""
    name = f"port {address}"
    host, _, number = address.rpartition(":")
    if not number.isdigit():
        return Check(name=name, level="fail", message=f"{address!r} is not host:port.")
    if any(place.rpartition(":")[2] == number for place in held) or number == "0":
        return Check(name=name, level="ok", message=f"{what}: held by the running daemon")
    problem = _bind(host.strip("[]"), int(number))
    if problem is None:
        return Check(name=name, level="ok", message=f"{what}: free")
    if problem == errno.EADDRINUSE:
        return Check(
            name=name,
            level="fail",
            message=f"{what}: taken by {holder(int(number)) or 'another program'}.",
            advice="End that program, or set proxy.http (PAAS_PROXY__HTTP) or api.listen "
            "(PAAS_API__LISTEN) to another port.",
        )
    return Check(
        name=name,
        level="fail",
        message=f"{what}: cannot listen: {os.strerror(problem)}.",
        advice="Ports below 1024 need root or the capability CAP_NET_BIND_SERVICE."
        if problem == errno.EACCES
        else "Choose an address of this machine.",
    )


def holder(number: int) -> str:
    """Who listens on that TCP port: `name (pid 7)`; "" when it cannot be seen."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for cells in map(str.split, rows):
            if cells[3] == "0A" and int(cells[1].rpartition(":")[2], 16) == number:
                inodes.add(f"socket:[{cells[9]}]")
    return next(_owners(inodes), "")


def _modes(path: Path) -> Iterator[Check]:
    loose = []
    for entry in sorted(path.iterdir()):
        secret = entry.suffix in (".key", ".token")
        if secret and stat.S_IMODE(entry.lstat().st_mode) & 0o077:
            loose.append(entry.name)
    if path.stat().st_mode & stat.S_IWOTH:
        loose.append(".")
    if loose:
        yield Check(
            name="secrets",
            level="fail",
            message=f"Others may read or change {', '.join(loose)} in {path}.",
            advice="chmod 600 the files and chmod 700 the directory, then renew what was exposed.",
        )


def _bind(host: str, number: int) -> int | None:
    """The errno of listening there, or None when it works."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, number))
            probe.listen(1)
        except socket.gaierror:
            return errno.EADDRNOTAVAIL
        except OSError as error:
            return error.errno
    return None


def _owners(inodes: set[str]) -> Iterator[str]:
    for process in Path("/proc").iterdir() if inodes else ():
        if not process.name.isdigit():
            continue
        try:
            if any(str(link.readlink()) in inodes for link in (process / "fd").iterdir()):
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                yield f"{name} (pid {process.name})"
        except OSError:
            continue
