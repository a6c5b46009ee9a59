"""The engine's streams: log frames, pull progress, build output."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.adapters.build_output import LINE_LIMIT as BUILD_LINE_LIMIT
from paas.adapters.build_output import OUTPUT_LIMIT, BuildOutput
from paas.adapters.docker_images import LayerProgress
from paas.adapters.docker_logs import CUT, LINE_LIMIT, LogDecoder, RecentLines
from paas.core.model import LogLine
from paas.errors import Failed

STAMP = b"2026-01-02T03:04:05.000001Z "


def frame(text: bytes, kind: int = 1) -> bytes:
    return struct.pack(">BxxxL", kind, len(text)) + text


def decoded(*chunks: bytes) -> list[LogLine]:
    decoder = LogDecoder("r1")
    lines = [line for chunk in chunks for line in decoder.feed(chunk)]
    return lines + list(decoder.finish())


def test_lines_of_both_streams() -> None:
    lines = decoded(frame(STAMP + b"out\n"), frame(STAMP + b"err\r\n", 2), frame(STAMP + b"\n"))
    assert [(line.text, line.stream, line.replica) for line in lines] == [
        ("out", "stdout", "r1"),
        ("err", "stderr", "r1"),
        ("", "stdout", "r1"),
    ]
    assert lines[0].time == pytest.approx(1767323045.000001)


def test_a_long_line_comes_in_pieces_between_those_of_the_other_stream() -> None:
    lines = decoded(
        frame(STAMP + b"a" * 10),
        frame(STAMP + b"e\n", 2),
        frame(STAMP + b"b\n"),
        frame(STAMP + b"c"),
    )
    assert [line.text for line in lines] == ["e", "a" * 10 + "b", "c"]


def test_a_line_is_bounded() -> None:
    pieces = [frame(STAMP + b"x" * 16384) for _ in range(5)]
    (line,) = decoded(*pieces, frame(STAMP + b"\n"))
    assert line.text == "x" * LINE_LIMIT + CUT
    (whole,) = decoded(*pieces[:4], frame(STAMP + b"\n"))
    assert whole.text == "x" * LINE_LIMIT


def test_text_without_a_time() -> None:
    (line,) = decoded(frame(b"no time\xff\n", 9))
    assert (line.text, line.time, line.stream) == ("no time�", 0.0, "stdout")


@settings(deadline=None)
@given(cut=st.integers(min_value=0, max_value=80))
def test_frames_may_be_cut_anywhere(cut: int) -> None:
    data = frame(STAMP + b"one\n") + frame(STAMP + b"two\n", 2)
    assert decoded(data[:cut], data[cut:]) == decoded(data)


def test_recent_lines_tell_new_from_known() -> None:
    recent = RecentLines()
    assert recent.since == 0
    old, known, new = (LogLine(time=time, text="x") for time in (1.0, 2.0, 2.001))
    recent.add(old)
    recent.add(known)
    assert recent.since == 2.0
    assert old in recent
    assert known in recent
    assert new not in recent


def test_recent_lines_go_on_when_the_clock_was_set_back() -> None:
    recent = RecentLines()
    recent.add(LogLine(time=7200.0, text="before"))
    for number in range(2 * RecentLines._MOST):
        recent.add(LogLine(time=3600.0 + number / 1e6, text="after"))
    assert LogLine(time=3600.0 + 1999 / 1e6, text="after") in recent
    assert LogLine(time=3601.0, text="after") not in recent


def test_pull_progress_is_condensed() -> None:
    said: list[str] = []
    progress = LayerProgress(said.append)
    for status in (
        "Pulling fs layer",
        "Downloading",
        "Downloading",
        "Pull complete",
        "Pull complete",
    ):
        progress.feed({"id": "l1", "status": status})
    progress.feed({"status": "Digest: sha256:1"})
    progress.feed({})
    assert said == ["l1: Pulling fs layer", "l1: Pull complete", "Digest: sha256:1"]


def test_build_output_becomes_lines() -> None:
    said: list[str] = []
    output = BuildOutput(said.append)
    for text in ("Step 1/2 : FR", "OM scratch\n\n", "\x1b[91mred\x1b[0m\n", "10%\r20%\r\n", "end"):
        output.feed({"stream": text})
    output.feed({"aux": {"ID": "sha256:1"}})
    output.feed({"status": "Pulling", "id": "l"})
    with pytest.raises(Failed):
        output.feed({"error": "exit 1"})
    assert said == ["Step 1/2 : FROM scratch", "red", "20%", "l: Pulling", "end"]
    assert list(output.tail) == said
    assert output.image == "sha256:1"


def test_build_output_is_bounded() -> None:
    said: list[str] = []
    output = BuildOutput(said.append)
    for _ in range(OUTPUT_LIMIT // BUILD_LINE_LIMIT + 10):
        output.feed({"stream": "x" * (BUILD_LINE_LIMIT + 1)})
    assert output.full
    assert sum(map(len, said)) < OUTPUT_LIMIT + BUILD_LINE_LIMIT
    assert "dropped" in said[-1]
