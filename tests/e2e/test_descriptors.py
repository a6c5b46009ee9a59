"""A daemon that may have few descriptors, and those who want them all."""

import http.client
import os
import socket
import time
from contextlib import ExitStack, closing, suppress
from pathlib import Path

from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.http_calls import send
from tests.e2e.waiting import until
from tests.e2e.world import World

DESCRIPTORS = 256
TICKS = os.sysconf("SC_CLK_TCK")


def test_descriptors_run_out(service: str) -> None:
    """Whoever may open the API's socket takes them all, and visitors come besides."""
    with short_folder() as data, running(Daemon(data, descriptors=DESCRIPTORS)) as daemon:
        world = World(daemon)
        world.deploy(service, "still there", replicas={"min": 1})
        with ExitStack() as held:
            visitor = held.enter_context(
                closing(http.client.HTTPConnection("127.0.0.1", daemon.proxy_port, timeout=30))
            )
            answer = send(visitor, "GET", "/", headers={"Host": f"{service}.localhost"})
            assert answer.status == 200
            for number in range(2 * DESCRIPTORS):
                api = held.enter_context(socket.socket(socket.AF_UNIX))
                api.setblocking(False)
                with suppress(BlockingIOError):  # the daemon's queue is full
                    api.connect(str(data / "api.sock"))
                if number % 4 == 0:
                    address = (f"127.0.1.{number // 4 % 250 + 1}", 0)
                    proxy = ("127.0.0.1", daemon.proxy_port)
                    held.enter_context(socket.create_connection(proxy, 5, address))
            until(lambda: "accepting pauses" in daemon.log, "descriptors have run out")
            used = _seconds(daemon.pid)
            for _ in range(20):
                answer = send(visitor, "GET", "/", headers={"Host": f"{service}.localhost"})
                assert (answer.status, answer.text.strip()) == (200, "still there")
                time.sleep(0.1)
            assert _seconds(daemon.pid) - used < 1.0
        assert world.body(service) == "still there"
        until(lambda: world.api.get("/v1/health").status == 200, "the API answers")
        world.deploy(service, "and on")
        assert world.body(service) == "and on"
        assert "Traceback" not in daemon.log


def _seconds(pid: int) -> float:
    """Of CPU that the process used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS
