"""A daemon of the scenario's own, on the engine of this machine, and what is done with it.

What the engine did is read from the engine's own events, not from the daemon's.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scenarios import program
from benchmarks.scenarios.load import Crowd
from tests.e2e.apps import RUN
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.engine import RUN_LABEL, Engine
from tests.e2e.waiting import until
from tests.e2e.world import World

_FORMAT = '{{.TimeNano}} {{.Action}} {{.ID}} {{index .Actor.Attributes "paas.service"}}'
MEMORY = "32MiB"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something the engine did: `create`, `start`, `pause`, `unpause`, `die`, `destroy` …;
    `at` is wall-clock seconds.
    """

    at: float
    action: str
    replica: str
    service: str


class Stage:
    """Deploys the program under new names and watches."""

    def __init__(self, world: World, acts: Path) -> None:
        self.world = world
        self._acts = acts
        self._image = ""

    def deploy(self, **spec: Any) -> str:
        """A new service; its only version is ready."""
        service, settings = World.name(), {"memory": MEMORY, **spec}
        if not self._image:
            self.world.succeed(service, program.source(), **settings)
            self._image = str(self.world.api.version(f"{service}-001")["image"])
            return service
        image = {"type": "image", "image": self._image}
        wanted = {"create": True, "source": image, **settings}
        answer = self.world.api.post(f"/v1/services/{service}/deployments", wanted)
        assert answer.status == 202, answer.text
        ended = self.world.api.ended(answer.json["id"])
        assert ended["status"] == "succeeded", (ended, self.world.api.log(ended["id"]))
        return service

    def asleep(self, **spec: Any) -> str:
        """A new service at zero."""
        service = self.deploy(**spec)
        self.to_zero(service)
        return service

    def to_zero(self, *services: str) -> None:
        """They sleep, and nothing of them is left on the engine."""
        self._idle(services, {"freeze_after": 0, "stop_after": 1})
        for service in services:
            self.gone(service)
        self._idle(services, {"freeze_after": 0, "stop_after": 3600})

    def gone(self, service: str) -> None:
        """Wait until it is at zero and nothing of it is left on the engine."""
        until(lambda: self.condition(service) == "zero", f"{service} at zero")
        until(lambda: not self.world.containers(service), f"{service} has left")

    def to_ice(self, service: str) -> None:
        """Its last replica is frozen."""
        self._idle([service], {"freeze_after": 1, "stop_after": 3600})
        until(lambda: self.condition(service) == "idle", f"{service} frozen")
        until(lambda: self.states(service) == ["frozen"], f"{service} frozen")
        self._idle([service], {"freeze_after": 3600, "stop_after": 7200})

    def idle(self, service: str, **seconds: float) -> None:
        self._idle([service], seconds)

    def condition(self, service: str) -> str:
        return self.world.condition(f"{service}-001")

    def states(self, service: str) -> list[str]:
        return [str(one["state"]) for one in self.world.api.replicas(f"{service}-001")]

    def ready(self, service: str, count: int, *, seconds: float = 30.0) -> None:
        """Exactly so many replicas, all ready."""
        until(
            lambda: self.states(service) == ["ready"] * count,
            f"{service} has {count} ready",
            seconds=seconds,
        )

    def crowd(self, service: str) -> Crowd:
        """Through the proxy."""
        return Crowd(("127.0.0.1", self.world.daemon.proxy_port), f"{service}.localhost")

    def straight(self, service: str) -> Crowd:
        """To its only replica, with nobody between."""
        (replica,) = self.world.api.replicas(f"{service}-001")
        host, _, port = str(replica["address"]).rpartition(":")
        return Crowd((host, int(port)), f"{service}.localhost")

    def acts(self, service: str, action: str = "", *, since: float = 0.0) -> list[Act]:
        """What the engine did to replicas of that service since then (wall clock)."""
        found = [_act(line) for line in self._acts.read_text().splitlines()]
        return [
            one
            for one in found
            if one.service == service and action in ("", one.action) and one.at >= since
        ]

    # ---- private

    def _idle(self, services: Any, seconds: dict[str, float]) -> None:
        for service in services:
            answer = self.world.api.patch(f"/v1/services/{service}", {"idle": seconds})
            assert answer.status == 200, answer.text


@contextmanager
def stage(**settings: str) -> Iterator[Stage]:
    """A daemon with those settings more (`PAAS_…`); nothing of it stays."""
    with ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        stack.callback(Engine().wipe, f"{RUN_LABEL}={RUN}")
        daemon = stack.enter_context(running(Daemon(folder, settings=settings)))
        acts = folder / "acts"
        stack.enter_context(_watched(daemon.installation, acts))
        yield Stage(World(daemon), acts)


# ---- private


def _act(line: str) -> Act:
    nanos, action, replica, service = f"{line} ".split(" ")[:4]
    return Act(at=int(nanos) / 1e9, action=action, replica=replica, service=service)


@contextmanager
def _watched(installation: str, into: Path) -> Iterator[None]:
    filters = ["type=container", f"label=paas.installation={installation}"]
    arguments = [word for one in filters for word in ("--filter", one)]
    since = ["--since", f"{time.time():.0f}"]
    with into.open("wb") as output:
        watcher = subprocess.Popen(
            ["docker", "events", *since, *arguments, "--format", _FORMAT], stdout=output
        )
        try:
            yield
        finally:
            watcher.terminate()
            watcher.wait(10)
