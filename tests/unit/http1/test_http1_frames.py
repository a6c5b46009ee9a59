"""Frames: boundaries are found whatever way the bytes arrive."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.http1.frames import CLOSE_GOING_AWAY, CLOSE_GOING_AWAY_MASKED, Frames


def frame(size: int, *, opcode: int = 2, masked: bool = False) -> bytes:
    flag = 0x80 if masked else 0
    if size < 126:
        head = bytes([0x80 | opcode, flag | size])
    elif size < 65536:
        head = bytes([0x80 | opcode, flag | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x80 | opcode, flag | 127]) + size.to_bytes(8, "big")
    return head + (b"mask" if masked else b"") + b"x" * size


@pytest.mark.parametrize("size", [0, 1, 125, 126, 70000])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("cut", [1, 3, 100000])
def test_between_only_at_the_end(size: int, cut: int, *, masked: bool) -> None:
    frames = Frames()
    data = frame(size, masked=masked)
    for start in range(0, len(data), cut):
        assert frames.between is (start == 0)
        frames.feed(data[start : start + cut])
    assert frames.between
    assert not frames.closed


@given(st.lists(st.tuples(st.integers(0, 300), st.booleans()), max_size=5), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_many_frames(sizes: list[tuple[int, bool]], cut: int) -> None:
    frames = Frames()
    data = b"".join(frame(size, masked=masked) for size, masked in sizes)
    for start in range(0, len(data), cut):
        frames.feed(data[start : start + cut])
    assert frames.between


@pytest.mark.parametrize("close", [CLOSE_GOING_AWAY, CLOSE_GOING_AWAY_MASKED])
def test_close_frames_are_whole_frames(close: bytes) -> None:
    frames = Frames()
    frames.feed(close)
    assert frames.between
    assert frames.closed


@pytest.mark.parametrize("cut", [1, 3, 100000])
def test_finish_stops_at_the_end_of_the_frame(cut: int) -> None:
    frames = Frames()
    data = frame(300) + frame(10)
    frames.feed(data[:2])
    taken, rest = b"", data[2:]
    while rest and not frames.between:
        piece, rest = rest[:cut], rest[cut:]
        taken += piece[: frames.finish(piece)]
    assert taken == frame(300)[2:]
    assert frames.between
    assert frames.finish(b"more") == 0
