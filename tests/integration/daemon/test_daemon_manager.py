"""The daemon as a process under a service manager, played by this test; no engine."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CONFIG = """
data_dir: {folder}/data
docker: {{host: "unix://{folder}/no-engine.sock"}}
proxy: {{http: ["127.0.0.1:0"]}}
api: {{listen: ""}}
logs: {{level: {level}}}
"""


class Managed:
    """The daemon and what it says to its manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notices.bind(str(folder / "notify"))
        self.notices.settimeout(20)
        self.configure("info")
        self.process: subprocess.Popen[str] | None = None

    def configure(self, level: str) -> None:
        self.config.write_text(CONFIG.format(folder=self.folder, level=level))

    def start(self, **env: str) -> None:
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PAAS_")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "paas", "serve", "--config", str(self.config)],
            env=clean | {"NOTIFY_SOCKET": str(self.folder / "notify")} | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def hears(self, wanted: str) -> str:
        """The first notice with that in it."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            notice = self.notices.recv(4096).decode()
            if wanted in notice:
                return notice
        raise AssertionError(f"{wanted} was not told")

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def ended(self) -> tuple[int, str]:
        assert self.process is not None
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output


@pytest.fixture
def managed(tmp_path: Path) -> Iterator[Managed]:
    found = Managed(tmp_path)
    yield found
    found.notices.close()
    if found.process is not None and found.process.poll() is None:
        found.process.kill()
        found.process.communicate(timeout=10)


def test_it_says_when_it_serves_lives_reloads_and_stops(managed: Managed) -> None:
    managed.start(WATCHDOG_USEC="2000000")
    assert "STATUS=Serving on 127.0.0.1:" in managed.hears("READY=1")
    for _ in range(3):
        managed.hears("WATCHDOG=1")
    managed.configure("debug")
    managed.send(signal.SIGHUP)
    managed.hears("RELOADING=1")
    managed.hears("READY=1")
    managed.configure("nonsense")
    managed.send(signal.SIGHUP)
    managed.hears("READY=1")
    managed.send(signal.SIGTERM)
    managed.hears("STOPPING=1")
    code, output = managed.ended()
    assert code == 0
    assert "reloaded" in output
    assert "not reloaded, the old settings stay" in output
    assert "logs.level" in output


def test_a_hung_daemon_is_silent_and_tells_where_it_hung(managed: Managed) -> None:
    """SIGSTOP stops the loop as a blocked one would be; SIGABRT is the manager's answer."""
    managed.start(WATCHDOG_USEC="2000000")
    managed.hears("READY=1")
    managed.hears("WATCHDOG=1")
    managed.send(signal.SIGSTOP)
    managed.notices.settimeout(1)
    with contextlib.suppress(TimeoutError):
        for _ in range(3):  # those that were on their way
            managed.notices.recv(4096)
        raise AssertionError("it still says that it lives")
    managed.send(signal.SIGABRT)
    managed.send(signal.SIGCONT)
    code, output = managed.ended()
    assert code == -signal.SIGABRT
    assert "most recent call first" in output
    assert "in serve" in output or "uvloop" in output


def test_a_socket_that_it_has_no_use_for_is_refused(managed: Managed) -> None:
    managed.start(LISTEN_FDS="1", LISTEN_FDNAMES="http")
    code, output = managed.ended()
    assert code != 0
    assert "LISTEN_FDS is there without LISTEN_PID" in output


@pytest.mark.parametrize("host", ["127.0.0.1", "[::]"])
def test_systemds_own_activation_works(managed: Managed, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    serve = [sys.executable, "-m", "paas", "serve", "--config", str(managed.config)]
    managed.process = subprocess.Popen(
        [
            "systemd-socket-activate",
            f"--listen={host}:{port}",
            "--fdname=http",
            "--setenv=NOTIFY_SOCKET",
            *(f"--setenv={name}" for name in ("PATH", "HOME")),
            *serve,
        ],
        env=dict(os.environ) | {"NOTIFY_SOCKET": str(managed.folder / "notify")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert b"404" in _asked(port)
    assert f"Serving on {host}:{port}" in managed.hears("READY=1")
    managed.send(signal.SIGTERM)
    assert managed.ended()[0] == 0


def _asked(port: int) -> bytes:
    """The answer's first line, from whoever holds that port as soon as somebody does."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: nobody.localhost\r\n\r\n")
                return client.recv(200)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
