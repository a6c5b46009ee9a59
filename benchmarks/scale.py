"""M1 and K1: what the daemon needs for services that nobody calls."""

import http.client
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from statistics import median

from benchmarks.bench import Bench
from benchmarks.peers import HOST, daemon
from benchmarks.platform import Platform
from benchmarks.programs import Program
from benchmarks.results import US, Figures, Result, Target
from benchmarks.seeding import seed
from tests.e2e.waiting import until

VERSIONS = 10
RESTING = 50
STORED = (250, 500, 1000)
_SETTLE = 5.0
_IDLE_SECONDS = 30.0
_CALLS = 15
_LOOK = 0.5
OK = 200


def m1(bench: Bench) -> Result:
    """Start to the first proxied request, then silence."""
    load = f"{RESTING} services at zero"
    targets = (
        Target(load=load, figure="MiB", at_most=80),
        Target(load=load, figure="core %", at_most=0.5),
        Target(load=load, figure="start s", at_most=1.0),
    )
    result = Result(id="M1", title="an idle daemon", targets=targets)
    for number in range(bench.rounds):
        with _started(bench, f"{US}{number}", RESTING) as (program, seconds):
            Platform(bench.folder / program.name)
            time.sleep(_SETTLE)
            before = program.cpu_seconds
            time.sleep(_IDLE_SECONDS)
            spent = program.cpu_seconds - before
            result.add(
                load,
                US,
                {
                    "start s": seconds,
                    "MiB": program.resident / 2**20,
                    "core %": spent / _IDLE_SECONDS * 100,
                },
            )
    return result


def k1(bench: Bench) -> Result:
    """Start-up and calls of the API with ever more services in the store."""
    most = _named(STORED[-1])
    calls = ("list ms", "service ms", "versions ms", "version ms", "events ms")
    targets = (
        *(Target(load=most, figure=one, at_most=50) for one in calls),
        Target(load=most, figure="start s", at_most=3.0),
        Target(load="growth beyond linear", figure="list ms", at_most=1.25),
        Target(load="growth beyond linear", figure="start s", at_most=1.25),
    )
    result = Result(id="K1", title=f"services × {VERSIONS} versions in the store", targets=targets)
    for number in range(bench.rounds):
        for count in STORED:
            name = f"{US}{count}-{number}"
            with _started(bench, name, count) as (program, seconds):
                result.add(_named(count), US, {"start s": seconds, **_calls(bench, program, count)})
        result.add("growth beyond linear", US, _growth(result))
    return result


@contextmanager
def _started(bench: Bench, name: str, services: int) -> Iterator[tuple[Program, float]]:
    """A daemon on a store with so many services, and the seconds from its start to the
    first answer of a replica through it.
    """
    seed(bench.folder / name / "paas.db", services=services, versions=VERSIONS)
    begun = time.monotonic()
    with daemon(name, bench.folder, bench.backend.port) as program:
        until(lambda: _status(program.port) == OK, "a request is answered", pause=0.002)
        yield program, time.monotonic() - begun


def _status(port: int) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        connection.request("GET", "/", headers={"Host": HOST})
        return connection.getresponse().status


def _calls(bench: Bench, program: Program, count: int) -> Figures:
    platform = Platform(bench.folder / program.name)
    until(lambda: _rests(program), "its internal addresses are open", seconds=60)
    one = f"/v1/services/seed{count // 2}"
    version = f"{one}/versions/seed{count // 2}-{VERSIONS:03d}"
    paths = {
        "list ms": "/v1/services",
        "service ms": one,
        "versions ms": f"{one}/versions",
        "version ms": version,
        "events ms": f"{one}/events",
    }
    figures = {name: _milliseconds(platform, path) for name, path in paths.items()}
    return figures | {"MiB": program.resident / 2**20}


def _rests(program: Program) -> bool:
    before = program.cpu_seconds
    time.sleep(_LOOK)
    return program.cpu_seconds - before < _LOOK / 5


def _milliseconds(platform: Platform, path: str) -> float:
    seconds = []
    for _ in range(_CALLS):
        begun = time.perf_counter()
        answer = platform.api.get(path)
        seconds.append(time.perf_counter() - begun)
        assert answer.status == 200, answer.text
    return median(seconds) * 1e3


def _growth(result: Result) -> Figures:
    """How many times as much the most cost as the fewest, per service."""
    few, most = (result.rounds[_named(count)][US][-1] for count in (STORED[0], STORED[-1]))
    more = STORED[-1] / STORED[0]
    return {name: most[name] / few[name] / more for name in ("list ms", "start s", "MiB")}


def _named(count: int) -> str:
    return f"{count:,} services"
