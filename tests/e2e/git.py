"""Work trees of a real git that push to a daemon."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.e2e import apps

SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    text: str


class WorkTree:
    """One branch `main`; every commit's files are a source to deploy."""

    def __init__(self, folder: Path, *, variables: dict[str, str] | None = None) -> None:
        self.folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            **{f"GIT_{who}_NAME": "Ann" for who in ("AUTHOR", "COMMITTER")},
            **{f"GIT_{who}_EMAIL": "ann@example.com" for who in ("AUTHOR", "COMMITTER")},
            **(variables or {}),
        }
        folder.mkdir()
        self.done("init", "-q", "-b", "main")

    def commit(self, source: apps.Source) -> str:
        """Its id."""
        for link in source.links:
            (self.folder / link).unlink(missing_ok=True)
        source.folder(self.folder)
        self.done("add", "-A")
        self.done("commit", "-q", "-m", "work")
        return self.done("rev-parse", "HEAD")

    def start(self, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["git", *words],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, *words: str) -> Ran:
        return finished(self.start(*words))

    def done(self, *words: str) -> str:
        ran = self.run(*words)
        assert ran.code == 0, ran.text
        return ran.text.strip()


def finished(process: "subprocess.Popen[str]") -> Ran:
    text, _ = process.communicate(timeout=SECONDS)
    return Ran(code=process.returncode, text=text)
