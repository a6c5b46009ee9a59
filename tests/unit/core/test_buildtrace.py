"""BuildKit's status messages as lines."""

from hypothesis import given
from hypothesis import strategies as st

from paas.core import buildtrace
from paas.core.buildtrace import LONGEST_LINE, LONGEST_NAME, MOST_HELD, TraceLines
from paas.core.protobuf import bytes_field, varint_field


def at(seconds: float) -> bytes:
    whole = int(seconds)
    return varint_field(1, whole) + varint_field(2, round((seconds - whole) * 1e9))


def vertex(
    digest: str,
    name: str = "",
    *,
    started: float | None = 1.0,
    completed: float | None = None,
    cached: bool = False,
    error: str = "",
) -> bytes:
    """A `StatusResponse` with the state of one step."""
    body = bytes_field(1, digest.encode()) + bytes_field(3, name.encode())
    body += varint_field(4, cached) + bytes_field(7, error.encode())
    if started is not None:
        body += bytes_field(5, at(started))
    if completed is not None:
        body += bytes_field(6, at(completed))
    return bytes_field(1, body)


def output(digest: str, text: bytes) -> bytes:
    body = bytes_field(1, digest.encode()) + varint_field(3, 1) + bytes_field(4, text)
    return bytes_field(3, body)


def test_a_step_begins_writes_and_ends() -> None:
    lines = TraceLines()
    assert lines.feed(vertex("a", "[1/2] FROM scratch")) == ["#1 [1/2] FROM scratch"]
    assert lines.feed(output("a", b"one\ntw")) == ["#1 | one"]
    assert lines.feed(output("a", b"o\n10%\r20%\r\n")) == ["#1 | two", "#1 | 20%"]
    assert lines.feed(vertex("a", completed=3.5)) == ["#1 done in 2.5 s"]
    assert lines.feed(vertex("a", completed=3.5)) == []


def test_one_message_can_tell_all_of_a_step() -> None:
    message = vertex("a", "RUN x", completed=1.25) + output("a", b"no line end")
    assert TraceLines().feed(message) == ["#1 RUN x", "#1 | no line end", "#1 done in 0.2 s"]


def test_steps_side_by_side_are_told_apart() -> None:
    lines = TraceLines()
    told = lines.feed(vertex("a", "A") + vertex("b", "B"))
    told += lines.feed(output("b", b"b1\n") + output("a", b"a1\n"))
    assert told == ["#1 A", "#2 B", "#2 | b1", "#1 | a1"]


def test_a_cached_step_and_one_that_failed() -> None:
    lines = TraceLines()
    assert lines.feed(vertex("a", "A", completed=1.0, cached=True)) == ["#1 A", "#1 cached"]
    failed = lines.feed(vertex("b", "B", completed=2.0, error="exit code:\n 3"))
    assert failed == ["#2 B", "#2 failed: exit code: 3"]


def test_steps_of_its_own_are_told_only_when_they_fail() -> None:
    lines = TraceLines()
    assert lines.feed(vertex("a", "[internal] load", completed=2.0)) == []
    assert lines.feed(vertex("b", "[internal] load")) == []
    assert lines.feed(vertex("b", completed=2.0, error="gone")) == [
        "#1 [internal] load",
        "#1 failed: gone",
    ]


def test_a_step_is_known_before_it_begins() -> None:
    lines = TraceLines()
    assert lines.feed(vertex("a", "later", started=None)) == []
    assert lines.feed(vertex("b", "now")) == ["#1 now"]
    assert lines.feed(vertex("a", "later")) == ["#2 later"]
    assert lines.feed(vertex("c", "never", started=None, completed=5.0)) == []


def test_warnings_are_told() -> None:
    assert TraceLines().feed(
        bytes_field(4, bytes_field(1, b"a") + bytes_field(3, b"mind\nit"))
    ) == ["Warning: mind it"]


def test_what_is_left_over_is_told_at_the_end() -> None:
    lines = TraceLines()
    lines.feed(vertex("a", "A") + output("a", b"half"))
    assert lines.flush() == ["#1 | half"]
    assert lines.flush() == []


def test_output_of_no_known_step_is_dropped() -> None:
    assert TraceLines().feed(output("who", b"text\n")) == []


def test_memory_is_bounded() -> None:
    lines = TraceLines()
    for number in range(buildtrace.MOST_STEPS):
        lines.feed(vertex(str(number), "x"))
    assert lines.feed(vertex("more", "x", completed=2.0) + output("more", b"text\n")) == []
    assert len(TraceLines().feed(vertex("a", "x" * 100_000))[0]) == LONGEST_NAME + len("#1 ")
    told = lines.feed(output("0", b"y" * (LONGEST_LINE + 1)))
    assert [len(line) for line in told] == [LONGEST_LINE + len("#1 | ")]
    assert lines.flush() == []
    held = MOST_HELD // LONGEST_LINE
    for number in range(held):
        assert lines.feed(output(str(number), b"y" * LONGEST_LINE)) == []
    assert len(lines.feed(output(str(held), b"y"))) == 1
    assert len(lines.flush()) == held


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_ignored(data: bytes) -> None:
    lines = TraceLines()
    assert all(isinstance(line, str) for line in lines.feed(data))
    nested = bytes_field(1, data) + bytes_field(3, data) + bytes_field(4, data)
    assert all(isinstance(line, str) for line in lines.feed(nested))
