"""The `Zone` port: a command of the operator's that sets records of the DNS.

It is called as `<command> set NAME TEXT` and `<command> clear NAME TEXT`, without a shell,
and has to return when the record can be seen.
"""

import asyncio
import contextlib
import os
import signal
import tempfile
from collections.abc import Sequence

from paas.errors import Failed

SECONDS = 300.0
SHOWN = 300


class HookZone:
    """By that program and its first arguments."""

    def __init__(self, command: Sequence[str], *, seconds: float = SECONDS) -> None:
        self._command = tuple(command)
        self._seconds = seconds

    async def put(self, name: str, text: str) -> None:
        await self._run("set", name, text)

    async def clear(self, name: str, text: str) -> None:
        await self._run("clear", name, text)

    async def _run(self, *words: str) -> None:
        if not self._command:
            raise _failed("there is none")
        with tempfile.TemporaryFile() as out:
            try:
                process = await asyncio.create_subprocess_exec(
                    *("setpriv", "--pdeathsig", "TERM", "--", *self._command, *words),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                )
            except OSError as error:
                raise _failed(error.strerror or "it cannot be run") from error
            code = await self._wait(process)
            if code:
                out.seek(0)
                said = " ".join(out.read(SHOWN).decode("utf-8", "replace").split())
                raise _failed(f"it ended with code {code}: {said}")

    async def _wait(self, process: asyncio.subprocess.Process) -> int:
        try:
            async with asyncio.timeout(self._seconds):
                return await process.wait()
        except TimeoutError as error:
            raise _failed(f"it did not end within {self._seconds:g} s") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await asyncio.shield(process.wait())


def _failed(reason: str) -> Failed:
    return Failed(
        f"The command that sets DNS records failed: {reason}.",
        code="dns_hook_failed",
        advice="Run the command of acme.dns_hook by hand: COMMAND set NAME TEXT.",
    )
