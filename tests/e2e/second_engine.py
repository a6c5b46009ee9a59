"""A Docker Engine of the tests' own, beside the host's, which they may kill."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.engine import Engine
from tests.e2e.waiting import until

START_SECONDS = 30.0


class SecondEngine:
    """A `dockerd` with its own directories and socket, and no firewall rules: those of the
    host's engine stay as they are. It shares docker0, which `--bridge none` would remove
    from under the host's engine. Its `containerd` is a process of its own, as on a server,
    and lives until `close`.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        """`options` are more of the command line."""
        self._folder = folder
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._runtime: subprocess.Popen[bytes] | None = None
        self._runtime_socket = folder / "containerd.sock"
        self.host = f"unix://{folder}/docker.sock"
        self.cli = Engine(self.host)

    def start(self) -> None:
        if self._runtime is None:
            self._runtime = self._start_runtime()
        words = [
            "dockerd",
            *("--data-root", str(self._folder / "data")),
            *("--exec-root", str(self._folder / "exec")),
            *("--pidfile", str(self._folder / "pid")),
            *("--host", self.host),
            *("--containerd", str(self._runtime_socket)),
            *("--default-address-pool", "base=10.213.0.0/16,size=24"),
            "--iptables=false",
            "--ip6tables=false",
            *self._options,
        ]
        (self._folder / "pid").unlink(missing_ok=True)
        self._process = self._run(words)
        until(self._answers, "the second engine answers", seconds=START_SECONDS)

    def _start_runtime(self) -> "subprocess.Popen[bytes]":
        config = self._folder / "containerd.toml"
        config.write_text(
            f'version = 2\nroot = "{self._folder}/runtime"\nstate = "{self._folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{self._runtime_socket}"\n'
        )
        process = self._run(["containerd", "--config", str(config)])
        until(self._runtime_socket.exists, "the runtime listens", seconds=START_SECONDS)
        return process

    def _run(self, words: list[str]) -> "subprocess.Popen[bytes]":
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def ensure(self) -> None:
        """Start it unless it runs."""
        if self._process is None:
            self.start()

    def kill9(self) -> None:
        """End it at once; its containers' programs run on."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Meanwhile it hangs: connections are accepted and nothing is answered."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self._process.pid, signal.SIGCONT)

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(30)
        self._process = None

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise AssertionError((self._folder / "log").read_text()[-3000:])
        return bool(self.cli.run("version", "--format", "{{.Server.Version}}", check=False))

    def close(self) -> None:
        """End it with all that it runs."""
        self.ensure()
        for container in self.cli.containers():
            self.cli.run("rm", "-f", container, check=False)
        for network in self.cli.networks("paas.installation"):
            self.cli.run("network", "rm", network, check=False)
        self.stop()
        assert self._runtime is not None
        self._runtime.terminate()
        self._runtime.wait(30)
        for point in self._mounts():
            subprocess.run(["umount", "-l", point], check=False, timeout=30)

    def _mounts(self) -> list[str]:
        """What an engine that was killed leaves mounted, the innermost first."""
        points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        return sorted((one for one in points if one.startswith(str(self._folder))), reverse=True)


@contextmanager
def second_engine(folder: Path, *options: str) -> Iterator[SecondEngine]:
    engine = SecondEngine(folder, *options)
    try:
        engine.start()
        yield engine
    finally:
        engine.close()
