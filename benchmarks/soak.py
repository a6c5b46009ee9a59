"""S1: hours of every kind of traffic in minutes, with what may not grow.

Most requests are small ones on kept and on new connections, as fast as they go; the
rarer kinds (`soak_traffic.py`) go on beside them while replicas come and go.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench import Bench
from benchmarks.loaders import CLOSE, Load, run_wrk
from benchmarks.peers import daemon
from benchmarks.platform import Platform
from benchmarks.programs import LOAD_CORE, Program, free_port, running
from benchmarks.results import US, Result, Target
from tests.e2e.waiting import until

KEPT = Load(name="kept", connections=48)
FRESH = Load(name="new", connections=4, extra=CLOSE)
_LOAD = "soak"
_STILL = ("connections", "idle upstreams", "leases", "waiters")
_AFTER_SECONDS = 60.0
_LOOK = 2.0
"""Seconds between two looks at the memory."""


def s1(bench: Bench) -> Result:
    """Memory after the first third must stay, and nothing else may be left at the end."""
    none = ("leases", "waiters", "connections", "fds left", "tasks left", "wrong", "errors")
    targets = (
        Target(load=_LOAD, figure="grown MiB", at_most=4),
        *(Target(load=_LOAD, figure=one, at_most=0) for one in none),
    )
    result = Result(id="S1", title=f"{bench.minutes:g} minutes of mixed traffic", targets=targets)
    with _subject(bench) as (program, counts):
        Platform(bench.folder / US)
        before = _settled(program, counts)
        memory, errors, rare = _load(bench, program)
        after = _settled(program, counts, before)
    figures = {
        "requests": after["requests"],
        "req/s": after["requests"] / (bench.minutes * 60),
        "MiB": memory[-1],
        "grown MiB": _grown(memory),
        "wrong": sum(rare["wrong"].values()),
        "errors": errors,
    }
    figures |= {name: after[name] for name in ("connections", "leases", "waiters")}
    figures |= {f"{name} left": after[name] - before[name] for name in ("fds", "tasks", "objects")}
    result.add(_LOAD, US, figures)
    result.notes = {"memory": memory, "before": before, "after": after, **rare}
    return result


@contextmanager
def _subject(bench: Bench) -> Iterator[tuple[Program, Path]]:
    odd, counts = free_port(), bench.folder / "counts.json"
    own = [sys.executable, "-m", "benchmarks.odd_replica", str(odd)]
    more = ["--odd", str(odd), "--counts", str(counts)]
    module = "benchmarks.soak_subject"
    with (
        running("odd", own, port=odd, core=LOAD_CORE, folder=bench.folder),
        daemon(US, bench.folder, bench.backend.port, module=module, more=more) as program,
    ):
        yield program, counts


def _load(bench: Bench, program: Program) -> tuple[list[float], int, dict[str, Any]]:
    """Memory in MiB as it went, errors of the fast clients, what the rare ones saw."""
    seconds = bench.minutes * 60
    with ThreadPoolExecutor(3) as pool:
        fast = [
            pool.submit(run_wrk, load, program.port, seconds=seconds, folder=_own(bench, load))
            for load in (KEPT, FRESH)
        ]
        rare = pool.submit(_rare, program.port, seconds)
        memory = []
        while not rare.done():
            memory.append(program.resident / 2**20)
            time.sleep(_LOOK)
        return memory, sum(one.result().errors for one in fast), rare.result()


def _rare(port: int, seconds: float) -> dict[str, Any]:
    arguments = ["taskset", "-c", str(LOAD_CORE), sys.executable, "-m", "benchmarks.soak_traffic"]
    arguments += [str(port), str(seconds)]
    done = subprocess.run(
        arguments, check=True, stdout=subprocess.PIPE, text=True, timeout=seconds + 120
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _grown(memory: list[float]) -> float:
    """From the first tenth after the warm-up to the last one."""
    warm = memory[len(memory) // 3 :]
    tenth = max(1, len(warm) // 10)
    return median(warm[-tenth:]) - median(warm[:tenth])


def _settled(
    program: Program, path: Path, before: Mapping[str, int] | None = None
) -> dict[str, int]:
    """The counts once nothing is under way any more and nothing is left of what was, or as
    they are when that took too long.
    """
    deadline = time.monotonic() + _AFTER_SECONDS
    while True:
        time.sleep(_LOOK)
        found = _counts(program, path)
        left = before and any(found[one] > before[one] for one in ("fds", "tasks"))
        if not (left or any(found[one] for one in _STILL)) or time.monotonic() > deadline:
            return found


def _counts(program: Program, path: Path) -> dict[str, int]:
    path.unlink(missing_ok=True)
    os.kill(program.pid, signal.SIGUSR1)
    until(path.exists, "the daemon counted")
    found: dict[str, int] = json.loads(path.read_text())
    return found


def _own(bench: Bench, load: Load) -> Path:
    """A folder for the loader's script: two run at once."""
    folder = bench.folder / load.name
    folder.mkdir(exist_ok=True)
    return folder
