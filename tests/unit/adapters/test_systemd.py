"""What the service manager is told and hands over, with real sockets and processes."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from paas.adapters.systemd import FIRST, Manager, Watch, handed_over, manager
from paas.errors import Invalid


@pytest.fixture(params=["path", "abstract"])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """An address and the socket behind it."""
    path = f"{tmp_path}/notify" if request.param == "path" else f"@paas-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path.replace("@", "\0") if path.startswith("@") else path)
        sock.settimeout(5)
        yield path, sock


def test_each_message_is_one_datagram(told: tuple[str, socket.socket]) -> None:
    address, sock = told
    manager = Manager(address)
    manager.ready("Serving.")
    manager.status("two\nlines")
    manager.alive()
    manager.reloading()
    manager.stopping("Bye.")
    seen = [sock.recv(4096).decode().split("\n") for _ in range(5)]
    assert seen[:3] == [["READY=1", "STATUS=Serving."], ["STATUS=two lines"], ["WATCHDOG=1"]]
    assert seen[3][0] == "RELOADING=1"
    assert seen[3][1].removeprefix("MONOTONIC_USEC=").isdigit()
    assert seen[4] == ["STOPPING=1", "STATUS=Bye."]


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody-listens-here"])
def test_nobody_there_is_no_error(address: str) -> None:
    Manager(address).ready("Serving.")


def test_a_manager_that_does_not_read_stops_nobody(told: tuple[str, socket.socket]) -> None:
    manager = Manager(told[0])
    for _ in range(5000):
        manager.alive()


async def test_the_loop_feeds_the_watchdog(told: tuple[str, socket.socket]) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await Watch(manager=Manager(told[0]), period=20).run(pause)
    assert pauses == [5.0] * 3
    assert [told[1].recv(100) for _ in pauses] == [b"WATCHDOG=1"] * 3


def test_the_environment_is_read_and_forgotten() -> None:
    env = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "", "A": "b"}
    assert manager(env).period == 30.0
    assert env == {"A": "b"}
    mine = {"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}
    assert manager(mine).period == 1.0
    assert manager({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).period is None
    assert manager({}).period is None
    with pytest.raises(Invalid, match="WATCHDOG_USEC is 'soon'"):
        manager({"WATCHDOG_USEC": "soon"})


STALL = """
import asyncio, time
from paas.adapters.systemd import Manager, Watch

def the_blocked_one():
    time.sleep(1)

async def main():
    task = asyncio.create_task(Watch(manager=Manager(""), period=0.4).run(asyncio.sleep))
    await asyncio.sleep(0.5)
    the_blocked_one()
    task.cancel()

asyncio.run(main())
"""


def test_a_blocked_loop_is_told_with_its_stack() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STALL], capture_output=True, text=True, timeout=30, check=True
    )
    assert "Timeout" in done.stderr
    assert "the_blocked_one" in done.stderr
    assert done.stderr.count("most recent call first") == 1


# ---- sockets, in a process of their own: their numbers are fixed

SHOW = """
import os, sys
from paas.adapters.systemd import handed_over
from paas.errors import PaasError
os.environ.update(LISTEN_PID=str(os.getpid()))
try:
    for held, sock in handed_over(os.environ):
        print(held.name, held, os.get_inheritable(sock.fileno()), sock.getblocking())
except PaasError as error:
    print(error.code, error)
print([name for name in os.environ if name.startswith("LISTEN_")])
"""


def show(*given: socket.socket, count: str, names: str | None = None) -> list[str]:
    """What `handed_over` says in a process where these are descriptors 3 and up."""
    place = "import os, sys\n" + "".join(
        f"os.dup2({sock.fileno()}, {100 + index})\n" for index, sock in enumerate(given)
    )
    place += "".join(f"os.dup2({100 + i}, {FIRST + i})\n" for i in range(len(given)))
    env = {"PATH": os.environ["PATH"], "LISTEN_FDS": count, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", place + SHOW],
        env=env | ({"LISTEN_FDNAMES": names} if names is not None else {}),
        pass_fds=[sock.fileno() for sock in given],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    return done.stdout.splitlines()


def test_sockets_come_with_name_and_address_and_stay_ours() -> None:
    with ExitStack() as stack:
        one = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        two = stack.enter_context(socket.create_server(("::1", 0), family=socket.AF_INET6))
        ports = [sock.getsockname()[1] for sock in (one, two)]
        assert show(one, two, count="2", names="http:https") == [
            f"http 127.0.0.1:{ports[0]} False False",
            f"https [::1]:{ports[1]} False False",
            "[]",
        ]
        assert show(one, count="1") == [f" 127.0.0.1:{ports[0]} False False", "[]"]


@pytest.mark.parametrize(
    ("count", "names", "problem"),
    [
        ("x", None, "LISTEN_FDS is 'x', no number"),
        ("-1", None, "LISTEN_FDS is '-1', no number"),
        ("65", None, "LISTEN_FDS is 65, more than 64"),
        ("1", "a:b", "LISTEN_FDNAMES 'a:b' does not name 1 sockets"),
        ("1", "a\x01", "LISTEN_FDNAMES 'a\\x01' does not name 1 sockets"),
    ],
)
def test_a_wrong_announcement_is_refused(count: str, names: str | None, problem: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        first, left = show(sock, count=count, names=names)
    assert first.startswith("bad_activation")
    assert problem in first
    assert left == "[]"


def test_what_is_no_listening_tcp_socket_is_refused() -> None:
    with ExitStack() as stack:
        datagrams = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent = stack.enter_context(socket.socket())
        local = stack.enter_context(socket.socket(socket.AF_UNIX))
        for sock in (datagrams, silent, local):
            assert "3 (no name) is no listening TCP socket" in show(sock, count="1")[0]
        file = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        assert "descriptor 4 (b): Bad file descriptor" in show(file, count="2", names="a:b")[0]


def test_sockets_for_another_process_are_left_alone() -> None:
    assert handed_over({"LISTEN_FDS": "1", "LISTEN_PID": "1"}) == []
    assert handed_over({"LISTEN_FDS": "0", "LISTEN_PID": str(os.getpid())}) == []
    assert handed_over({}) == []
    with pytest.raises(Invalid, match="without LISTEN_PID"):
        handed_over({"LISTEN_FDS": "1"})
