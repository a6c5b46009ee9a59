"""`paas deploy --eject`: the Dockerfile that a folder without one is built with, written
into it.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from paas.cli.app import App
from paas.cli.trouble import CliError
from paas.core.languages import detect
from paas.core.languages.facts import Kind, survey
from paas.core.languages.plan import Plan
from paas.errors import Invalid


class LocalFolder:
    """A directory as `core.languages.facts.Folder`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def entries(self, path: str) -> Iterator[tuple[str, Kind]]:
        with os.scandir(self._root / path) as found:
            for entry in sorted(found, key=lambda one: one.name):
                yield entry.name, _kind(entry)

    def text(self, path: str, limit: int) -> str:
        with (self._root / path).open("rb") as file:
            return file.read(limit).decode("utf-8", "replace")


def eject(app: App, folder: Path) -> None:
    """Write the Dockerfile, and a `.dockerignore` where there is none. Raises `CliError`."""
    if not folder.is_dir():
        raise CliError(f"{folder} is not a folder.", advice="Give the folder with your program.")
    plan = _plan(folder)
    made = {"Dockerfile": plan.dockerfile, ".dockerignore": detect.ignore_file(plan)}
    written = [name for name, text in made.items() if _write(folder / name, text)]
    if "Dockerfile" not in written:
        raise CliError(
            f"{folder} already has a Dockerfile.",
            code="files_exist",
            advice="It is what is built. Move it away to have another one made.",
        )
    if app.json:
        app.out.json(
            {
                "language": plan.language,
                "framework": plan.framework,
                "reason": plan.reason,
                "hints": list(plan.hints),
                "dockerfile": plan.dockerfile,
                "files": written,
            }
        )
        return
    app.out.line(f"This is {plan.title}: {plan.reason}.")
    for hint in plan.hints:
        app.out.line(f"Note: {hint}")
    app.out.line(f"Written to {folder}: {', '.join(written)}. From now on they are yours.")


def _plan(folder: Path) -> Plan:
    try:
        return detect.choose(survey(LocalFolder(folder)))
    except Invalid as error:
        raise CliError(error.message, code=error.code, advice=error.advice) from error
    except OSError as error:
        raise CliError(f"{folder} cannot be read: {error.strerror or error}.") from error


def _kind(entry: os.DirEntry[str]) -> Kind:
    if entry.is_symlink():
        return Kind.OTHER
    if entry.is_dir(follow_symlinks=False):
        return Kind.FOLDER
    return Kind.FILE if stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode) else Kind.OTHER


def _write(path: Path, text: str) -> bool:
    """Whether it was written; what is there stays."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        return False
    except OSError as error:
        raise CliError(f"{path} cannot be written: {error.strerror or error}.") from error
    return True
