"""The small applications that paas brings along, as archives for the deploy form."""

import functools
import io
import tarfile
from importlib.resources import files
from importlib.resources.abc import Traversable

_FOLDER = files("paas") / "templates"


@functools.cache
def languages() -> tuple[str, ...]:
    """For which there is one, in order."""
    return tuple(sorted(one.name for one in _FOLDER.iterdir() if one.is_dir()))


@functools.cache
def packed(language: str) -> bytes:
    """The application's files as a tar; `language` is one of `languages`."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        _add(archive, _FOLDER / language, "")
    return into.getvalue()


def _add(archive: tarfile.TarFile, folder: Traversable, above: str) -> None:
    for one in sorted(folder.iterdir(), key=lambda each: each.name):
        path = f"{above}{one.name}"
        if one.name == "__pycache__":
            continue
        if one.is_dir():
            _add(archive, one, f"{path}/")
            continue
        content = one.read_bytes()
        info = tarfile.TarInfo(path)
        info.size, info.mode = len(content), 0o644
        archive.addfile(info, io.BytesIO(content))
