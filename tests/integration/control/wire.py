"""A plain HTTP client: one request on a connection of its own."""

import asyncio
import io
import secrets
import tarfile
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`code` is our own error code, empty when the replica answered."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def code(self) -> str:
        return self.headers.get("x-paas-error", "")

    @property
    def replica(self) -> str:
        return self.headers.get("x-replica", "")


async def request(
    host: str, port: int, *, at: str = "127.0.0.1", path: str = "/", method: str = "GET"
) -> Answer:
    """Ask the proxy at that port for that host."""
    async with asyncio.timeout(DEADLINE):
        reader, writer = await asyncio.open_connection(at, port)
        try:
            head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            return _answer(await reader.read())
        finally:
            writer.close()
            await writer.wait_closed()


def pack(folder: Path, files: dict[str, str]) -> Path:
    """A tar.gz of those files, as the API leaves it in the uploads directory."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / secrets.token_hex(8)
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def _answer(data: bytes) -> Answer:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    return Answer(status=int(first.split()[1]), headers=headers, body=body.decode())
