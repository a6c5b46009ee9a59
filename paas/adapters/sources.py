"""The `Sources` port: looks at a source for its language, and adds what is made for it.

No symbolic link is followed, neither in reading nor in writing. The work is done in a
thread: a source may hold ten thousand files.
"""

import asyncio
import os
import stat
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from paas.adapters.context import DEFAULT_DOCKERFILE, open_context
from paas.core.languages.facts import Facts, Kind, survey
from paas.errors import Failed, Invalid

_HELLO = resources.files("paas") / "hello"
HELLO_DOCKERFILE = """FROM scratch
COPY --chown=0:0 hello /hello
ENV PORT=8080
USER 10001:10001
EXPOSE 8080
ENTRYPOINT ["/hello"]
"""
ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


class LocalSources:
    """Sources that were unpacked on this machine."""

    async def survey(self, root: Path, *, build_dir: str) -> Facts | None:
        return await asyncio.to_thread(_survey, root, build_dir)

    async def add(self, root: Path, files: Mapping[str, str], *, build_dir: str) -> None:
        await asyncio.to_thread(_add, root / build_dir, files)

    async def hello(self, root: Path, *, architecture: str) -> None:
        await asyncio.to_thread(_hello, root, architecture)


class LocalFolder:
    """A directory as `core.languages.facts.Folder`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def entries(self, path: str) -> Iterator[tuple[str, Kind]]:
        with os.scandir(self._root / path) as found:
            for entry in sorted(found, key=lambda one: one.name):
                yield entry.name, _kind(entry)

    def text(self, path: str, limit: int) -> str:
        descriptor = os.open(self._root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(limit).decode("utf-8", "replace")


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return Kind.OTHER
    if entry.is_dir(follow_symlinks=False):
        return Kind.FOLDER
    return Kind.FILE if stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode) else Kind.OTHER


def _survey(root: Path, build_dir: str) -> Facts | None:
    try:
        open_context(root, dockerfile=DEFAULT_DOCKERFILE, build_dir=build_dir)
    except Invalid as error:
        if error.code != "no_dockerfile":
            raise
    else:
        return None
    folder = (root / build_dir).resolve()
    if os.path.lexists(folder / DEFAULT_DOCKERFILE):
        return None  # a directory or a broken link: the builder says what is wrong with it
    try:
        return survey(LocalFolder(folder))
    except OSError as error:
        raise Failed(
            f"The source could not be read: {error.strerror or error}.",
            code="source_unreadable",
            advice="Deploy again.",
        ) from error


def _add(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        try:
            with (folder / name).open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:  # also for a link to nowhere, and a directory of that name
            continue
        except OSError as error:
            raise Failed(
                f"{name} could not be written: {error.strerror or error}.",
                code="source_unwritable",
                advice="See that data_dir has room and is writable, and deploy again.",
            ) from error


def _hello(root: Path, architecture: str) -> None:
    name = ARCHITECTURES.get(architecture)
    if name is None:
        raise Failed(
            f"There is no hello program for an engine on {architecture}.",
            code="no_hello",
            advice=f"It is there for {' and '.join(ARCHITECTURES)}; deploy an image of your own.",
        )
    root.mkdir(parents=True, exist_ok=True)
    (root / "Dockerfile").write_text(HELLO_DOCKERFILE)
    program = root / "hello"
    program.write_bytes((_HELLO / f"hello-{name}").read_bytes())
    program.chmod(0o755)
