"""A relay between two unix sockets that can be cut and mended."""

import asyncio
from contextlib import suppress
from pathlib import Path


class Relay:
    """Listens at `path` and passes everything on to `target`, until cut. A connection that
    begins with a request for `without` gets 404 instead.
    """

    def __init__(self, path: Path, target: str, *, without: str = "") -> None:
        self.path = path
        self._without = without
        self.accepted = 0
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[object]] = set()

    async def listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_unix_server(self._accept, self.path)

    async def cut(self) -> None:
        """Reset every connection; new ones are taken."""
        for writer in self._open:
            writer.transport.abort()
        if self._serving:
            await asyncio.wait(self._serving, timeout=2)

    async def close(self) -> None:
        """Reset every connection and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self.path.unlink(missing_ok=True)
        await self.cut()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        self.accepted += 1
        begun = await reader.readline() if self._without else b""
        if self._without and self._without in begun.decode("latin-1"):
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            self._serving.discard(task)
            return
        other_reader, other = await asyncio.open_unix_connection(self._target)
        other.write(begun)
        self._open |= {writer, other}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, other))
                group.create_task(_pump(other_reader, writer))
        finally:
            self._serving.discard(task)
            for end in (writer, other):
                self._open.discard(end)
                end.close()
                with suppress(OSError):
                    await end.wait_closed()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
