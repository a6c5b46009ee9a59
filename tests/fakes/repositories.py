"""Repositories in memory, which pass the same contract suite as git does."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paas.core.git_refs import named
from paas.core.git_urls import check_ref, check_subdir, is_commit, parse_url
from paas.errors import Denied, Invalid, NotFound
from paas.ports import GitLogin, RepositorySpec

Files = Mapping[str, str]


@dataclass(slots=True, kw_only=True)
class FakeRepository:
    """`commits` by id in order; `refs` name some of them, HEAD among them."""

    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    login: GitLogin | None = None


class FakeRepositories:
    """`delay` seconds pass before each fetch."""

    def __init__(self) -> None:
        self.known: dict[str, FakeRepository] = {}
        self.delay = 0.0
        self.fetched: list[RepositorySpec] = []

    async def fetch(
        self, wanted: RepositorySpec, into: Path, *, progress: Callable[[str], None]
    ) -> str:
        _check(wanted)
        self.fetched.append(wanted)
        await asyncio.sleep(self.delay)
        found = self.known.get(wanted.url)
        if found is None:
            raise NotFound(f"There is no {wanted.url}.", code="repository_not_found", advice="?")
        if found.login is not None and wanted.login != found.login:
            kind = "refused" if wanted.login else "needed"
            raise Denied("No entry.", code=f"repository_login_{kind}", advice="?")
        commit = _resolve(found, wanted.ref)
        progress(f"Commit {commit}")
        _write(found.commits[commit], wanted.subdir, into)
        return commit

    async def clean(self) -> None:
        """Nothing is left."""


def _check(wanted: RepositorySpec) -> None:
    try:
        parse_url(wanted.url)
        check_subdir(wanted.subdir)
        check_ref(wanted.ref or "main")
    except ValueError as error:
        raise Invalid(str(error), code="bad_repository_url", advice="?") from error


def _resolve(found: FakeRepository, ref: str) -> str:
    for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}") if ref else ("HEAD",):
        if name in found.refs:
            return found.refs[name]
    commits = [one for one in found.commits if is_commit(ref) and one.startswith(ref)]
    if not commits:
        raise NotFound(f"No {ref!r}.", code="ref_not_found", advice=named(found.refs))
    return commits[0]


def _write(files: Files, subdir: str, into: Path) -> None:
    top = f"{subdir}/" if subdir else ""
    inside = {name[len(top) :]: text for name, text in files.items() if name.startswith(top)}
    if not inside:
        raise Invalid(f"No directory {subdir!r}.", code="subdir_not_found", advice="?")
    for name, text in inside.items():
        path = into / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
