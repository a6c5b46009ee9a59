"""Repositories made for tests, by the real git."""

import os
import subprocess
from pathlib import Path

_ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ann",
    "GIT_AUTHOR_EMAIL": "ann@example.com",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_NAME": "Ann",
    "GIT_COMMITTER_EMAIL": "ann@example.com",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


class Repo:
    """A bare repository `path` that is served, filled through a work tree beside it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = path.with_suffix(".tree")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._run("git", "init", "-q", "--bare", "-b", "main", str(path), at=path.parent)
        self._run("git", "init", "-q", "-b", "main", str(self.tree), at=path.parent)

    def commit(self, files: dict[str, str | bytes], *, branch: str = "main") -> str:
        """The files as they are, committed and pushed; the commit's id."""
        for name, content in files.items():
            file = self.tree / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "-A", "-f")
        return self.push(branch)

    def push(self, branch: str = "main") -> str:
        """What is staged, as a commit of that branch."""
        self.git("commit", "-q", "--allow-empty", "-m", "a change")
        self.git("push", "-q", "-f", str(self.path), f"HEAD:refs/heads/{branch}")
        return self.git("rev-parse", "HEAD")

    def tag(self, name: str) -> None:
        """An annotated tag of the last commit."""
        self.git("tag", "-a", "-m", "a tag", name)
        self.git("push", "-q", str(self.path), f"refs/tags/{name}")

    def link(self, path: str, commit: str) -> None:
        """Stage a gitlink."""
        self.git("update-index", "--add", "--cacheinfo", f"160000,{commit},{path}")

    def git(self, *words: str) -> str:
        return self._run("git", *words, at=self.tree)

    @staticmethod
    def _run(*words: str, at: Path) -> str:
        done = subprocess.run(words, cwd=at, env=_ENVIRON, check=True, capture_output=True)
        return done.stdout.decode().strip()
