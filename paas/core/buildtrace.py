"""BuildKit's status messages as lines for people.

A build is a graph of steps that run side by side. Each step gets a number when it begins,
and every line begins with its step's: `#3 [2/4] COPY . .`, `#3 | output`, `#3 done in
0.4 s`. Steps of BuildKit's own are told only when they fail. A message that cannot be read
gives no lines. Memory is bounded whatever a build writes: at most `MOST_STEPS` steps are
known, by at most `LONGEST_NAME` characters, a line of output ends at `LONGEST_LINE` bytes,
and at most `MOST_HELD` bytes wait for the end of their lines.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from paas.core.protobuf import Malformed, Value, bytes_of, fields, int_of, text_of

MOST_STEPS: Final = 10_000
LONGEST_NAME: Final = 1000
LONGEST_LINE: Final = 64 * 1024
MOST_HELD: Final = 4 * 1024 * 1024
INTERNAL = "[internal]"


@dataclass(slots=True, kw_only=True)
class _Step:
    name: str
    number: int = 0
    ended: bool = False
    rest: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Vertex:
    digest: str = ""
    name: str = ""
    cached: bool = False
    started: float | None = None
    completed: float | None = None
    error: str = ""


class TraceLines:
    """Turns the status messages of one build, in order, into lines."""

    def __init__(self) -> None:
        self._steps: dict[str, _Step] = {}
        self._told = 0
        self._held = 0

    def feed(self, message: bytes) -> list[str]:
        """The new lines of an encoded `StatusResponse`."""
        try:
            return list(self._lines(message))
        except Malformed:
            return []

    def flush(self) -> list[str]:
        """Output that no line end has followed."""
        return [line for step in self._steps.values() for line in self._rest(step)]

    def _lines(self, message: bytes) -> Iterator[str]:
        found = list(fields(message))
        vertexes = [_vertex(bytes_of(value)) for number, value in found if number == 1]
        for vertex in vertexes:
            yield from self._begun(vertex)
        for number, value in found:
            if number == 3:
                yield from self._output(bytes_of(value))
            elif number == 4:
                yield from self._warning(bytes_of(value))
        for vertex in vertexes:
            yield from self._ended(vertex)

    def _begun(self, vertex: _Vertex) -> Iterator[str]:
        step = self._steps.get(vertex.digest)
        if step is None:
            if len(self._steps) >= MOST_STEPS:
                return
            step = self._steps[vertex.digest] = _Step(name=_one_line(vertex.name)[:LONGEST_NAME])
        if vertex.started is not None and not step.name.startswith(INTERNAL):
            yield from self._headed(step)

    def _headed(self, step: _Step) -> Iterator[str]:
        """The step's name, the first time."""
        if not step.number:
            self._told += 1
            step.number = self._told
            yield f"#{step.number} {step.name}"

    def _ended(self, vertex: _Vertex) -> Iterator[str]:
        step = self._steps.get(vertex.digest)
        if step is None or step.ended or vertex.completed is None:
            return
        yield from self._rest(step)
        step.ended = True
        if vertex.error:
            yield from self._headed(step)
            yield f"#{step.number} failed: {_one_line(vertex.error)}"
        elif step.number and vertex.cached:
            yield f"#{step.number} cached"
        elif step.number:
            seconds = max(0.0, vertex.completed - (vertex.started or vertex.completed))
            yield f"#{step.number} done in {seconds:.1f} s"

    def _output(self, message: bytes) -> Iterator[str]:
        digest, text = "", b""
        for number, value in fields(message):
            if number == 1:
                digest = text_of(value)
            elif number == 4:
                text = bytes_of(value)
        step = self._steps.get(digest)
        if step is None:
            return
        yield from self._headed(step)
        self._held -= len(step.rest)
        *lines, step.rest = (step.rest + text).split(b"\n")
        self._held += len(step.rest)
        for line in lines:
            yield _said(step, line)
        if len(step.rest) > LONGEST_LINE or self._held > MOST_HELD:
            yield from self._rest(step)

    def _rest(self, step: _Step) -> Iterator[str]:
        rest, step.rest = step.rest, b""
        self._held -= len(rest)
        if rest:
            yield _said(step, rest)

    def _warning(self, message: bytes) -> Iterator[str]:
        for number, value in fields(message):
            if number == 3:
                yield f"Warning: {_one_line(text_of(value))}"


def _said(step: _Step, line: bytes) -> str:
    text = line[:LONGEST_LINE].decode("utf-8", "replace")
    # A line that was drawn over with carriage returns shows its last state.
    return f"#{step.number} | {text.rstrip(chr(13)).rpartition(chr(13))[2]}"


def _vertex(message: bytes) -> _Vertex:
    """One step's state."""
    found: dict[int, Value] = dict(fields(message))
    return _Vertex(
        digest=text_of(found.get(1, b"")),
        name=text_of(found.get(3, b"")),
        cached=bool(int_of(found.get(4, 0))),
        started=_time(found.get(5)),
        completed=_time(found.get(6)),
        error=text_of(found.get(7, b"")),
    )


def _time(value: Value | None) -> float | None:
    """Seconds since the epoch of a `Timestamp`."""
    if value is None:
        return None
    found = dict(fields(bytes_of(value)))
    return int_of(found.get(1, 0)) + int_of(found.get(2, 0)) / 1e9


def _one_line(text: str) -> str:
    return " ".join(text.split())[:LONGEST_LINE]
