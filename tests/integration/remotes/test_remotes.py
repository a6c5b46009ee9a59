"""Bare repositories with the real git command, without a daemon behind their hook."""

import os
import stat
import subprocess
import time
from pathlib import Path

import pytest

from paas.adapters.remotes import GitRemotes
from paas.core.pktline import line
from paas.errors import Unavailable
from tests.waiting import until

PUSH = line(f"{'0' * 40} {'b' * 40} refs/heads/main\0 report-status".encode()) + b"0000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "git"


@pytest.fixture
async def kept(folder: Path) -> GitRemotes:
    made = GitRemotes(folder, socket=folder / "none.sock", limit=1024)
    await made.open()
    return made


def git(*words: str) -> str:
    return subprocess.check_output(["git", *words], text=True, timeout=20).strip()


async def test_a_repository_comes_and_goes(kept: GitRemotes, folder: Path) -> None:
    assert await kept.names() == frozenset()
    await kept.create("one")
    await kept.create("one")
    assert await kept.names() == {"one"}
    assert stat.S_IMODE((folder / "one.git").stat().st_mode) == 0o700
    assert not await kept.has_refs("one")
    git("--git-dir", str(folder / "one.git"), "update-ref", "refs/tags/x", _commit(folder))
    assert await kept.has_refs("one")
    await kept.rename("one", "two")
    assert await kept.names() == {"two"}
    assert b"refs/tags/x" in await kept.advertise("two")
    await kept.remove("two")
    await kept.remove("two")
    assert await kept.names() == frozenset()


async def test_what_is_not_there(kept: GitRemotes) -> None:
    with pytest.raises(Unavailable, match="git receive-pack ended with code 128"):
        await kept.advertise("none")
    with pytest.raises(Unavailable):
        await kept.rename("none", "other")
    await kept.tidy("none")


async def test_leftovers_of_a_former_daemon_go(folder: Path, kept: GitRemotes) -> None:
    await kept.create("one")
    left = [folder / "tmp" / "x", folder / "one.git" / "objects" / "tmp_objdir-incoming-abc"]
    for path in left:
        path.mkdir()
    await kept.open()
    assert not any(path.exists() for path in left)
    assert os.access(folder / "hooks" / "pre-receive", os.X_OK)


async def test_tidying_takes_what_broke_off_and_packs(kept: GitRemotes, folder: Path) -> None:
    await kept.create("one")
    objects = folder / "one.git" / "objects"
    old, new = objects / "tmp_objdir-old", objects / "tmp_objdir-new"
    for path in (old, new):
        path.mkdir()
    os.utime(old, (time.time() - 60, time.time() - 60))
    os.utime(new, (time.time() + 60, time.time() + 60))
    await kept.tidy("one")
    assert (old.exists(), new.exists()) == (False, True)


async def test_an_abandoned_push_leaves_no_process(kept: GitRemotes, folder: Path) -> None:
    await kept.create("one")
    async with kept.receive("one", variables={}) as receiving:
        await receiving.write(PUSH + b"PACK")
        (scratch,) = (folder / "tmp").iterdir()
        assert _processes(folder)
    assert not scratch.exists()
    await until(lambda: not _processes(folder))


async def test_a_hook_without_its_daemon_refuses(kept: GitRemotes, folder: Path) -> None:
    await kept.create("one")
    git("--git-dir", str(folder / "one.git"), "update-ref", "refs/tags/x", _commit(folder))
    new = git("--git-dir", str(folder / "one.git"), "rev-parse", "refs/tags/x")
    push = line(f"{'0' * 40} {new} refs/heads/main\0 report-status".encode()) + b"0000"
    empty = bytes.fromhex("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e")
    said = b""
    async with kept.receive("one", variables={"PAAS_PUSH_SERVICE": "shop"}) as receiving:
        await receiving.write(push + empty)
        receiving.finish()
        while piece := await receiving.read():
            said += piece
        assert await receiving.accepted()
    assert b"ng refs/heads/main pre-receive hook declined" in said


def _commit(folder: Path) -> str:
    """A commit without files in the repository `one`."""
    words = ("--git-dir", str(folder / "one.git"))
    tree = git(*words, "hash-object", "-w", "-t", "tree", "/dev/null")
    author = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    return git(*words, *author, "commit-tree", "-m", "x", tree)


def _processes(folder: Path) -> list[str]:
    """Command lines that name the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if str(folder) in text:
            found.append(text)
    return found
