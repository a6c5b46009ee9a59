"""D1 and C1: starts of replicas, beside what the engine alone takes for the same.

The engine's own time is measured in turn with ours, with as many starts at once.
"""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from statistics import median, quantiles
from typing import Any

from benchmarks.bare_engine import BareEngine
from benchmarks.bench import Bench
from benchmarks.platform import Platform
from benchmarks.programs import Program
from benchmarks.results import US, Figures, Result, Target
from tests.e2e import apps
from tests.e2e.http_calls import get
from tests.e2e.waiting import until

AT_ONCE = (1, 5, 10)
PER_ROUND = 4
"""Samples of one start alone in each round; of several at once it is one."""
OK = 200


def d1(bench: Bench) -> Result:
    """From the accepted request to the first answer of the new version."""
    load = "image deployment"
    targets = (Target(load=load, figure="beyond ms", at_most=150),)
    result = Result(id="D1", title="deployment of an image that is there", targets=targets)
    site = _Site(bench)
    image = site.version["image"]
    for number in range(bench.rounds * PER_ROUND):
        engine = site.engine.start()
        ours = site.deployed(f"new{number}", image)
        figures = {"engine ms": engine, "ready ms": ours, "beyond ms": ours - engine}
        result.add(load, US, figures)
    return result


def c1(bench: Bench) -> Result:
    """One request each, at the same moment, to services that sleep."""
    alone = _named("zero", 1)
    targets = (
        Target(load=alone, figure="beyond p50 ms", at_most=30),
        Target(load=alone, figure="beyond p95 ms", at_most=60),
        *(Target(load=_named("zero", count), figure="errors", at_most=0) for count in AT_ONCE),
    )
    result = Result(id="C1", title="first answer of services that sleep", targets=targets)
    site = _Site(bench)
    site.add(max(AT_ONCE) - 1)
    for state, (put, alone_takes) in site.states.items():
        for count in AT_ONCE:
            samples = bench.rounds * (PER_ROUND if count == 1 else 1)
            result.add(_named(state, count), US, site.woken(count, samples, put, alone_takes))
    return result


class _Site:
    """A daemon with services `web0`, `web1`, … of the same small program.

    `states` are the ways to sleep: how a service is put to it, and what the engine alone
    takes to end it.
    """

    def __init__(self, bench: Bench) -> None:
        self._program: Program = bench.daemon(US)
        self._platform = Platform(bench.folder / US)
        self._platform.deploy("web0", apps.web("awake"))
        self.version = self._platform.api.version("web0-001")
        self.engine = BareEngine(self.version, installation=self._platform.installation)
        self.states: dict[str, tuple[Callable[[str], None], Callable[[], float]]] = {
            "zero": (self._to_zero, self.engine.start)
        }

    def add(self, more: int) -> None:
        for number in range(1, more + 1):
            self.deployed(f"web{number}", self.version["image"], keep=True)

    def deployed(self, service: str, image: str, *, keep: bool = False) -> float:
        """Milliseconds from the acceptance of a deployment to the first answer."""
        api = self._platform.api
        spec = {"create": True, "source": {"type": "image", "image": image}}
        answer = api.post(f"/v1/services/{service}/deployments", spec)
        begun = time.perf_counter()
        assert answer.status == 202, answer.text
        until(lambda: self._ask(service) == OK, f"{service} answers", pause=0.001)
        taken = (time.perf_counter() - begun) * 1e3
        self._platform.succeeded(answer.json["id"])
        if not keep:
            self._platform.delete(service)
        return taken

    def woken(
        self,
        count: int,
        samples: int,
        put: Callable[[str], None],
        alone_takes: Callable[[], float],
    ) -> Figures:
        """First answers and the engine's own times, over all samples; `own` is what is
        left of an answer's time without the daemon's calls of the engine.
        """
        names = [f"web{number}" for number in range(count)]
        asks = [partial(self._first, name) for name in names]
        engine: list[float] = []
        ours: list[float] = []
        own: list[float] = []
        for _ in range(samples):
            for name in names:
                put(name)
            engine += _at_once([alone_takes] * count)
            before = [self._started(name)["id"] for name in names]
            for name, last, taken in zip(names, before, _at_once(asks), strict=True):
                if taken >= 0:
                    ours.append(taken)
                    own.append(taken - self._in_engine(name, after=last))
        return {
            "engine p50 ms": median(engine),
            "p50 ms": median(ours),
            "p95 ms": _p95(ours),
            "beyond p50 ms": median(ours) - median(engine),
            "beyond p95 ms": _p95(ours) - _p95(engine),
            "own p50 ms": median(own),
            "own p95 ms": _p95(own),
            "errors": count * samples - len(ours),
        }

    def _started(self, service: str) -> dict[str, Any]:
        """The newest start of one of its replicas, as the daemon told it."""
        events = self._platform.api.items(f"/v1/services/{service}/events")
        return next(event for event in events if event["kind"] == "replica.started")

    def _in_engine(self, service: str, *, after: int) -> float:
        """Milliseconds that the engine took for the start after that one."""
        until(lambda: self._started(service)["id"] != after, "the start is told")
        told = self._started(service)["data"]
        return float(told["create_seconds"] + told["start_seconds"]) * 1e3

    def _to_zero(self, service: str) -> None:
        path, version = f"/v1/services/{service}", f"{service}-001"
        api = self._platform.api
        assert api.patch(path, {"idle": {"stop_after": 1}}).status == OK
        until(lambda: api.version(version)["condition"] == "zero", f"{version} sleeps")
        label = f"paas.service={service}"
        until(lambda: not self._platform.engine.containers(label), "its containers are gone")
        assert api.patch(path, {"idle": {"stop_after": 3600}}).status == OK

    def _first(self, service: str) -> float:
        """Milliseconds to the whole first answer; negative for an error."""
        begun = time.perf_counter()
        status = self._ask(service)
        return (time.perf_counter() - begun) * 1e3 if status == OK else -1.0

    def _ask(self, service: str) -> int:
        return get("127.0.0.1", self._program.port, name=f"{service}.localhost").status


def _at_once(calls: Sequence[Callable[[], float]]) -> list[float]:
    """All begin at the same moment."""
    gate = threading.Barrier(len(calls))

    def call(one: Callable[[], float]) -> float:
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def _p95(values: list[float]) -> float:
    return quantiles(values, n=20, method="inclusive")[-1] if len(values) > 1 else values[0]


def _named(state: str, count: int) -> str:
    return f"{count} at {state}"
