"""The frame of every benchmark: a folder in memory, the backend, subjects taking turns."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.loaders import Load, run_wrk
from benchmarks.peers import backend, daemon, peer
from benchmarks.programs import Program
from benchmarks.results import US, Figures, Result

MEMORY = Path("/dev/shm")
WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What all benchmarks share. `seconds` is the length of one measured run, `minutes`
    that of the soak.
    """

    folder: Path
    backend: Program
    stack: ExitStack
    seconds: float
    rounds: int
    minutes: float

    def peers(self, *names: str, tls: bool = False) -> dict[str, Program]:
        """The daemon and those peers, all running; only one is loaded at a time."""
        started = {US: self.daemon(US, tls=tls)}
        for name in names:
            started[name] = self.stack.enter_context(
                peer(name, self.folder, self.backend.port, tls=tls)
            )
        return started

    def daemon(
        self, name: str, *, services: int = 1, versions: int = 1, tls: bool = False
    ) -> Program:
        more = ["--services", str(services), "--versions", str(versions)]
        return self.stack.enter_context(
            daemon(name, self.folder, self.backend.port, more=more, tls=tls)
        )

    def interleave(
        self, result: Result, loads: tuple[Load, ...], subjects: Mapping[str, Program]
    ) -> None:
        """Every load on every subject, round by round; who goes first changes."""
        for load in loads:
            for program in subjects.values():
                run_wrk(load, program.port, seconds=WARM_SECONDS, folder=self.folder)
            for number in range(self.rounds):
                for name in _turn(list(subjects), number):
                    result.add(load.name, name, self.measure(load, subjects[name]))

    def measure(self, load: Load, program: Program) -> Figures:
        """One run: CPU microseconds per request, rates, latency, growth of memory."""
        before, cpu = program.resident, program.cpu_seconds
        program.forget_peak()
        loaded = run_wrk(load, program.port, seconds=self.seconds, folder=self.folder)
        spent = program.cpu_seconds - cpu
        figures = {
            "cpu µs/req": spent / loaded.requests * 1e6,
            "req/s": loaded.requests / loaded.seconds,
            "p50 ms": loaded.p50,
            "p99 ms": loaded.p99,
        }
        if load.moves:
            figures["MiB/s"] = loaded.requests * load.moves / loaded.seconds / 2**20
            figures["peak MiB"] = program.peak / 2**20
            figures["grown MiB"] = (program.peak - before) / 2**20
        return figures | {"core": spent / loaded.seconds, "errors": loaded.errors}


@contextmanager
def opened(*, seconds: float, rounds: int, minutes: float) -> Iterator[Bench]:
    """Everything that was started for one benchmark ends with it."""
    with ExitStack() as stack:
        place = MEMORY if MEMORY.is_dir() else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="paas-", dir=place)))
        folder.chmod(0o755)
        behind = stack.enter_context(backend(folder))
        yield Bench(
            folder=folder,
            backend=behind,
            stack=stack,
            seconds=seconds,
            rounds=rounds,
            minutes=minutes,
        )


# ---- private


def _turn(names: list[str], number: int) -> list[str]:
    first = number % len(names)
    return names[first:] + names[:first]
