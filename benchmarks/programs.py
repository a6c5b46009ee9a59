"""Programs under measurement: started on one core, read from /proc, ended for certain.

CPU time is that of the process with all its threads, ended ones included, in
seconds since its start; memory is what is resident, in bytes.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

PROXY_CORE = 0
LOAD_CORE = 1
START_SECONDS = 20.0
STOP_SECONDS = 10.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Program:
    """One running process that listens on a port of 127.0.0.1."""

    def __init__(self, name: str, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.name = name
        self.port = port
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def cpu_seconds(self) -> float:
        stat = Path(f"/proc/{self.pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    @property
    def resident(self) -> int:
        return self._memory("VmRSS:")

    @property
    def peak(self) -> int:
        """The most that was resident since `forget_peak`."""
        return self._memory("VmHWM:")

    def forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _memory(self, key: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(key):
                return int(line.split()[1]) * 1024
        raise RuntimeError(f"{self.name} has ended")


@contextmanager
def running(
    name: str,
    arguments: Sequence[str],
    *,
    port: int,
    core: int,
    folder: Path,
    env: Mapping[str, str] | None = None,
) -> Iterator[Program]:
    """That program, pinned to `core`, once it accepts connections; its output goes to
    `<folder>/<name>.log`.
    """
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        _wait_listening(name, process, port, log)
        yield Program(name, process, port)
    finally:
        _end(process)


@contextmanager
def weighted(program: Program, weight: int) -> Iterator[bool]:
    """The program with that CPU weight (100 is everybody's), as systemd would give it;
    False where this may not be set.
    """
    v1 = Path("/sys/fs/cgroup/cpu")
    group = (v1 if v1.is_dir() else Path("/sys/fs/cgroup")) / f"paas-bench-{program.pid}"
    try:
        group.mkdir()
    except OSError:
        yield False
        return
    try:
        setting, value = (
            ("cpu.shares", weight * 1024 // 100) if v1.is_dir() else ("cpu.weight", weight)
        )
        (group / setting).write_text(str(value))
        (group / "cgroup.procs").write_text(str(program.pid))
        yield True
    finally:
        (group.parent / "cgroup.procs").write_text(str(program.pid))
        group.rmdir()


def first(pid: int) -> None:
    """Let it run before everything else on its core, where that may be set."""
    with suppress(PermissionError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


# ---- private


def _wait_listening(name: str, process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.005)
        else:
            return
    tail = log.read_text(errors="replace")[-2000:]
    raise RuntimeError(f"{name} does not listen on port {port}:\n{tail}")


def _end(process: "subprocess.Popen[bytes]") -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, number)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
