"""A real git as its users have it, beside a daemon in the same event loop."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from tests.integration.api.rig import PORT, TOKEN, World

SECONDS = 30.0
DOCKERFILE = f"FROM scratch\nEXPOSE {PORT}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    out: str
    err: str


class Clone:
    """A work tree with one remote: the world's daemon."""

    def __init__(self, paas: World, folder: Path, *, token: str = TOKEN) -> None:
        self._paas = paas
        self._folder = folder
        self.token = token

    async def make(self, *, branch: str = "main") -> "Clone":
        self._folder.mkdir(exist_ok=True)
        await self.done("init", "-q", "-b", branch)
        await self.commit(Dockerfile=DOCKERFILE)
        return self

    def url(self, service: str = "shop") -> str:
        return f"http://ann:{self.token}@{self._paas.server.address}/git/{service}.git"

    async def commit(self, **files: str) -> str:
        """The new commit's id."""
        for name, text in files.items():
            (self._folder / name).write_text(text)
        await self.done("add", "-A")
        await self.done("commit", "-q", "--allow-empty", "-m", "work")
        return await self.done("rev-parse", "HEAD")

    async def push(self, *refs: str, service: str = "shop") -> Ran:
        return await self.run("push", self.url(service), *(refs or ("main",)))

    async def start(self, *words: str) -> asyncio.subprocess.Process:
        """A git that is not waited for."""
        return await asyncio.create_subprocess_exec(
            "git",
            *words,
            cwd=self._folder,
            env=_environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )

    async def run(self, *words: str) -> Ran:
        return await finished(await self.start(*words))

    async def done(self, *words: str) -> str:
        """The output of a git that succeeds."""
        ran = await self.run(*words)
        assert ran.code == 0, ran
        return ran.out.strip()

    async def remote(self, service: str = "shop") -> dict[str, str]:
        """Refs of the daemon's repository by name, as it advertises them."""
        folder = self._paas.settings.data_dir / "git"
        service_id = (await self._paas.call("GET", f"/v1/services/{service}")).json["id"]
        words = ("--git-dir", str(folder / f"{service_id}.git"), "for-each-ref")
        lines = (await self.done(*words, "--format=%(refname) %(objectname)")).splitlines()
        return dict(line.split(" ") for line in lines)


async def interrupt(process: asyncio.subprocess.Process) -> None:
    """As Ctrl-C does: git and the helpers that it started."""
    os.killpg(process.pid, signal.SIGINT)
    await finished(process)


async def finished(process: asyncio.subprocess.Process) -> Ran:
    async with asyncio.timeout(SECONDS):
        out, err = await process.communicate()
    assert process.returncode is not None
    return Ran(code=process.returncode, out=out.decode(), err=err.decode())


def _environment() -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.com",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.com",
    }
