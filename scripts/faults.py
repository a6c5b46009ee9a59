"""Faults and changes, one at a time, while a client asks 200 times a second and holds WebSockets.

    sudo .venv/bin/python -m scripts.faults [NAME ...] [--json]

For each: requests answered and failed, by what they failed, and WebSockets that ended. The
daemon, its service with three replicas and the load are those of the end-to-end tests.
"""

import argparse
import json
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from tests.e2e import apps
from tests.e2e.api import version_path
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.engine import RUN_LABEL, Engine
from tests.e2e.load import Load
from tests.e2e.waiting import until
from tests.e2e.websockets import silent_websockets, websockets
from tests.e2e.world import World

RATE = 200.0
WEBSOCKETS = 20
BEFORE, AFTER = 200, 600
"""Requests before the fault, and at least as many after it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    fault: str
    seconds: float
    answered: int
    failed: dict[str, int]
    websockets_ended: int


class Trial:
    """The service `app` under load, beside `talk`, which holds the WebSockets."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.app, self.talk = world.name(), world.name()
        self.other = world.name()
        world.deploy(self.app, "one", replicas={"min": 3, "max": 3})
        world.deploy(self.app, "two", replicas={"min": 3, "max": 3}, traffic="none")
        world.succeed(self.talk, silent_websockets(), replicas={"min": 1})
        world.deploy(self.other, "other", replicas={"min": 1})

    def replica(self) -> str:
        version = next(iter(self.world.api.service(self.app)["split"]))
        return str(self.world.api.replicas(version)[0]["id"])

    def engine(self, *words: str) -> None:
        self.world.engine.run(*words)

    def network(self) -> str:
        found = self.world.engine.inspect(self.replica())["NetworkSettings"]["Networks"]
        return str(next(iter(found)))

    def settle(self) -> None:
        """Until each version that gets traffic has its replicas ready."""

        def ready() -> bool:
            names = self.world.api.service(self.app)["split"]
            found = [self.world.api.replicas(name) for name in names]
            return all(len(r) >= 3 and all(x["state"] == "ready" for x in r) for r in found)

        until(ready, "all replicas are ready", seconds=60)


def disconnect(trial: Trial) -> None:
    trial.engine("network", "disconnect", "--force", trial.network(), trial.replica())


def switch(trial: Trial) -> None:
    for weight in (50, 100, 0):
        trial.world.api.split(trial.app, v1=100 - weight, v2=weight)
        time.sleep(1)


def scale(trial: Trial) -> None:
    path = version_path(f"{trial.app}-001")
    for size in (5, 3):
        answer = trial.world.api.patch(path, {"replicas": {"min": size, "max": size}})
        assert answer.status == 200, answer.text
        time.sleep(3)


def hang(trial: Trial) -> None:
    replica = trial.replica()
    trial.engine("pause", replica)
    time.sleep(5)
    trial.world.engine.run("unpause", replica, check=False)


def delete(trial: Trial) -> None:
    path = f"/v1/services/{trial.other}"
    assert trial.world.api.delete(path, confirm=trial.other).status == 204


def crash(trial: Trial) -> None:
    trial.world.daemon.kill9()
    trial.world.daemon.start()


FAULTS: dict[str, Callable[[Trial], object]] = {
    "replica killed": lambda t: t.engine("kill", t.replica()),
    "replica stopped": lambda t: t.engine("stop", t.replica()),
    "replica restarted": lambda t: t.engine("restart", t.replica()),
    "replica removed": lambda t: t.engine("rm", "-f", t.replica()),
    "replica's program killed": lambda t: t.engine("exec", t.replica(), "sh", "-c", "kill -9 -1"),
    "replica paused for 5 s": hang,
    "replica cut off the network": disconnect,
    "deployment": lambda t: t.world.deploy(t.app, "new", replicas={"min": 3, "max": 3}),
    "traffic moved": switch,
    "rollback": lambda t: t.world.api.post(f"/v1/services/{t.app}/rollback"),
    "scaled up and down": scale,
    "neighbour deleted": delete,
    "daemon restarted": lambda t: t.world.daemon.terminate() or t.world.daemon.start(),
    "daemon killed": crash,
}


def measure(trial: Trial, name: str) -> Outcome:
    trial.settle()
    port = trial.world.daemon.proxy_port
    with websockets(port, f"{trial.talk}.localhost", count=WEBSOCKETS) as sockets:
        with Load(port, f"{trial.app}.localhost", rate=RATE) as load:
            until(lambda: load.total > BEFORE, "traffic")
            began = time.monotonic()
            FAULTS[name](trial)
            seconds = time.monotonic() - began
            seen = load.total
            until(lambda: load.total > seen + AFTER, "traffic after it", seconds=60)
        ended = sum(_ended(one) for one in sockets)
    failed = {str(status): count for status, count in load.failures.items()}
    return Outcome(name, round(seconds, 1), load.statuses[200], failed, ended)


def _ended(one: socket.socket) -> bool:
    one.settimeout(0.01)
    try:
        return one.recv(16) is not None
    except TimeoutError:
        return False
    except OSError:
        return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(FAULTS))
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    unknown = set(asked.names) - set(FAULTS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are: {', '.join(FAULTS)}")
    outcomes = []
    with ExitStack() as stack:
        sock = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=4096))
        stack.callback(Engine().wipe, f"{RUN_LABEL}={apps.RUN}")
        data = stack.enter_context(short_folder())
        settings = {"PAAS_PROXY__HTTP": f"127.0.0.1:{sock.getsockname()[1]}"}
        daemon = stack.enter_context(running(Daemon(data, settings=settings, held={"http": sock})))
        trial = Trial(World(daemon))
        for name in asked.names or FAULTS:
            outcome = measure(trial, name)
            outcomes.append(outcome)
            if not asked.json:
                failed = sum(outcome.failed.values())
                print(
                    f"{name:28} {outcome.seconds:5.1f} s  {outcome.answered:5} answered  "
                    f"{failed:3} failed  {outcome.websockets_ended:2} of {WEBSOCKETS} "
                    f"WebSockets ended  {outcome.failed or ''}",
                    flush=True,
                )
    if asked.json:
        json.dump([asdict(one) for one in outcomes], sys.stdout, indent=2)


if __name__ == "__main__":
    threading.stack_size(256 * 1024)
    main()
