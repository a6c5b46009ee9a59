"""A daemon that may have few descriptors, and those who want them all."""

import os
import socket
import time
from contextlib import ExitStack
from pathlib import Path

from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.waiting import until
from tests.e2e.world import World

DESCRIPTORS = 256
TICKS = os.sysconf("SC_CLK_TCK")


def test_who_opens_the_api_does_not_shut_visitors_out(service: str) -> None:
    """He takes all connections that he gets, and visitors come besides."""
    with short_folder() as data, running(Daemon(data, descriptors=DESCRIPTORS)) as daemon:
        world = World(daemon)
        world.deploy(service, "still there", replicas={"min": 1})
        with ExitStack() as held:
            for number in range(2 * DESCRIPTORS):
                held.enter_context(_to_api(data))
                if number % 16 == 0:
                    address = (f"127.0.1.{number // 16 + 1}", 0)
                    proxy = ("127.0.0.1", daemon.proxy_port)
                    held.enter_context(socket.create_connection(proxy, 5, address))
            begun, used = time.monotonic(), _seconds(daemon.pid)
            for _ in range(20):
                assert world.body(service) == "still there"
            told = held.enter_context(_to_api(data)).recv(4096)
            assert b"too_many_connections" in told
            time.sleep(2)  # it does not turn in circles meanwhile
            assert _seconds(daemon.pid) - used < (time.monotonic() - begun) / 2
        until(lambda: world.api.get("/v1/health").status == 200, "the API answers")
        world.deploy(service, "and on")
        assert world.body(service) == "and on"
        assert "Traceback" not in daemon.log


def _to_api(data: Path) -> socket.socket:
    api = socket.socket(socket.AF_UNIX)
    api.settimeout(5)
    until(lambda: _connected(api, str(data / "api.sock")), "it is connected")
    return api


def _connected(own: socket.socket, path: str) -> bool:
    """False while the daemon's queue is full."""
    try:
        own.connect(path)
    except BlockingIOError:
        return False
    return True


def _seconds(pid: int) -> float:
    """Of CPU that the process used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
