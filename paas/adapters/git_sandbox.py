"""Runs git and nothing else: without shell, prompt, hooks and the configuration of anybody,
as a user of no rights where we are root, and never for longer or with more disk than
allowed. When the daemon dies, so does what it runs.
"""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from paas.errors import Failed, TooLarge, Unavailable

POLL = 0.2
MOST_OUTPUT = 8 * 1024**2
LAST_OUTPUT = 64 * 1024
ADDRESS_SPACE = 3 * 1024**3 // 2
"""Bytes of memory and mapped files that one git may use, beside the pack itself."""
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """How a command ended; `out` is empty where it went to a file."""

    code: int
    out: bytes
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """`size` is bytes on disk, `seconds` the time of one command."""

    size: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LowUser:
    """Whom git runs as; `uid` None means the daemon's own user."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def named(cls, name: str) -> "LowUser":
        """That user where we may become it. Raises `Unavailable` (`no_git_user`)."""
        if os.geteuid() != 0 or not name:
            return cls()
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            raise Unavailable(
                f"There is no user {name!r} on this machine to run git as.",
                code="no_git_user",
                advice="Set git.user to a user that has no rights, such as nobody.",
            ) from None
        return cls(uid=found.pw_uid, gid=found.pw_gid)

    def own(self, path: Path) -> None:
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


class Sandbox:
    """A folder of its own for one fetch; use `open_sandbox`. It stays ours, so that nothing
    we write in it goes astray; git may write in those folders in it that are handed over.
    """

    def __init__(self, folder: Path, user: LowUser, caps: Caps) -> None:
        self.folder = folder
        self._user = user
        self._caps = caps

    def write(self, name: str, text: str, *, executable: bool = False) -> Path:
        """A file that git, once it is handed over, and we alone can read."""
        path = self.folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(path, flags, 0o700 if executable else 0o600), "w") as file:
            file.write(text)
        return path

    def hand_over(self, name: str) -> None:
        """Folder and content are git's from here on; write nothing more there."""
        top = self.folder / name
        for path in (*top.rglob("*"), top):
            self._user.own(path)

    def runnable(self, path: Path) -> bool:
        """Whether git's user may run that program."""
        if self._user.uid is None:
            return os.access(path, os.X_OK)
        return all(place.stat().st_mode & stat.S_IXOTH for place in (path, *path.parents))

    async def run(
        self,
        *command: str,
        environ: Mapping[str, str],
        into: IO[bytes] | None = None,
        most: int = MOST_OUTPUT,
        pulse: Callable[[int], None] = lambda _size: None,
    ) -> Finished:
        """Run to the end. `most` bounds each file that it writes; `pulse` is told now and
        then how many bytes the folder holds.

        Raises `TooLarge` (`repository_too_large`), `Failed` (`repository_timeout`).
        """
        with contextlib.ExitStack() as stack:
            out = into or stack.enter_context(tempfile.TemporaryFile())
            err = stack.enter_context(tempfile.TemporaryFile())
            process = await asyncio.create_subprocess_exec(
                *self._confined(most),
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=self.folder,
                env=self._environ(environ),
                start_new_session=True,
            )
            try:
                code = await self._watch(process, pulse)
            finally:
                await _end(process)
            return Finished(
                code=code,
                out=b"" if into else _read(out, MOST_OUTPUT),
                err=_read(err, LAST_OUTPUT).decode("utf-8", "replace"),
            )

    async def is_full(self) -> bool:
        """Whether it holds all that it may, so that a command failed for that."""
        size = await asyncio.to_thread(size_of, self.folder)
        return size + LAST_OUTPUT >= self._caps.size

    async def _watch(
        self, process: asyncio.subprocess.Process, pulse: Callable[[int], None]
    ) -> int:
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._caps.seconds
        while clock() < deadline:
            with suppress(TimeoutError):
                async with asyncio.timeout(POLL):
                    return await process.wait()
            size = await asyncio.to_thread(size_of, self.folder)
            if size > self._caps.size:
                raise too_large(self._caps.size)
            pulse(size)
        raise timed_out(self._caps.seconds)

    def _confined(self, most: int) -> list[str]:
        """What stands before the command: limits, another user, an end with the daemon's."""
        size = max(most, LAST_OUTPUT)
        words = ["prlimit", f"--fsize={size}", f"--as={ADDRESS_SPACE + size}", "--core=0"]
        words += ["setpriv", "--no-new-privs", "--pdeathsig", "TERM"]
        words += ["--ambient-caps=-all", "--inh-caps=-all"]  # the daemon may have some
        if self._user.uid is not None:
            words += ["--reuid", str(self._user.uid), "--regid", str(self._user.gid)]
            words += ["--clear-groups"]
        return [*words, "timeout", "--kill-after=2", f"{self._caps.seconds + 5:.0f}"]

    def _environ(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            "PATH": SEARCH_PATH,
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LC_ALL": "C",
            **more,
        }


@asynccontextmanager
async def open_sandbox(
    root: Path, prefix: str, *, user: LowUser, caps: Caps
) -> AsyncIterator[Sandbox]:
    """A sandbox below `root`, which is removed afterwards."""
    folder = _make_folder(root, prefix)
    try:
        yield Sandbox(folder, user, caps)
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))


def _make_folder(root: Path, prefix: str) -> Path:
    """Ours, but open for git to go through."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
    folder.chmod(0o711)
    return folder


def size_of(folder: Path) -> int:
    """Bytes on disk below a folder that may change while we look."""
    total, stack = 0, [str(folder)]
    while stack:
        with suppress(OSError), os.scandir(stack.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        stack.append(entry.path)
    return total


def too_large(most: int) -> TooLarge:
    return TooLarge(
        f"The repository is larger than {most:,} bytes.",
        code="repository_too_large",
        advice="Take large files out of it, or have the operator raise git.bytes.",
    )


def timed_out(seconds: float) -> Failed:
    return Failed(
        f"The repository was not fetched within {seconds:g} s.",
        code="repository_timeout",
        advice="See whether its server answers and how large it is; the operator can raise "
        "git.timeout.",
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    """End all that the command started: it leads a process group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


def _read(file: IO[bytes], most: int) -> bytes:
    """The last bytes of what was written."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - most))
    return file.read(most)
