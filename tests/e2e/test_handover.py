"""Restarts while the listening sockets stay open in another process: nothing is lost."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.load import WORKERS, Load
from tests.e2e.waiting import until
from tests.e2e.websockets import silent_websockets, websockets
from tests.e2e.world import World

RATE = 200.0
WEBSOCKETS = 5
_GOING_AWAY = b"\x88\x02\x03\xe9"
"""An unmasked close frame with code 1001."""


@pytest.fixture
def held() -> Iterator[World]:
    """A daemon whose proxy socket this process holds."""
    with ExitStack() as stack:
        sock = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=4096))
        data = stack.enter_context(short_folder())
        port = sock.getsockname()[1]
        settings = {"PAAS_PROXY__HTTP": f"127.0.0.1:{port}"}
        daemon = stack.enter_context(running(Daemon(data, settings=settings, held={"http": sock})))
        yield World(daemon)


@pytest.mark.timeout(120)
def test_an_orderly_restart_loses_no_request_and_says_goodbye_to_websockets(held: World) -> None:
    service, talk = held.name(), held.name()
    held.deploy(service, "one", replicas={"min": 1})
    held.succeed(talk, silent_websockets(), replicas={"min": 1})
    port = held.daemon.proxy_port
    with websockets(port, f"{talk}.localhost", count=WEBSOCKETS) as sockets:
        with Load(port, f"{service}.localhost", rate=RATE) as load:
            for _ in range(2):
                _pass(load, 100)
                assert held.daemon.terminate() == 0
                held.daemon.start()
            _pass(load, 100)
        assert load.failures == {}
        assert [_farewell(one) for one in sockets] == [_GOING_AWAY] * WEBSOCKETS


@pytest.mark.timeout(120)
def test_a_killed_daemon_loses_only_what_was_under_way(held: World) -> None:
    service = held.name()
    held.deploy(service, "one", replicas={"min": 1})
    with Load(held.daemon.proxy_port, f"{service}.localhost", rate=RATE) as load:
        _pass(load, 100)
        held.daemon.kill9()
        before = sum(load.failures.values())
        held.daemon.start()
        _pass(load, 100)
    # a worker has one request at a time: under way, or next on a connection that is gone
    assert before <= WORKERS
    assert sum(load.failures.values()) <= WORKERS


@pytest.mark.timeout(60)
def test_a_slow_request_is_finished_while_newcomers_are_served(held: World) -> None:
    service = held.name()
    held.deploy(service, "one", replicas={"min": 1})
    slow: list[str] = []
    asking = threading.Thread(target=lambda: slow.append(held.body(service, "/cgi-bin/slow?3")))
    asking.start()
    until(lambda: _in_flight(held, service) == 1, "the slow request is under way")
    process = held.daemon.begin_to_end()
    until(lambda: "stopping" in held.daemon.log, "the daemon stops")
    assert held.body(service) == "one"
    assert not slow
    asking.join(20)
    assert slow == ["one"]
    assert process.wait(20) == 0
    held.daemon.start()


@pytest.mark.timeout(60)
def test_a_start_costs_less_than_a_second_until_the_first_answer(held: World) -> None:
    """In processor time, which is what it takes where nobody else is busy."""
    service = held.name()
    held.deploy(service, "one", replicas={"min": 1})
    assert held.daemon.terminate() == 0
    answered = threading.Thread(target=held.body, args=(service,))
    answered.start()
    held.daemon.start(with_engine=False)
    answered.join(20)
    assert not answered.is_alive()
    assert _processor_seconds(held.daemon.pid) < 1.0


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _in_flight(world: World, service: str) -> int:
    return sum(one["in_flight"] for one in world.api.replicas(f"{service}-001"))


def _pass(load: Load, more: int) -> None:
    total = load.total + more
    until(lambda: load.total >= total, f"{total} requests", seconds=30)


def _farewell(sock: socket.socket) -> bytes:
    found = b""
    while len(found) < len(_GOING_AWAY) and (piece := sock.recv(4096)):
        found += piece
    return found
