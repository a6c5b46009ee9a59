"""Repositories and servers that mean harm, against the real git."""

import asyncio
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paas.errors import Denied, Failed, Invalid, PaasError, TooLarge, Unavailable
from paas.ports import RepositorySpec
from tests.certificates import issue
from tests.contract.git_kit import SCRATCH, fetcher, leftovers, prefix
from tests.git.repos import Repo
from tests.git.web import GitWeb, git_web


def modules(path: str, url: str) -> str:
    return f'[submodule "x"]\n\tpath = {path}\n\turl = {url}\n'


@pytest.fixture
def web(tmp_path: Path) -> Iterator[GitWeb]:
    with git_web(tmp_path) as found:
        yield found


async def refused(
    web: GitWeb, tmp_path: Path, path: str, *, spec: dict[str, Any] | None = None, **kit: Any
) -> PaasError:
    """The error of fetching `path`; nothing is left."""
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file), **kit)
    wanted = RepositorySpec(url=web.url(path), **(spec or {}))
    into = tmp_path / "builds" / "into"
    with pytest.raises(PaasError) as caught:
        await repositories.fetch(wanted, into, progress=lambda _line: None)
    assert not into.parent.exists() or [*into.parent.iterdir()] == []
    assert leftovers(tmp_path / "data") == []
    assert caught.value.advice
    return caught.value


async def test_private_addresses_are_refused_before_anything_is_sent(
    web: GitWeb, tmp_path: Path
) -> None:
    error = await refused(web, tmp_path, "open/a.git", allow_private=False)
    assert isinstance(error, Denied)
    assert error.code == "private_address"
    assert not web.seen


async def test_one_private_address_among_others_is_enough(web: GitWeb, tmp_path: Path) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        return ["1.1.1.1", "::ffff:10.0.0.1"]

    error = await refused(web, tmp_path, "open/a.git", allow_private=False, resolve=resolve)
    assert error.code == "private_address"


async def test_git_connects_to_the_address_that_was_checked(web: GitWeb, tmp_path: Path) -> None:
    """Nobody but the test knows the host, and it is asked for once: what a name stands for
    later means nothing.
    """
    asked = []

    async def resolve(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    Repo(tmp_path / "open" / "a.git").commit({"a": "b"})
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file), resolve=resolve)
    wanted = RepositorySpec(url=f"https://git.example:{web.port}/open/a.git")
    await repositories.fetch(wanted, tmp_path / "into", progress=lambda _line: None)
    assert asked == ["git.example"]


@pytest.mark.parametrize(("area", "target"), [("plain", "http://localhost"), ("away", "elsewhere")])
async def test_redirects_to_elsewhere_are_refused_by_name(
    web: GitWeb, tmp_path: Path, area: str, target: str
) -> None:
    error = await refused(web, tmp_path, f"{area}/a.git")
    assert error.code == "repository_redirects"
    assert target in error.message


async def test_a_redirect_on_the_same_server_is_followed(web: GitWeb, tmp_path: Path) -> None:
    Repo(tmp_path / "open" / "a.git").commit({"a": "b"})
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
    wanted = RepositorySpec(url=web.url("same/a.git"))
    await repositories.fetch(wanted, tmp_path / "into", progress=lambda _line: None)
    assert (tmp_path / "into" / "a").read_text() == "b"


async def test_a_server_that_never_answers(web: GitWeb, tmp_path: Path) -> None:
    begun = time.monotonic()
    error = await refused(web, tmp_path, "silent/a.git", seconds=1.0)
    assert isinstance(error, Failed)
    assert error.code == "repository_timeout"
    assert time.monotonic() - begun < 10


async def test_a_server_that_answers_nonsense(web: GitWeb, tmp_path: Path) -> None:
    error = await refused(web, tmp_path, "garbage/a.git")
    assert error.code == "not_a_repository", error


async def test_a_server_that_is_not_there(web: GitWeb, tmp_path: Path) -> None:
    web.port = 1
    error = await refused(web, tmp_path, "open/a.git")
    assert isinstance(error, Unavailable)
    assert error.code == "repository_unreachable"


async def test_a_certificate_that_nobody_knows(web: GitWeb, tmp_path: Path) -> None:
    web.ca_file.write_bytes(issue("localhost").chain)
    error = await refused(web, tmp_path, "open/a.git")
    assert error.code == "repository_certificate", error
    web.ca_file.unlink()
    error = await refused(web, tmp_path, "open/a.git")
    assert error.code == "bad_ca_file", error


async def test_a_repository_that_is_too_large(web: GitWeb, tmp_path: Path) -> None:
    Repo(tmp_path / "open" / "a.git").commit({"big": os.urandom(4 << 20)})
    error = await refused(web, tmp_path, "open/a.git", size=1 << 20)
    assert isinstance(error, TooLarge), error.log
    assert error.code == "repository_too_large"


async def test_a_small_repository_that_unpacks_to_much(web: GitWeb, tmp_path: Path) -> None:
    Repo(tmp_path / "open" / "a.git").commit({"big": bytes(8 << 20)})
    error = await refused(web, tmp_path, "open/a.git", unpacked=1 << 20)
    assert error.code == "repository_too_large"


async def test_too_many_files(web: GitWeb, tmp_path: Path) -> None:
    Repo(tmp_path / "open" / "a.git").commit({f"f{number}": "x" for number in range(30)})
    error = await refused(web, tmp_path, "open/a.git", entries=20)
    assert error.code == "repository_too_large"


@pytest.mark.parametrize("target", ["/etc/passwd", "../../x"])
async def test_links_that_lead_out(web: GitWeb, tmp_path: Path, target: str) -> None:
    repo = Repo(tmp_path / "open" / "a.git")
    (repo.tree / "link").symlink_to(target)
    repo.commit({"a": "b"})
    error = await refused(web, tmp_path, "open/a.git")
    assert isinstance(error, Invalid)
    assert error.code == "bad_repository"


async def test_an_empty_repository(web: GitWeb, tmp_path: Path) -> None:
    Repo(tmp_path / "open" / "a.git")
    error = await refused(web, tmp_path, "open/a.git")
    assert error.code == "empty_repository"


async def test_branches_are_named_when_there_is_no_such_ref(web: GitWeb, tmp_path: Path) -> None:
    Repo(tmp_path / "open" / "a.git").commit({"a": "b"}, branch="stable")
    error = await refused(web, tmp_path, "open/a.git", spec={"ref": "stabel"})
    assert "stable" in error.advice


async def test_hooks_attributes_and_filters_do_nothing(web: GitWeb, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "open" / "a.git")
    attributes = "secret export-ignore\n* filter=evil\nid export-subst\n"
    config = f'[filter "evil"]\n\tsmudge = touch {tmp_path}/ran\n'
    files = {".gitattributes": attributes, "secret": "kept", "id": "$Format:%H$"}
    repo.commit({**files, "hooks/post-checkout": f"#!/bin/sh\ntouch {tmp_path}/ran\n"})
    repo.commit({".gitconfig": config, "config": config})
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
    wanted = RepositorySpec(url=web.url("open/a.git"), lfs=True, submodules=True)
    await repositories.fetch(wanted, tmp_path / "into", progress=lambda _line: None)
    assert (tmp_path / "into" / "secret").read_text() == "kept"
    assert (tmp_path / "into" / "id").read_text() == "$Format:%H$"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "--upload-pack=touch x",
        "../../../x",
        "ext::touch x",
        "file:///etc",
        "http://localhost/x",
        "https://localhost:1/x",
        "ssh://-oProxyCommand=x/y",
    ],
)
async def test_submodules_from_where_nobody_may_go(web: GitWeb, tmp_path: Path, url: str) -> None:
    repo = Repo(tmp_path / "open" / "a.git")
    commit = repo.commit({"a": "b", ".gitmodules": modules("sub", url)})
    repo.link("sub", commit)
    repo.push()
    error = await refused(web, tmp_path, "open/a.git", spec={"submodules": True})
    assert error.code in {"bad_repository_url", "repository_unreachable"}, error


async def test_a_submodule_on_a_private_address(web: GitWeb, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "open" / "a.git")
    url = f"https://other.example:{web.port}/open/a.git"
    commit = repo.commit({"a": "b", ".gitmodules": modules("sub", url)})
    repo.link("sub", commit)
    repo.push()

    async def resolve(host: str, _port: int) -> list[str]:
        return ["169.254.169.254" if host == "other.example" else "127.0.0.1"]

    error = await refused(
        web,
        tmp_path,
        "open/a.git",
        spec={"submodules": True},
        allow_private=False,
        networks=("127.0.0.1/32",),
        resolve=resolve,
    )
    assert error.code == "private_address"
    assert "169.254.169.254" in error.message


@pytest.mark.parametrize(
    "text", ["[submodule", modules("../../x", "./"), modules("sub/.git/x", "./")]
)
async def test_a_gitmodules_that_makes_no_sense(web: GitWeb, tmp_path: Path, text: str) -> None:
    repo = Repo(tmp_path / "open" / "a.git")
    repo.commit({"a": "b", ".gitmodules": text})
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
    wanted = RepositorySpec(url=web.url("open/a.git"), submodules=True)
    if "]" in text:  # no such gitlink is there: it is passed over, and nothing is written
        await repositories.fetch(wanted, tmp_path / "into", progress=lambda _line: None)
        assert sorted(path.name for path in (tmp_path / "into").iterdir()) == [".gitmodules", "a"]
        return
    with pytest.raises(Invalid) as caught:
        await repositories.fetch(wanted, tmp_path / "into", progress=lambda _line: None)
    assert caught.value.code == "bad_submodules"


async def test_submodules_without_end(web: GitWeb, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "open" / "a.git")
    commit = repo.commit({"a": "b", ".gitmodules": modules("sub", "./")})
    for _ in range(8):
        repo.link("sub", commit)
        commit = repo.push()
    text = modules("sub", web.url("open/a.git"))
    repo.commit({".gitmodules": text})
    for _ in range(8):
        repo.link("sub", commit)
        commit = repo.push()
    error = await refused(web, tmp_path, "open/a.git", spec={"submodules": True})
    assert error.code == "bad_submodules"


async def test_cancelled_it_leaves_nothing(web: GitWeb, tmp_path: Path) -> None:
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
    wanted = RepositorySpec(url=web.url("silent/a.git"))
    work = asyncio.ensure_future(
        repositories.fetch(wanted, tmp_path / "into", progress=lambda _line: None)
    )
    while not web.seen:
        await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert leftovers(tmp_path / "data") == []
    assert not (tmp_path / "into").exists()


async def test_what_a_former_daemon_left_is_removed(tmp_path: Path) -> None:
    repositories = fetcher(tmp_path / "data")
    (SCRATCH / f"{prefix(tmp_path / 'data')}abc" / "r1").mkdir(parents=True)
    assert leftovers(tmp_path / "data")
    await repositories.clean()
    assert leftovers(tmp_path / "data") == []
