"""What runs in containers reaches internal addresses and the internet, and nothing else."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.e2e import apps
from tests.e2e.daemon import Daemon, free_port, running, short_folder
from tests.e2e.waiting import until
from tests.e2e.world import World

GREETING = b"reached\n"
GREETER = """
import socket, sys
server = socket.create_server(("", int(sys.argv[1])))
while True:
    with server.accept()[0] as connection:
        connection.sendall(b"reached\\n")
"""
METADATA = "169.254.169.254"
OPEN = free_port()
OUTSIDE = "198.51.100.7"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """A daemon whose API listens everywhere, and that lets replicas reach `OPEN`."""
    settings = {"PAAS_API__LISTEN": "0.0.0.0:0", "PAAS_INTERNAL__HOST_PORTS": str(OPEN)}
    with short_folder() as data, running(Daemon(data, settings=settings)) as daemon:
        yield World(daemon)


@pytest.fixture(scope="module")
def replica(world: World) -> str:
    """A container to look out of."""
    name = World.name()
    world.deploy(name, "x")
    return world.replica(f"{name}-001")


def test_services_reach_each_other_by_internal_addresses_only(world: World, replica: str) -> None:
    name = World.name()
    world.deploy(name, "neighbour")
    inside = world.api.replicas(f"{name}-001")[0]["address"]
    assert not reaches(world, replica, *split(inside))
    host, port = split(world.api.service(name)["internal_address"])
    lines = "GET / HTTP/1.1", "Host: x", "Connection: close", ""
    ask = f"printf '%s\\r\\n' {' '.join(map(repr, lines))} | nc {host} {port}"
    assert "neighbour" in world.engine.run("exec", replica, "sh", "-c", ask)


def test_no_other_port_of_the_host(world: World, replica: str) -> None:
    gateway = str(world.api.get("/v1/health").json["gateway"])
    with greeter("0.0.0.0") as port:
        for address in (gateway, *host_addresses()):
            assert greeted(address, port), "from the host itself it must answer"
            assert not reaches(world, replica, address, port), address
    with greeter("127.0.0.1") as port:
        assert not reaches(world, replica, gateway, port)


def test_but_one_that_was_opened(world: World, replica: str) -> None:
    gateway = str(world.api.get("/v1/health").json["gateway"])
    with greeter("0.0.0.0", OPEN):
        assert reaches(world, replica, gateway, OPEN)


def test_not_the_control_api(world: World, replica: str) -> None:
    port = int(re.findall(r"api='[0-9.]+:([0-9]+)'", world.daemon.log)[-1])
    gateway = str(world.api.get("/v1/health").json["gateway"])
    with socket.create_connection((gateway, port), 5):
        pass
    assert not reaches(world, replica, gateway, port)


def test_not_metadata_though_the_internet(world: World, replica: str) -> None:
    with elsewhere() as port:
        assert reaches(world, replica, OUTSIDE, port)
        assert greeted(METADATA, port)
        assert not reaches(world, replica, METADATA, port)


def test_builds_neither(world: World, service: str) -> None:
    gateway = str(world.api.get("/v1/health").json["gateway"])
    with greeter("0.0.0.0") as port, elsewhere() as far:
        tries = [(gateway, port), (METADATA, far), (OUTSIDE, far)]
        shown = "; ".join(f"echo {host} $(nc -w 1 {host} {at} </dev/null)" for host, at in tries)
        ended = world.succeed(service, apps.web("x", build=f'RUN ["sh", "-c", "{shown}"]'))
    log = world.api.log(ended["id"]).splitlines()
    assert f"{OUTSIDE} reached" in log
    assert not [line for line in log if "reached" in line and OUTSIDE not in line]


def test_rules_that_somebody_removed_come_back(world: World, replica: str) -> None:
    gateway = str(world.api.get("/v1/health").json["gateway"])
    assert world.api.get("/v1/health").json["exposed"] == ""
    bridge = f"br-{network(world)[:12]}"
    words = ["-i", bridge, "-j", f"PAAS-{world.daemon.installation[:8]}-R-IN"]
    with greeter("0.0.0.0") as port:
        subprocess.run(["iptables", "-w", "5", "-D", "INPUT", *words], check=True, timeout=20)
        assert reaches(world, replica, gateway, port)
        world.daemon.restart()
        until(lambda: not reaches(world, replica, gateway, port), "the rules are back")


def test_a_network_removed_by_hand_comes_back_with_its_rules(service: str) -> None:
    """On a daemon of its own: the other tests' replica would lose its network."""
    with short_folder() as data, running(Daemon(data)) as daemon:
        _network_comes_back(World(daemon), service)


def _network_comes_back(world: World, service: str) -> None:
    gone = network(world)
    for container in world.containers():
        world.engine.run("network", "disconnect", "-f", gone, container, check=False)
    world.engine.run("network", "rm", gone)
    world.deploy(service, "again")
    assert world.body(service) == "again"
    assert network(world) != gone
    with greeter("0.0.0.0") as port:
        gateway = str(world.api.get("/v1/health").json["gateway"])
        assert not reaches(world, world.replica(f"{service}-001"), gateway, port)
    rules = subprocess.run(
        ["iptables", "-w", "5", "-S", "INPUT"], capture_output=True, text=True, check=True
    ).stdout
    assert f"br-{gone[:12]}" not in rules
    assert rules.count(f"PAAS-{world.daemon.installation[:8]}-R-IN") == 1


def reaches(world: World, container: str, host: str, port: int) -> bool:
    """Whether a connection from inside the container is answered."""
    ask = f"nc -w 2 {host} {port} </dev/null"
    return "reached" in world.engine.run("exec", container, "sh", "-c", ask, check=False)


def greeted(host: str, port: int) -> bool:
    with socket.create_connection((host, port), 5) as connection:
        return connection.recv(100) == GREETING


def split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)


def network(world: World) -> str:
    """The id of the replicas' network."""
    name = f"paas-{world.daemon.installation[:8]}"
    return world.engine.run("network", "inspect", "--format", "{{.Id}}", name)


def host_addresses() -> list[str]:
    found = subprocess.run(
        ["ip", "-4", "-o", "addr", "show", "scope", "global"],
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.split()[3].partition("/")[0] for line in found.stdout.splitlines()][:3]


@contextmanager
def greeter(host: str, port: int = 0) -> Iterator[int]:
    """A program of the host that greets whoever connects."""
    with socket.create_server((host, port)) as server:
        thread = threading.Thread(target=_greet, args=(server,), name="greeter")
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _greet(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection = server.accept()[0]
            with connection, suppress(OSError):
                connection.sendall(GREETING)


@contextmanager
def elsewhere() -> Iterator[int]:
    """Another machine behind this host, with a metadata address and an ordinary one."""
    space, port = f"paas{os.getpid() % 100000}", 8777
    near, far = f"{space}a", f"{space}b"
    try:
        _ip("netns", "add", space)
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", space)
        _ip("addr", "add", "198.51.100.1/24", "dev", near)
        _ip("link", "set", near, "up")
        _ip("route", "add", f"{METADATA}/32", "dev", near)
        for address in (f"{OUTSIDE}/24", f"{METADATA}/32"):
            _ip("-n", space, "addr", "add", address, "dev", far)
        _ip("-n", space, "link", "set", far, "up")
        _ip("-n", space, "route", "add", "default", "via", "198.51.100.1")
        serve = ["ip", "netns", "exec", space, sys.executable, "-c", GREETER, str(port)]
        process = subprocess.Popen(serve, stderr=subprocess.DEVNULL)
        try:
            until(lambda: _answers(port), "the other machine answers")
            yield port
        finally:
            process.kill()
            process.wait(10)
    finally:
        _ip("netns", "delete", space, check=False)
        _ip("link", "delete", near, check=False)


def _answers(port: int) -> bool:
    with suppress(OSError):
        return greeted(OUTSIDE, port)
    return False


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=not check, timeout=20)
