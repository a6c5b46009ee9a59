"""Bare repositories below one folder, worked on by the git command.

git sees no configuration but ours, no home and no terminal. Its one hook is a file that
starts this very program, without a shell in between. Every process has a group of its
own, so that git, the hook and what they started end together.
"""

import asyncio
import contextlib
import errno
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

from paas.errors import Unavailable

CALL_SECONDS = 30.0
TIDY_SECONDS = 300.0
GRACE = 2.0
"""Seconds between asking git to end and ending it."""
LONGEST_PYTHON = 200
"""The kernel reads no more than some 250 bytes of a program's first line."""
PIECE = 64 * 1024
CLOCK_TICK = 0.05
"""Seconds by which a file's time may be behind the clock."""
LOOSE_OBJECTS = 500
"""Roughly how many a repository may have before it is packed."""

_PACKAGE = Path(__file__).parents[2]
_QUARANTINE = "tmp_objdir-*"
_HOOK = """#!{python} -B
import sys
sys.path.insert(0, {package!r})
sys.argv = ["paas", "git-hook"]
from paas.__main__ import main
main()
"""
_TOLERATED = ("badTimezone", "missingSpaceBeforeDate", "zeroPaddedFilemode")
"""Harmless mistakes of old programs that the history of many a repository holds."""


class GitRemotes:
    """`folder` holds `<name>.git` each; `limit` is the greatest pack, bytes. The hook
    finds the daemon at `socket`.
    """

    def __init__(self, folder: Path, *, socket: Path, limit: int) -> None:
        self._folder = folder
        self._hooks = folder / "hooks"
        self._scratch = folder / "tmp"
        self._socket = socket
        self._limit = limit

    async def open(self) -> None:
        try:
            await asyncio.to_thread(self._prepare)
        except OSError as error:
            raise _unusable(error) from error

    async def names(self) -> frozenset[str]:
        found = await asyncio.to_thread(lambda: list(self._folder.glob("*.git")))
        return frozenset(path.name.removesuffix(".git") for path in found)

    async def create(self, name: str) -> None:
        path = self._path(name)
        if path.exists():
            return
        fresh = self._scratch / secrets.token_hex(8)
        words = ["init", "--quiet", "--bare", "--template=", "--initial-branch=main"]
        try:
            await self._call([*words, "--", str(fresh)])
            with contextlib.suppress(OSError):  # somebody else was faster
                fresh.chmod(0o700)
                fresh.rename(path)
        finally:
            await _removed(fresh)

    async def advertise(self, name: str) -> bytes:
        words = ["receive-pack", "--stateless-rpc", "--advertise-refs", "--"]
        return await self._call([*words, str(self._path(name))])

    @contextlib.asynccontextmanager
    async def receive(
        self, name: str, *, variables: Mapping[str, str]
    ) -> AsyncIterator["GitReceiving"]:
        scratch = self._scratch / secrets.token_hex(8)
        _make(scratch)
        own = {"PAAS_SOCKET": str(self._socket), "TMPDIR": str(scratch)}
        try:
            words = ["receive-pack", "--stateless-rpc", "--", str(self._path(name))]
            process = await self._start(words, {**own, **variables})
            try:
                yield GitReceiving(process)
            finally:
                await _end(process)
        finally:
            await _removed(scratch)

    async def has_refs(self, name: str) -> bool:
        words = ["for-each-ref", "--count=1"]
        return bool(await self._call([f"--git-dir={self._path(name)}", *words]))

    async def rename(self, name: str, new: str) -> None:
        try:
            await asyncio.to_thread(self._path(name).rename, self._path(new))
        except OSError as error:
            raise _unusable(error) from error

    async def remove(self, name: str) -> None:
        await _removed(self._path(name))

    async def tidy(self, name: str) -> None:
        path = self._path(name)
        await asyncio.to_thread(_sweep, path, time.time())
        options = ["-c", f"gc.auto={LOOSE_OBJECTS}", "-c", "gc.autoDetach=false"]
        with contextlib.suppress(Unavailable):
            words = [f"--git-dir={path}", *options, "gc", "--auto", "--quiet"]
            await self._call(words, seconds=TIDY_SECONDS)

    def _prepare(self) -> None:
        for folder in (self._folder, self._hooks):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(mode=0o700)
        for left in self._folder.glob(f"*.git/objects/{_QUARANTINE}"):
            shutil.rmtree(left, ignore_errors=True)
        if " " in sys.executable or len(sys.executable) > LONGEST_PYTHON:
            raise OSError(errno.ENOEXEC, f"a hook cannot be started by {sys.executable!r}")
        hook = self._hooks / "pre-receive"
        fresh = self._scratch / "pre-receive"
        fresh.write_text(_HOOK.format(python=sys.executable, package=str(_PACKAGE)))
        fresh.chmod(0o700)
        fresh.replace(hook)

    async def _call(self, words: Sequence[str], *, seconds: float = CALL_SECONDS) -> bytes:
        """The output of a git that succeeds in time. Raises `Unavailable`."""
        process = await self._start(words, {})
        process.stdin.close()  # type: ignore[union-attr] # it is a pipe
        try:
            async with asyncio.timeout(seconds):
                output = await process.stdout.read()  # type: ignore[union-attr] # it is a pipe
                code = await process.wait()
        except TimeoutError:
            raise _broken(words, f"did not end within {seconds:g} s") from None
        finally:
            await _end(process)
        if code:
            raise _broken(words, f"ended with code {code}")
        return output

    async def _start(
        self, words: Sequence[str], variables: Mapping[str, str]
    ) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                *self._options(),
                *words,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env={**_environment(), **variables},
                cwd=self._folder,
                limit=PIECE,
                start_new_session=True,
            )
        except OSError as error:
            raise Unavailable(
                f"git cannot be started: {error.strerror or error}.",
                code="no_git",
                advice="Install git on the host of the daemon.",
            ) from error

    def _options(self) -> list[str]:
        settings = {
            "core.hooksPath": str(self._hooks),
            "receive.fsckObjects": "true",
            "receive.maxInputSize": str(self._limit),
            "receive.denyDeleteCurrent": "ignore",
            "receive.autogc": "false",
            **{f"receive.fsck.{mistake}": "ignore" for mistake in _TOLERATED},
        }
        return [word for key, value in settings.items() for word in ("-c", f"{key}={value}")]

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.git"


class GitReceiving:
    """One `git receive-pack`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._into = process.stdin
        self._out = process.stdout
        self._full = False

    async def write(self, data: bytes) -> None:
        if self._full:
            return
        try:
            self._into.write(data)
            await self._into.drain()
        except ConnectionError:
            self._full = True

    def finish(self) -> None:
        self._into.close()

    async def read(self) -> bytes:
        return await self._out.read(PIECE)

    async def accepted(self) -> bool:
        return await self._process.wait() == 0


def _environment() -> dict[str, str]:
    """What git and the hook see of the daemon's own environment: how to find programs."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }


def _make(folder: Path) -> None:
    """On the event loop, where it cannot be cancelled: a thread would make the folder after
    the push was given up and its folder removed.
    """
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise _unusable(error) from error


def _sweep(path: Path, now: float) -> None:
    """Remove what pushes had brought that broke off before `now`."""
    for left in path.glob(f"objects/{_QUARANTINE}"):
        with contextlib.suppress(OSError):
            if left.stat().st_mtime < now - CLOCK_TICK:
                shutil.rmtree(left, ignore_errors=True)


async def _removed(folder: Path) -> None:
    """In a thread that goes on when this is cancelled: it can take long."""
    await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


async def _end(process: asyncio.subprocess.Process) -> None:
    """See to it that nothing of the group is left: first kindly, then at once."""
    if process.returncode == 0:
        return
    try:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await process.wait()
    finally:
        _signal(process, signal.SIGKILL)


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _broken(words: Sequence[str], how: str) -> Unavailable:
    command = next((word for word in words if not word.startswith("-") and "=" not in word), "git")
    return Unavailable(
        f"git {command} {how}.",
        code="git_failed",
        advice="Look at the folder git of the data directory, its disk and permissions.",
    )


def _unusable(error: OSError) -> Unavailable:
    return Unavailable(
        f"The repositories cannot be used: {error.strerror or error}.",
        code="git_failed",
        advice="Look at the folder git of the data directory, its disk and permissions.",
    )
