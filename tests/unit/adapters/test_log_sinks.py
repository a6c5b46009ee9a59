import os
import resource
import signal

import pytest

from paas.adapters.log_sinks import KEPT, FileSink, StreamSink
from paas.errors import Unavailable

LINES = [b"one\n", b"two\n"]


@pytest.fixture
def sink(tmp_path):
    made = FileSink(tmp_path / "access.log", limit=65536)
    yield made
    made.close()


def test_it_appends(sink, tmp_path):
    assert sink.write(LINES) == sink.write(LINES) == 0
    path = tmp_path / "access.log"
    assert path.read_bytes() == b"one\ntwo\none\ntwo\n"
    assert path.stat().st_mode & 0o007 == 0


def test_it_is_rotated_by_size_and_few_are_kept(sink, tmp_path):
    line = b"x" * 40_000 + b"\n"
    for _ in range(KEPT + 4):
        assert sink.write([line]) == 0
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["access.log", *(f"access.log.{number}" for number in range(1, KEPT + 1))]
    assert all(path.read_bytes() == line for path in tmp_path.iterdir())


def test_one_batch_larger_than_the_limit_is_written_whole(sink, tmp_path):
    assert sink.write([b"y" * 100_000 + b"\n"]) == 0
    assert (tmp_path / "access.log").stat().st_size == 100_001


def test_a_file_that_somebody_moved_is_made_anew(sink, tmp_path):
    sink.write(LINES)
    (tmp_path / "access.log").rename(tmp_path / "moved")
    sink.write(LINES)
    assert (tmp_path / "access.log").read_bytes() == b"one\ntwo\n"
    assert (tmp_path / "moved").read_bytes() == b"one\ntwo\n"


def test_a_directory_that_is_gone_drops_lines_until_it_is_back(tmp_path):
    folder = tmp_path / "logs"
    sink = FileSink(folder / "access.log", limit=65536)
    assert sink.write(LINES) == 2
    with pytest.raises(Unavailable, match="cannot be opened"):
        sink.check()
    folder.mkdir()
    sink.check()
    assert sink.write(LINES) == 0
    sink.close()


def test_a_full_disk_drops_lines_and_tears_none_into_another(sink, tmp_path):
    """The largest size of a file stands in for the disk's end."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6, limits[1]))
        assert sink.write(LINES) == 1
        assert sink.write(LINES) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)
    assert sink.write([b"six\n"]) == 0
    assert (tmp_path / "access.log").read_bytes() == b"one\ntw\nsix\n"


def test_a_reader_that_does_not_read_blocks_nobody():
    reader, writer = os.pipe()
    try:
        sink = StreamSink(writer)
        lines = [b"%07d\n" % number for number in range(20_000)]
        dropped = sink.write(lines)
        got = os.read(reader, 1 << 20)
        assert len(lines) - dropped == got.count(b"\n") > 0
        assert sink.write([b"more\n"]) == 0
        assert os.read(reader, 1 << 20).endswith(b"\nmore\n")
        sink.close()
    finally:
        os.close(reader)
        os.close(writer)


def test_a_reader_that_is_gone():
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert StreamSink(writer).write(LINES) == 2
    finally:
        os.close(writer)
