"""The `Repositories` port, by the command `git` in a sandbox.

Nothing is ever checked out by git: a bare repository is fetched, and `git archive` of the
one commit goes through the unpacker of uploads with all its limits. So no hook, filter,
`.git` directory or path of the repository has anything to act on. Submodules are fetched
one by one in the same way, by URLs that passed the same rules.
"""

import asyncio
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from paas.adapters import git_errors
from paas.adapters.archives import ArchiveUnpacker
from paas.adapters.git_gate import Gate, bad_url
from paas.adapters.git_http import CheckedHttp
from paas.adapters.git_lfs import Lfs
from paas.adapters.git_remote import Remote, Trust, open_remote
from paas.adapters.git_sandbox import (
    Caps,
    Finished,
    LowUser,
    Sandbox,
    open_sandbox,
    timed_out,
    too_large,
)
from paas.core import git_refs
from paas.core.git_urls import GitUrl, check_ref, check_subdir, is_commit, relative_url
from paas.errors import Conflict, FieldError, Invalid, NotFound, PaasError, TooLarge
from paas.ports.fetching import GitLogin, RepositorySpec

SOURCE = "refs/paas/source"
DEEP = 1000
"""Commits of each branch in which an abbreviated commit, or one that a server does not give
by its id, is looked for."""
MOST_SUBMODULES = 30
DEEPEST = 4
OLDEST_GIT = (2, 37)
TAR_SLACK = 2048
"""Bytes that tar adds to each entry, about."""
TELL_SECONDS = 5.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchCaps:
    """`size` bytes and `seconds` of fetching; `unpacked` bytes and `entries` of the tree."""

    size: int
    seconds: float
    unpacked: int
    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`scratch` is where the sandboxes are made, with names that begin with `prefix`."""

    scratch: Path
    prefix: str


@dataclass(slots=True, kw_only=True)
class _Visit:
    """One fetch: how many repositories it took so far, and whose login it has."""

    sandbox: Sandbox
    say: Say
    lfs: bool
    submodules: bool
    login: GitLogin | None
    origin: tuple[str, str, int]
    repositories: int = 0

    def login_for(self, url: GitUrl) -> GitLogin | None:
        return self.login if url.origin == self.origin else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    url: GitUrl
    ref: str
    subdir: str
    into: Path
    depth: int = 0


class GitRepositories:
    """Runs git as `user`; see `git_sandbox` and `git_remote` for what that may do."""

    def __init__(
        self, caps: FetchCaps, *, gate: Gate, trust: Trust, user: LowUser, places: Places
    ) -> None:
        self._caps = caps
        self._gate = gate
        self._trust = trust
        self._user = user
        self._places = places
        self._http = CheckedHttp(gate, trust.ca_file)
        self._lfs = Lfs(self._http, most=caps.unpacked)
        self._unpacker = ArchiveUnpacker(
            size=caps.unpacked, entries=caps.entries, ratio=1000, strip=False
        )

    async def fetch(self, wanted: RepositorySpec, into: Path, *, progress: Say) -> str:
        """As the port says. Cancelled, it leaves nothing either."""
        url, ref, subdir = self._checked(wanted)
        caps = Caps(size=self._caps.size, seconds=self._caps.seconds)
        work = _Wanted(url=url, ref=ref, subdir=subdir, into=into)
        root, prefix = self._places.scratch, self._places.prefix
        try:
            async with (
                asyncio.timeout(self._caps.seconds),
                open_sandbox(root, prefix, user=self._user, caps=caps) as sandbox,
            ):
                visit = _Visit(
                    sandbox=sandbox,
                    say=progress,
                    lfs=wanted.lfs,
                    submodules=wanted.submodules,
                    login=wanted.login,
                    origin=url.origin,
                )
                await _check_version(sandbox)
                return await self._take(visit, work)
        except TimeoutError:
            await _remove(into)
            raise timed_out(self._caps.seconds) from None
        except OSError as error:
            await _remove(into)
            raise git_errors.outside(error) from error
        except BaseException:
            await _remove(into)
            raise

    async def clean(self) -> None:
        """At start: remove the sandboxes of a former daemon."""
        for folder in self._places.scratch.glob(f"{self._places.prefix}*"):
            await _remove(folder)

    # ---- one repository

    async def _take(self, visit: _Visit, wanted: _Wanted) -> str:
        visit.repositories += 1
        remote, revision = await self._fetched(visit, wanted)
        visit.say(f"Commit {revision}")
        await self._check_subdir(remote, revision, wanted.subdir)
        await self._unpack(remote, f"{revision}:{wanted.subdir}", wanted.into)
        login = visit.login_for(remote.url)
        if visit.lfs:
            await self._lfs.fill(wanted.into, remote, login, say=visit.say)
        if visit.submodules:
            at = replace(wanted, url=remote.url)
            await self._submodules(visit, at, remote, revision)
        return revision

    async def _fetched(self, visit: _Visit, wanted: _Wanted) -> tuple[Remote, str]:
        """The repository with the commit in it, and the commit's id."""
        where = f"{wanted.url.text} {wanted.ref}".rstrip()
        visit.say(f"Fetching {where}")
        remote = await self._open(visit, wanted.url, f"r{visit.repositories}")
        patterns = git_refs.candidates(wanted.ref)
        listed = await remote.git("ls-remote", "--quiet", "--", remote.url.text, *patterns)
        if listed.code and git_errors.is_redirect(listed.err):
            url = await self._http.redirect(remote.url, visit.login_for(remote.url))
            visit.say(f"The server redirects to {url.text}")
            remote = await self._open(visit, url, f"r{visit.repositories}b")
            listed = await remote.git("ls-remote", "--quiet", "--", url.text, *patterns)
        self._succeeded(listed, remote, visit)
        refs = git_refs.parse_listed(listed.out.decode("utf-8", "replace"))
        name = next((one for one in patterns if one in refs), None)
        if name is not None:
            await self._fetch_into(remote, visit, name)
            return remote, await _commit(remote, SOURCE)
        if is_commit(wanted.ref):
            return remote, await self._find_commit(remote, visit, wanted.ref.lower())
        raise await self._no_ref(remote, wanted.ref)

    async def _open(self, visit: _Visit, url: GitUrl, name: str) -> Remote:
        return await open_remote(
            url,
            visit.login_for(url),
            gate=self._gate,
            sandbox=visit.sandbox,
            name=name,
            trust=self._trust,
        )

    async def _find_commit(self, remote: Remote, visit: _Visit, commit: str) -> str:
        """By its id where the server gives it so, else among the last of each branch."""
        if len(commit) in {40, 64}:
            direct = await self._fetch(remote, visit, f"+{commit}:{SOURCE}", depth=1)
            if direct.code == 0:
                return await _commit(remote, SOURCE)
            if not git_errors.is_missing_ref(direct.err):
                self._succeeded(direct, remote, visit)
        visit.say(f"Looking for {commit} in the last {DEEP} commits of each branch and tag")
        refs = ("+refs/heads/*:refs/paas/heads/*", "+refs/tags/*:refs/paas/tags/*")
        self._succeeded(await self._fetch(remote, visit, *refs, depth=DEEP), remote, visit)
        return await _commit(remote, commit)

    async def _fetch_into(self, remote: Remote, visit: _Visit, name: str) -> None:
        self._succeeded(await self._fetch(remote, visit, f"+{name}:{SOURCE}"), remote, visit)

    async def _fetch(
        self, remote: Remote, visit: _Visit, *refspecs: str, depth: int = 1
    ) -> Finished:
        options = (f"--depth={depth}", "--no-tags", "--no-write-fetch-head", "--quiet")
        arguments = ("fetch", *options, "--", remote.url.text, *refspecs)
        fetched = await remote.git(*arguments, most=self._caps.size, pulse=_Pulse(visit.say))
        if fetched.code and await visit.sandbox.is_full():
            raise too_large(self._caps.size)
        return fetched

    async def _no_ref(self, remote: Remote, ref: str) -> PaasError:
        listed = await remote.git("ls-remote", "--quiet", "--heads", "--", remote.url.text)
        refs = git_refs.parse_listed(listed.out.decode("utf-8", "replace"))
        branches = git_refs.named(refs)
        if not ref and not branches:
            return Invalid(
                f"The repository {remote.url.text} is empty.",
                code="empty_repository",
                advice="Push a commit to it, then deploy again.",
            )
        wanted = f"{ref!r}" if ref else "default branch"
        return NotFound(
            f"{remote.url.text} has no {wanted}.",
            code="ref_not_found",
            advice=f"Give a branch, tag or commit. Branches: {branches or 'none'}.",
        )

    def _succeeded(self, finished: Finished, remote: Remote, visit: _Visit) -> None:
        """Raises what git said."""
        if finished.code == 0:
            return
        login = visit.login_for(remote.url)
        raise git_errors.translated(finished.err, remote.url, login=login)

    # ---- the tree

    async def _check_subdir(self, remote: Remote, revision: str, subdir: str) -> None:
        kind = await remote.git("cat-file", "-t", f"{revision}:{subdir}")
        if kind.out.strip() == b"tree":
            return
        listed = await remote.git("ls-tree", "-d", "--name-only", "-z", revision)
        names = [name for name in listed.out.decode("utf-8", "replace").split("\0") if name]
        raise Invalid(
            f"There is no directory {subdir!r} in commit {revision[:12]}.",
            code="subdir_not_found",
            advice=f"Directories at its top: {', '.join(names[:20]) or 'none'}.",
            fields=(FieldError(field="source.subdir", message="must be a directory there"),),
        )

    async def _unpack(self, remote: Remote, tree: str, into: Path) -> None:
        into.parent.mkdir(parents=True, exist_ok=True)
        most = self._caps.unpacked + self._caps.entries * TAR_SLACK
        with tempfile.NamedTemporaryFile(dir=into.parent, prefix=f".{into.name}.") as file:
            packed = await remote.git("archive", "--format=tar", tree, into=file.file, most=most)
            if packed.code:
                full = file.file.seek(0, 2) >= most
                raise git_errors.tree_too_large() if full else git_errors.broken(packed.err)
            try:
                await self._unpacker.unpack(Path(file.name), into)
            except TooLarge as error:
                raise git_errors.tree_too_large(
                    error.message.replace("archive", "repository")
                ) from error
            except Invalid as error:
                raise git_errors.bad_tree(error) from error

    # ---- submodules

    async def _submodules(
        self, visit: _Visit, wanted: _Wanted, remote: Remote, revision: str
    ) -> None:
        config = await remote.git("config", "-z", "--list", f"--blob={revision}:.gitmodules")
        if config.code and "unable to resolve" in config.err:
            return  # there is none
        if config.code:
            raise git_errors.bad_submodule("The file .gitmodules cannot be read.")
        listed = await remote.git("ls-tree", "-r", "-z", revision)
        links = git_refs.parse_links(listed.out.decode("utf-8", "replace"))
        text = config.out.decode("utf-8", "replace")
        try:
            found = git_refs.submodules(text, links, below=wanted.subdir)
        except ValueError as error:
            raise git_errors.bad_submodule(f"A submodule's path must be {error}.") from error
        for one in found:
            if visit.repositories > MOST_SUBMODULES or wanted.depth >= DEEPEST:
                raise git_errors.bad_submodule("There are too many submodules, or too deep ones.")
            await self._submodule(visit, wanted, one)

    async def _submodule(self, visit: _Visit, wanted: _Wanted, one: git_refs.Submodule) -> None:
        try:
            url = relative_url(wanted.url, one.url, allow_http=self._gate.allow_http)
        except ValueError as error:
            raise bad_url(one.url, f"{error} (submodule {one.path})") from error
        into = wanted.into / one.path
        into.rmdir()  # git archive left it empty
        depth = wanted.depth + 1
        inner = _Wanted(url=url, ref=one.commit, subdir="", into=into, depth=depth)
        await self._take(visit, inner)
        if not await asyncio.to_thread(_fits, wanted.into, self._caps):
            raise git_errors.tree_too_large()

    def _checked(self, wanted: RepositorySpec) -> tuple[GitUrl, str, str]:
        url = self._gate.url(wanted.url)
        ref = _field("source.ref", check_ref, wanted.ref) if wanted.ref else ""
        return url, ref, _field("source.subdir", check_subdir, wanted.subdir)


class _Pulse:
    """Says now and then how much has come."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._clock = asyncio.get_running_loop().time
        self._told = self._clock()

    def __call__(self, size: int) -> None:
        if self._clock() - self._told >= TELL_SECONDS:
            self._told = self._clock()
            self._say(f"{size // 1024**2} MiB so far")


async def _check_version(sandbox: Sandbox) -> None:
    """An older git would ignore which address to connect to."""
    told = await sandbox.run("git", "version", environ={})
    found = re.search(rb"(\d+)\.(\d+)", told.out)
    if told.code or found is None:
        raise git_errors.unusable(told.err or "git does not answer")
    if (int(found[1]), int(found[2])) < OLDEST_GIT:
        raise git_errors.unusable(f"git is older than {OLDEST_GIT[0]}.{OLDEST_GIT[1]}")


async def _commit(remote: Remote, name: str) -> str:
    """The id of the commit that `name` stands for."""
    found = await remote.git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    if found.code == 0:
        return found.out.decode().strip()
    if "ambiguous" in found.err:
        raise Conflict(
            f"Several objects begin with {name!r}.",
            code="ref_ambiguous",
            advice="Give the commit's whole id.",
        )
    raise NotFound(
        f"{remote.url.text} has no commit {name!r}, as far as its server tells.",
        code="ref_not_found",
        advice=f"Give a branch, a tag, a commit's whole id, or one of the last {DEEP} commits "
        "of a branch.",
    )


def _field(field: str, check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except ValueError as error:
        raise Invalid(
            f"{text[:200]!r} cannot be used.",
            code=f"bad_{field.partition('.')[2]}",
            advice=f"It must be {error}.",
            fields=(FieldError(field=field, message=f"must be {error}"),),
        ) from error


def _fits(tree: Path, caps: FetchCaps) -> bool:
    entries = [path.lstat().st_size for path in tree.rglob("*")]
    return len(entries) <= caps.entries and sum(entries) <= caps.unpacked


async def _remove(folder: Path) -> None:
    await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True))
