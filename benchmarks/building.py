"""P8: what a large build does to the requests that are served meanwhile.

Once with P1's own load, and once at a fixed rate far below what the proxy can do: under
full load the latency mostly says how long the queue is, and at a low rate each hiccup of
the machine shows. The same builds then go on beside nginx: what that loses is the
machine's doing, not ours. Loader and backend stand for
other machines and go before the builds; the daemon has the CPU weight that
systemd/paas.service gives it, and is measured without it, too.
"""

import os
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchmarks.bench import Bench
from benchmarks.loaders import Load, run_wrk
from benchmarks.platform import Platform
from benchmarks.programs import LOAD_CORE, Program, first, weighted
from benchmarks.results import US, Figures, Result, Target
from tests.e2e import apps
from tests.e2e.api import multipart
from tests.e2e.waiting import until

FILES = 300
FILE_BYTES = 1_000_000
STEADY = "function delay() return math.random(0, 60) end"
"""64 connections with pauses of 30 ms on average ask 2,000 times a second."""
WORK = 'RUN ["sh", "-c", "cat /context/* | tail -c 1 >/last"]'
WEIGHT = 1000
_PLAIN = f"{US}, usual weight"


def p8(bench: Bench) -> Result:
    """Each subject with and without builds under way, in turn."""
    full, steady = Load(name="P1's load"), Load(name="2,000 requests/s", extra=STEADY)
    targets = (
        Target(load=full.name, figure="p99 ms", peer=_quiet(US), at_most=2.0),
        Target(load=full.name, figure="errors", at_most=0),
        Target(load=steady.name, figure="errors", at_most=0),
    )
    result = Result(id="P8", title="P1 while 300 MB are built", targets=targets)
    subjects = bench.peers("nginx")
    first(bench.backend.pid)
    os.sched_setaffinity(0, {LOAD_CORE})
    builds = Builds(Platform(bench.folder / US))
    seconds = max(bench.seconds, builds.once()["all s"])

    def measure(name: str, program: Program) -> None:
        for load in (full, steady):
            result.add(load.name, _quiet(name), _measure(bench, load, program, seconds=seconds))
            with builds.under_way():
                result.add(load.name, name, _measure(bench, load, program, seconds=seconds))

    for _ in range(bench.rounds):
        with weighted(subjects[US], WEIGHT):
            measure(US, subjects[US])
        measure(_PLAIN, subjects[US])
        measure("nginx", subjects["nginx"])
    for figures in builds.seen:
        result.add("the build", US, figures)
    return result


class Builds:
    """Builds of one large context, each of a service that is deleted afterwards."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._boundary = secrets.token_hex(16)
        self._body = self._upload()
        self._stop = threading.Event()
        self.seen: list[Figures] = []

    def once(self) -> Figures:
        """Upload, build, start, delete; seconds of each part."""
        service, begun = f"build{len(self.seen)}", time.monotonic()
        path = f"/v1/services/{service}/deployments"
        headers = {"Content-Type": f"multipart/form-data; boundary={self._boundary}"}
        answer = self._platform.api.raw("POST", path, self._body, headers)
        assert answer.status == 202, answer.text
        uploaded = time.monotonic()
        ended = self._platform.succeeded(answer.json["id"])
        figures = {"upload s": uploaded - begun}
        figures |= {f"{step['name']} s": step["seconds"] for step in ended["steps"]}
        figures["all s"] = time.monotonic() - begun
        self.seen.append(figures)
        self._platform.delete(service)
        gone = lambda: not self._platform.engine.tags(f"paas/{service}")  # noqa: E731 - once
        until(gone, "its image is gone")
        return figures

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """One build after another; the last ends before this does."""
        self._stop.clear()
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(self._repeat)
            try:
                yield
            finally:
                self._stop.set()
            done.result()

    def _repeat(self) -> None:
        while not self._stop.is_set():
            self.once()

    def _upload(self) -> bytes:
        source = apps.web("built", build=WORK)
        for number in range(FILES):
            source.files[f"root/context/{number}"] = os.urandom(FILE_BYTES)
        spec = {"create": True, "source": {"type": "archive"}}
        return multipart(self._boundary, spec, source.targz(), "source.tar.gz")


def _measure(bench: Bench, load: Load, program: Program, *, seconds: float) -> Figures:
    loaded = run_wrk(load, program.port, seconds=seconds, folder=bench.folder, urgent=True)
    return {
        "req/s": loaded.requests / loaded.seconds,
        "p50 ms": loaded.p50,
        "p99 ms": loaded.p99,
        "longest ms": loaded.longest,
        "errors": loaded.errors,
    }


def _quiet(name: str) -> str:
    return f"{name}, no build"
