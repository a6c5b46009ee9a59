"""The daemon as a process of its own, which the tests may kill."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.api import Api
from tests.e2e.engine import Engine
from tests.e2e.waiting import until

ROOT = Path(__file__).parents[2]
START_SECONDS = 15.0
STOP_SECONDS = 45.0
_RANGES = itertools.count()
_SPAN = 500
_ACTIVATE = """
import os, sys
numbers, names, *command = sys.argv[1:]
kept = [os.dup(int(number)) for number in numbers.split(",")]
for place, number in enumerate(kept, 3):
    os.dup2(number, place)
    os.set_inheritable(place, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": str(len(kept))}
os.environ["LISTEN_FDNAMES"] = names
os.execv(command[0], command)
"""
"""What systemd does between fork and exec."""


class Daemon:
    """One data directory and the process that serves it; it keeps its port over restarts."""

    def __init__(
        self,
        data: Path,
        *,
        settings: Mapping[str, str] | None = None,
        docker_host: str = "",
        held: Mapping[str, socket.socket] | None = None,
        descriptors: int = 0,
    ) -> None:
        """`held` are listening sockets by name, which it gets as systemd would give them;
        `descriptors` is how many it may have, if not as many as the tests.
        """
        limit = ["prlimit", f"--nofile={descriptors}:{descriptors}"] if descriptors else []
        self._serve = [*limit, sys.executable, "-m", "paas", "serve"]
        self.data = data
        self._held = held or {}
        self.engine = Engine(docker_host)
        self.api = Api(data / "api.sock")
        self.proxy_port = 0
        self.installation = ""
        self._log = data / "daemon.log"
        self._process: subprocess.Popen[bytes] | None = None
        first = 20000 + next(_RANGES) % 20 * _SPAN
        self._settings = {
            "PAAS_DATA_DIR": str(data),
            "PAAS_PROXY__HTTP": "127.0.0.1:0",
            "PAAS_API__LISTEN": "127.0.0.1:0",
            "PAAS_INTERNAL__PORTS": f"{first}-{first + _SPAN - 1}",
            **({"PAAS_DOCKER__HOST": docker_host} if docker_host else {}),
            **(settings or {}),
        }

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def environment(self) -> dict[str, str]:
        """What a command line needs to find this daemon and no other."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("PAAS_")}
        return clean | self._settings

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self, *, with_engine: bool = True) -> None:
        """Start it and wait until it serves and, unless told otherwise, has its engine."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                env=self.environment,
                pass_fds=[sock.fileno() for sock in self._held.values()],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        until(
            lambda: self._serves(with_engine=with_engine),
            "the daemon serves",
            seconds=START_SECONDS,
        )

    def kill9(self) -> None:
        self._end(signal.SIGKILL)

    def terminate(self) -> int:
        """End it in good order; its exit code."""
        return self._end(signal.SIGTERM)

    def begin_to_end(self) -> "subprocess.Popen[bytes]":
        """Ask it to end; returns at once."""
        assert self._process is not None
        self._process.terminate()
        return self._process

    def restart(self) -> None:
        """The daemon dies at once and another one takes its place."""
        self.kill9()
        self.start()

    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def wipe(self) -> None:
        """End it, and take everything of its installation off the engine."""
        if self.running():
            self.kill9()
        if self.installation:
            self.engine.wipe_installation(self.installation)

    def _command(self) -> list[str]:
        if not self._held:
            return self._serve
        numbers = ",".join(str(sock.fileno()) for sock in self._held.values())
        return [sys.executable, "-Ic", _ACTIVATE, numbers, ":".join(self._held), *self._serve]

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(STOP_SECONDS)

    def _serves(self, *, with_engine: bool) -> bool:
        if not self.running():
            raise AssertionError(f"the daemon ended:\n{self.log}")
        try:
            health = self.api.get("/v1/health").json
        except OSError:
            return False
        if not health.get("proxy") or (with_engine and not health.get("gateway")):
            return False
        self.proxy_port = int(health["proxy"][0].rpartition(":")[2])
        self._settings["PAAS_PROXY__HTTP"] = f"127.0.0.1:{self.proxy_port}"
        if with_engine and not self.installation:
            self.installation = self.engine.installation(health["gateway"])
        return True


@contextmanager
def running(daemon: Daemon) -> Iterator[Daemon]:
    """The daemon, started; nothing of it is left afterwards."""
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.wipe()


@contextmanager
def short_folder() -> Iterator[Path]:
    """A new folder whose path is short enough for a unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="paas-e2e-") as folder:
        yield Path(folder)


def free_port() -> int:
    """A TCP port of this host that nobody has now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
