"""Small programs made of a static busybox, as sources to deploy.

`Source` is a set of files that can be packed in every form the product takes.
`web` serves a text on `/` and small programs under `/cgi-bin/`.
"""

import io
import os
import shutil
import stat
import tarfile
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.e2e.engine import RUN_LABEL

BUSYBOX = Path(shutil.which("busybox") or "/bin/busybox")
APPLETS = ("cat", "dd", "echo", "env", "head", "httpd", "nc", "printf", "rm", "sh", "sleep", "tail")
RUN = f"{os.getpid()}"
SERVE = "exec httpd -f -p $PORT -h /www"

_SLOW = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
sleep ${QUERY_STRING:-0}
cat /www/index.html
"""
_ENV = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
env
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Files and symbolic links by path; executables end in no suffix and are under bin."""

    files: dict[str, bytes]
    links: dict[str, str] = field(default_factory=dict)

    def plus(self, **files: str) -> "Source":
        """The source with more files; `__` in a name is a slash."""
        extra = {name.replace("__", "/"): text.encode() for name, text in files.items()}
        return replace(self, files=self.files | extra)

    def targz(self) -> bytes:
        return self._tar("w:gz")

    def tar(self) -> bytes:
        return self._tar("w")

    def zip(self) -> bytes:
        into = io.BytesIO()
        with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, content in self.files.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFREG | _mode(name)) << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
            for name, target in self.links.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, target)
        return into.getvalue()

    def folder(self, path: Path) -> Path:
        """The source as files under `path`."""
        for name, content in self.files.items():
            file = path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(_mode(name))
        for name, target in self.links.items():
            (path / name).symlink_to(target)
        return path

    def _tar(self, mode: str) -> bytes:
        into = io.BytesIO()
        level = {"compresslevel": 1} if mode == "w:gz" else {}
        with tarfile.open(fileobj=into, mode=mode, **level) as archive:  # type: ignore[call-overload]
            for name, content in self.files.items():
                info = tarfile.TarInfo(name)
                info.size, info.mode = len(content), _mode(name)
                archive.addfile(info, io.BytesIO(content))
            for name, target in self.links.items():
                info = tarfile.TarInfo(name)
                info.type, info.linkname = tarfile.SYMTYPE, target
                archive.addfile(info)
        return into.getvalue()


def program(script: str, *, build: str = "", files: dict[str, str] | None = None) -> Source:
    """A program that runs `script` in a shell; `build` is more lines of its Dockerfile."""
    dockerfile = (
        f"FROM scratch\nLABEL {RUN_LABEL}={RUN}\nCOPY root/ /\n{build}\nCMD {_words(script)}\n"
    )
    more = {f"root/{name}": text.encode() for name, text in (files or {}).items()}
    return Source(
        files={"Dockerfile": dockerfile.encode(), "root/bin/busybox": BUSYBOX.read_bytes()} | more,
        links={f"root/bin/{name}": "busybox" for name in APPLETS},
    )


def web(text: str, *, before: str = "", build: str = "") -> Source:
    """Answers `text`; runs the shell line `before` first."""
    script = f"{before}; {SERVE}" if before else SERVE
    pages = {"www/index.html": text, "www/cgi-bin/slow": _SLOW, "www/cgi-bin/env": _ENV}
    return program(script, build=build, files=pages)


def _mode(name: str) -> int:
    return 0o755 if "/bin/" in name or "/cgi-bin/" in name else 0o644


def _words(script: str) -> str:
    escaped = script.replace("\\", "\\\\").replace('"', '\\"')
    return f'["sh", "-c", "{escaped}"]'
