"""Replicas' output on its way out, and a program that writes without end."""

import json
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from tests.e2e import apps
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.waiting import until
from tests.e2e.world import World

MIB = 1024 * 1024
SECRET = "s3cret-value-6c1e0b52"
TALK = "echo one; echo two >&2; echo my key is $KEY"


@contextmanager
def draining_to(place: str, **settings: str) -> Iterator[World]:
    with short_folder() as data:
        daemon = Daemon(data, settings={"PAAS_LOGS__DRAIN": place, **settings})
        with running(daemon):
            yield World(daemon)


def test_output_arrives_as_syslog_datagrams() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        sink.bind(("127.0.0.1", 0))
        sink.settimeout(20)
        with draining_to(f"udp://127.0.0.1:{sink.getsockname()[1]}") as world:
            service = World.name()
            world.succeed(service, apps.web("x", before=TALK), secrets={"KEY": SECRET})
            found = [sink.recv(65536).decode() for _ in range(3)]
    head = r"<(\d+)>1 \d{4}-\S+Z \S+ " + re.escape(service) + r" \S+ (\w+) - (.*)"
    parsed = [re.fullmatch(head, one) for one in found]
    assert {one.groups() for one in parsed if one} == {
        ("134", "stdout", "one"),
        ("131", "stderr", "two"),
        ("134", "stdout", "my key is ***"),
    }


class _Taking(BaseHTTPRequestHandler):
    """Refuses the first request, takes the others."""

    lines: ClassVar[list[dict[str, str]]] = []
    refusals = 1

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if _Taking.refusals:
            _Taking.refusals -= 1
            self.send_error(500)
            return
        _Taking.lines += map(json.loads, body.splitlines())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args: object) -> None: ...


def test_output_arrives_over_http_though_it_was_refused_once() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Taking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with draining_to(f"http://127.0.0.1:{server.server_port}/in") as world:
            service = World.name()
            world.succeed(service, apps.web("x", before=TALK), secrets={"KEY": SECRET})
            until(lambda: len(_Taking.lines) >= 3, "all lines arrive")
        server.shutdown()
    assert [one["text"] for one in _Taking.lines if one["stream"] == "stdout"] == [
        "one",
        "my key is ***",
    ]
    assert {(one["service"], one["version"]) for one in _Taking.lines} == {
        (service, f"{service}-001")
    }


def _resident(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def test_a_flood_of_output_harms_nobody() -> None:
    limit = 2 * MIB
    settings = {"PAAS_LOGS__BYTES_PER_VERSION": str(limit)}
    with draining_to("tcp://127.0.0.1:9", **settings) as world:
        service = World.name()
        flood = "{ sleep 2; exec /bin/busybox yes flooding; } & true"
        world.succeed(service, apps.web("calm", before=flood))
        before = _resident(world.daemon.pid)
        logs = f"/v1/services/{service}/logs"
        marked = until(
            lambda: world.api.get(logs, q="lines dropped", stream="paas").json["items"],
            "a marker where lines were dropped",
            seconds=30,
            pause=1,
        )
        assert "lines dropped" in marked[0]["text"]
        assert world.body(service) == "calm"
        folder = world.daemon.data / "logs"
        assert sum(file.stat().st_size for file in folder.rglob("*.jsonl*")) < 1.5 * limit
        assert _resident(world.daemon.pid) - before < 40 * MIB
        until(lambda: _dropped(world) > 0, "the place that takes nothing costs lines", seconds=40)


def _dropped(world: World) -> int:
    """Lines that were not sent on."""
    told = world.api.get("/metrics").text
    found = re.search(r'paas_drain_lines_total\{outcome="dropped"\} (\d+)', told)
    assert found
    return int(found[1])
