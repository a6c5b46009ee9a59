"""Logs: in order, resumable, bounded; they survive restarts and torn lines."""

import asyncio
import contextlib
import errno
import resource
import signal
import time

import pytest

from paas.adapters.journal import BUFFERED_BYTES, FileJournal
from paas.adapters.journal_files import LogFiles
from paas.aio.tasks import Tasks
from paas.core.model import LogLine
from paas.errors import Invalid

KEY = "versions/v1"
LIMIT = 8 * 1024**2


def line(text, **fields):
    return LogLine(time=1.5, text=str(text), **fields)


@contextlib.asynccontextmanager
async def opened(root, limit=LIMIT):
    tasks = Tasks()
    journal = FileJournal(root, limit=limit, tasks=tasks)
    try:
        yield journal
    finally:
        await journal.close()
        await tasks.close()


async def texts(lines):
    return [item.text async for item in lines]


async def test_lines_read_back_with_all_they_carry(tmp_path):
    async with opened(tmp_path) as journal:
        journal.append(KEY, line("é\n\udcff\x00", stream="stderr", replica="r1"))
        (found,) = await journal.read(KEY)
    assert found.cursor > 0
    assert found == LogLine(
        time=1.5, text="é\n\udcff\x00", stream="stderr", replica="r1", cursor=found.cursor
    )


async def test_reading_gives_the_last_lines_after_the_cursor(tmp_path):
    async with opened(tmp_path) as journal:
        for number in range(100):
            journal.append(KEY, line(number))
        found = await journal.read(KEY, limit=3)
        assert [item.text for item in found] == ["97", "98", "99"]
        assert [item.text for item in await journal.read(KEY, after=found[1].cursor)] == ["99"]
        assert await journal.read(KEY, after=found[2].cursor) == []
        assert await journal.read(KEY, after=10**12) == []
        assert len(await journal.read(KEY, after=found[0].cursor - 1)) == 3
        assert await journal.read("versions/none") == []


async def test_cursors_grow_across_restarts_and_rotations(tmp_path):
    cursors = []
    for number in range(6):
        async with opened(tmp_path, limit=65536) as journal:
            for part in range(10):
                journal.append(KEY, line(f"{number}.{part}" + "x" * 1000))
        async with opened(tmp_path, limit=65536) as journal:
            cursors.append([item.cursor for item in await journal.read(KEY)][-1])
    assert cursors == sorted(set(cursors))
    async with opened(tmp_path, limit=65536) as journal:
        found = await journal.read(KEY)
    assert [item.cursor for item in found] == sorted({item.cursor for item in found})
    assert found[-1].text.startswith("5.9")
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.jsonl*")) <= 65536


async def test_followers_get_history_and_then_what_comes(tmp_path):
    async with opened(tmp_path) as journal:
        for number in range(2500):
            journal.append(KEY, line(number))
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(texts(journal.follow(KEY))) for _ in range(3)]
            for number in range(2500, 4000):
                journal.append(KEY, line(number))
                if number % 50 == 0:
                    await asyncio.sleep(0)
            journal.finish(KEY)
        expected = [str(number) for number in range(4000)]
        assert [reader.result() == expected for reader in readers] == [True] * 3


async def test_following_resumes_after_a_cursor(tmp_path):
    async with opened(tmp_path) as journal:
        for number in range(10):
            journal.append(KEY, line(number))
        middle = (await journal.read(KEY))[4].cursor
        journal.finish(KEY)
        assert await texts(journal.follow(KEY, after=middle)) == ["5", "6", "7", "8", "9"]


async def test_a_follower_sees_a_new_line_soon(tmp_path):
    async with opened(tmp_path) as journal, asyncio.timeout(5):
        follower = journal.follow(KEY)
        first = asyncio.ensure_future(anext(follower))
        await asyncio.sleep(0)
        journal.append(KEY, line("a"))
        assert (await first).text == "a"
        started = time.monotonic()
        journal.append(KEY, line("b"))
        assert (await anext(follower)).text == "b"
        assert time.monotonic() - started < 0.2
        await follower.aclose()


async def test_a_finished_log_ends_for_followers_after_a_restart(tmp_path):
    async with opened(tmp_path) as journal:
        journal.append(KEY, line("a"))
        journal.finish(KEY)
    async with opened(tmp_path) as journal, asyncio.timeout(5):
        assert await texts(journal.follow(KEY)) == ["a"]
        assert await texts(journal.follow(KEY, after=10**12)) == []
        journal.append(KEY, line("b"))
        journal.finish(KEY)
        assert await texts(journal.follow(KEY)) == ["a", "b"]


async def test_removing_ends_followers(tmp_path):
    async with opened(tmp_path) as journal, asyncio.timeout(5):
        journal.append(KEY, line("a"))
        follower = journal.follow(KEY)
        assert (await anext(follower)).text == "a"
        rest = asyncio.ensure_future(texts(follower))
        await asyncio.sleep(0)
        await journal.remove(KEY)
        assert await rest == []
        assert list(tmp_path.rglob("*.jsonl*")) == []
        await journal.remove(KEY)


async def test_closing_writes_what_is_buffered_and_ends_followers(tmp_path):
    async with asyncio.timeout(5):
        async with opened(tmp_path) as journal:
            follower = asyncio.ensure_future(texts(journal.follow(KEY)))
            await asyncio.sleep(0)
            journal.append(KEY, line("a"))
        assert await follower == ["a"]


async def test_written_without_a_reader_within_half_a_second(tmp_path):
    async with opened(tmp_path) as journal, asyncio.timeout(0.6):
        journal.append(KEY, line("a"))
        while not (tmp_path / f"{KEY}.jsonl").exists():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("cut", range(1, 40))
async def test_a_line_cut_short_by_a_crash_is_skipped(tmp_path, cut):
    files = LogFiles(tmp_path, KEY, limit=LIMIT)
    files.append([line("a"), line("b")])
    before = files.last(after=0, limit=9)
    content = files.path.read_bytes()
    files.path.write_bytes(content[:-cut])
    files.append([line("c")])
    found = files.last(after=0, limit=9)
    assert [item.text for item in found][-1] == "c"
    assert {item.text for item in found} <= {"a", "b", "c"}
    assert found[0] == before[0]
    assert files.last(after=found[-1].cursor - 1, limit=9)[-1].text == "c"


async def test_a_flood_is_dropped_with_a_marker(tmp_path):
    async with opened(tmp_path, limit=64 * 1024**2) as journal:
        for _ in range(40_000):
            journal.append(KEY, line("y" * 100))
        found = await journal.read(KEY, limit=100_000)
        assert len(found) < BUFFERED_BYTES / 100
        assert found[-1].stream == "paas"
        assert f"[{40_000 - len(found) + 1} lines dropped" in found[-1].text
        journal.append(KEY, line("after"))
        assert (await journal.read(KEY))[-1].text == "after"


async def test_a_huge_line_is_cut(tmp_path):
    async with opened(tmp_path) as journal:
        journal.append(KEY, line("x" * 500_000))
        (found,) = await journal.read(KEY)
    assert len(found.text) < 70_000
    assert found.text.endswith("[cut]")


async def test_a_disk_that_takes_nothing_costs_lines_and_leaves_a_marker(tmp_path):
    (tmp_path / "versions").write_text("in the way")  # mkdir fails as a broken disk does
    async with opened(tmp_path) as journal, asyncio.timeout(10):
        journal.append(KEY, line("lost"))
        journal.append(KEY, line("lost too"))
        while not journal._logs[KEY].dropped:
            await asyncio.sleep(0.01)
        (tmp_path / "versions").unlink()
        journal.append(KEY, line("late"))
        while not (tmp_path / f"{KEY}.jsonl").exists():
            await asyncio.sleep(0.01)
        found = [item.text for item in await journal.read(KEY)]
        assert found == ["[3 lines dropped: they came too fast or the disk was full]"]
        journal.append(KEY, line("kept"))
        assert (await journal.read(KEY))[-1].text == "kept"


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path):
    """A file size limit stands for a full disk: write() takes a part, then fails."""
    files = LogFiles(tmp_path, KEY, limit=LIMIT)
    files.append([line("a")])
    before = files.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, hard))
    try:
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is checked
            files.append([line("b" * 1000)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert files.path.read_bytes() == before


@pytest.mark.parametrize("key", ["", "../x", "a/../b", "/a", "a//b", "a/b/c/d", "a.b", "ü", "a\n"])
async def test_bad_keys(tmp_path, key):
    async with opened(tmp_path / "logs") as journal:
        journal.append(key, line("a"))
        journal.finish(key)
        with pytest.raises(Invalid):
            await journal.read(key)
        with pytest.raises(Invalid):
            await texts(journal.follow(key))
    assert list(tmp_path.iterdir()) == []


async def test_nothing_is_kept_for_keys_at_rest(tmp_path):
    async with opened(tmp_path) as journal:
        journal.append(KEY, line("a"))
        await journal.read(KEY)
        follower = journal.follow(KEY)
        await anext(follower)
        await follower.aclose()
        assert journal._logs == {}
