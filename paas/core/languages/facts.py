"""What is looked at of a source: names of files, and the texts of a few small ones.

Only plain files count, in the first `DEPTH` levels, which the `.dockerignore` leaves in.
Names with unusual characters are passed over, so that every name of `Facts` can stand in
a Dockerfile as it is.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from paas.core import dockerignore
from paas.core.dockerignore import ROOT, IgnoreRules, Verdict

DEPTH = 4
MOST_ENTRIES = 10_000
TEXT_LIMIT = 256 * 1024
"""Bytes that are read of a file."""

MOST_TEXTS = 200
SKIPPED = frozenset({".git", ".venv", "venv", "node_modules", "vendor", "__pycache__", ".tox"})
"""Directories that are never looked into; the top level's names still tell of them."""

_PLAIN = re.compile(r"[\w.@+-]+", re.ASCII)
_READ = frozenset(
    {
        "package.json", ".nvmrc", ".node-version", ".python-version", "runtime.txt",
        "requirements.txt", "pyproject.toml", "Pipfile", "go.mod", "pom.xml", "build.gradle",
        "build.gradle.kts", "composer.json", "Procfile",
    }
)  # fmt: skip
_READ_ENDS = (".py", ".go")


class Kind(Enum):
    FILE = "file"
    FOLDER = "folder"
    OTHER = "other"


class Folder(Protocol):
    """A directory tree to look at. Links are `OTHER` and are not followed."""

    def entries(self, path: str) -> Iterable[tuple[str, Kind]]:
        """Names in the directory `path` (empty: the top) and what they are."""

    def text(self, path: str, limit: int) -> str:
        """The first `limit` bytes of a file, whatever its bytes are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`files` are paths with `/`, `top` the names at the top level, `texts` what was read."""

    files: frozenset[str]
    top: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)

    def has(self, *paths: str) -> str | None:
        """The first of the paths that is a file of the source."""
        return next((path for path in paths if path in self.files), None)

    def text(self, path: str) -> str:
        """What is in that file; empty when it is not there."""
        return self.texts.get(path, "")

    def under(self, folder: str) -> bool:
        """Whether a file is in that directory."""
        return any(path.startswith(f"{folder}/") for path in self.files)


def survey(folder: Folder) -> Facts:
    """The facts of a source. Raises what `folder` raises, and `Invalid` (`bad_dockerignore`)."""
    top = list(folder.entries(""))
    ignored = any(name == ".dockerignore" and kind is Kind.FILE for name, kind in top)
    rules = dockerignore.parse(folder.text(".dockerignore", TEXT_LIMIT) if ignored else "")
    files = _walk(folder, rules)
    wanted = sorted(filter(_is_read, files), key=lambda path: (path.count("/"), path))
    texts = {path: folder.text(path, TEXT_LIMIT) for path in wanted[:MOST_TEXTS]}
    return Facts(files=frozenset(files), top=tuple(sorted(name for name, _ in top)), texts=texts)


def _walk(folder: Folder, rules: IgnoreRules) -> list[str]:
    """Breadth first, so that the entries' cap cuts off what is deepest."""
    found: list[str] = []
    count = 0
    level: list[tuple[str, Verdict]] = [("", ROOT)]
    for _ in range(DEPTH):
        below: list[tuple[str, Verdict]] = []
        for path, above in level:
            for name, kind in folder.entries(path):
                count += 1
                if count > MOST_ENTRIES:
                    return found
                if not _PLAIN.fullmatch(name) or kind is Kind.OTHER:
                    continue
                inner = f"{path}/{name}" if path else name
                verdict = rules.judge(inner, above)
                if kind is Kind.FOLDER and name not in SKIPPED:
                    below.append((inner, verdict))
                elif kind is Kind.FILE and not verdict.ignored:
                    found.append(inner)
        level = below
    return found


def _is_read(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name in _READ or name.endswith(_READ_ENDS)
