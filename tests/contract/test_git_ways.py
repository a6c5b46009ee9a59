"""ssh with deploy keys, submodules and large files, by the real git and real servers."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from paas.adapters.git import GitRepositories
from paas.errors import Denied, Failed, Invalid, PaasError
from paas.ports import GitLogin, RepositorySpec
from tests.contract.git_kit import fetcher, leftovers
from tests.git.repos import Repo
from tests.git.ssh import GitSsh, git_ssh, make_key
from tests.git.web import BASIC, LOGIN, GitWeb, git_web, pointer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitSsh]:
    with git_ssh(tmp_path_factory.mktemp("ssh")) as found:
        yield found


@pytest.fixture
def web(tmp_path: Path) -> Iterator[GitWeb]:
    with git_web(tmp_path) as found:
        yield found


async def fetch(repositories: GitRepositories, into: Path, **wanted: Any) -> list[str]:
    """What it said."""
    said: list[str] = []
    await repositories.fetch(RepositorySpec(**wanted), into, progress=said.append)
    return said


async def failure(repositories: GitRepositories, into: Path, **wanted: Any) -> PaasError:
    with pytest.raises(PaasError) as caught:
        await fetch(repositories, into, **wanted)
    assert caught.value.advice
    return caught.value


# ---- ssh


async def test_a_deploy_key_and_a_host_key_that_is_kept(server: GitSsh, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "a.git")
    repo.commit({"a": "b"})
    data, url = tmp_path / "data", server.url(repo.path)
    repositories = fetcher(data)
    await fetch(repositories, tmp_path / "one", url=url, login=GitLogin(ssh_key=server.key))
    assert (tmp_path / "one" / "a").read_text() == "b"
    known = (data / "known_hosts").read_text()
    assert f"[localhost]:{server.port} " in known
    assert leftovers(data) == []

    await fetch(repositories, tmp_path / "two", url=url, login=GitLogin(ssh_key=server.key))
    assert (data / "known_hosts").read_text() == known

    other = make_key(tmp_path / "other") and (tmp_path / "other.pub").read_text()
    (data / "known_hosts").write_text(f"[localhost]:{server.port} {other}")
    login = GitLogin(ssh_key=server.key)
    error = await failure(repositories, tmp_path / "three", url=url, login=login)
    assert error.code == "host_key_changed", error


async def test_a_pinned_host_key(server: GitSsh, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "a.git")
    repo.commit({"a": "b"})
    repositories, url = fetcher(tmp_path / "data"), server.url(repo.path)
    login = GitLogin(ssh_key=server.key, host_key=server.host_key)
    await fetch(repositories, tmp_path / "one", url=url, login=login)
    make_key(tmp_path / "other")
    other = " ".join((tmp_path / "other.pub").read_text().split()[:2])
    wrong = replace(login, host_key=other)
    error = await failure(repositories, tmp_path / "two", url=url, login=wrong)
    assert error.code == "host_key_changed"


async def test_keys_that_do_not_open(server: GitSsh, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "a.git")
    repo.commit({"a": "b"})
    repositories, url = fetcher(tmp_path / "data"), server.url(repo.path)
    error = await failure(repositories, tmp_path / "into", url=url)
    assert (type(error), error.code) == (Denied, "repository_login_needed")
    stranger = GitLogin(ssh_key=make_key(tmp_path / "stranger"))
    error = await failure(repositories, tmp_path / "into", url=url, login=stranger)
    assert (type(error), error.code) == (Denied, "repository_login_refused")
    public = GitLogin(ssh_key=(tmp_path / "stranger.pub").read_text())
    error = await failure(repositories, tmp_path / "into", url=url, login=public)
    assert (type(error), error.code) == (Invalid, "bad_ssh_key")
    half = GitLogin(ssh_key="-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n")
    error = await failure(repositories, tmp_path / "into", url=url, login=half)
    assert error.code == "bad_ssh_key", error


async def test_no_repository_behind_ssh(server: GitSsh, tmp_path: Path) -> None:
    login = GitLogin(ssh_key=server.key)
    url = server.url(tmp_path / "none.git")
    error = await failure(fetcher(tmp_path / "data"), tmp_path / "into", url=url, login=login)
    assert error.code == "repository_not_found", error


async def test_ssh_connects_to_the_address_that_was_checked(server: GitSsh, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "a.git")
    repo.commit({"a": "b"})

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    repositories = fetcher(tmp_path / "data", resolve=resolve)
    url = server.url(repo.path).replace("localhost", "git.example")
    login = GitLogin(ssh_key=server.key)
    await fetch(repositories, tmp_path / "into", url=url, login=login)
    known = (tmp_path / "data" / "known_hosts").read_text()
    assert known.startswith(f"[git.example]:{server.port} ")


# ---- submodules


async def test_submodules_when_asked_for(web: GitWeb, tmp_path: Path) -> None:
    inner, outer = (Repo(tmp_path / "open" / name) for name in ("inner.git", "outer.git"))
    old = inner.commit({"x": "old"})
    inner.commit({"x": "new"})
    outer.commit({"app/a": "b", ".gitmodules": modules("app/lib", "../inner.git")})
    outer.link("app/lib", old)
    outer.push()
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
    url = web.url("open/outer.git")
    await fetch(repositories, tmp_path / "plain", url=url)
    assert not [*(tmp_path / "plain" / "app" / "lib").iterdir()]
    await fetch(repositories, tmp_path / "full", url=url, submodules=True)
    assert (tmp_path / "full" / "app" / "lib" / "x").read_text() == "old"
    await fetch(repositories, tmp_path / "part", url=url, submodules=True, subdir="app")
    assert (tmp_path / "part" / "lib" / "x").read_text() == "old"


async def test_a_login_goes_to_its_own_origin_only(web: GitWeb, tmp_path: Path) -> None:
    inner, outer = Repo(tmp_path / "open" / "inner.git"), Repo(tmp_path / "closed" / "outer.git")
    commit = inner.commit({"x": "y"})
    url = f"https://127.0.0.1.example:{web.port}/open/inner.git"
    outer.commit({"a": "b", ".gitmodules": modules("lib", url)})
    outer.link("lib", commit)
    outer.push()

    async def resolve(_host: str, _port: int) -> list[str]:
        return ["127.0.0.1"]

    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file), resolve=resolve)
    login = GitLogin(user=LOGIN[0], password=LOGIN[1])
    wanted: dict[str, Any] = {"url": web.url("closed/outer.git"), "login": login}
    error = await failure(repositories, tmp_path / "into", submodules=True, **wanted)
    assert error.code == "repository_certificate"  # it is not that host's: it was asked, though
    assert all(given for path, given in web.seen if path.startswith("/closed/"))
    assert not any(given for path, given in web.seen if path.startswith("/open/"))


# ---- large files


@pytest.mark.parametrize("area", ["open", "closed"])
async def test_large_files_when_asked_for(web: GitWeb, tmp_path: Path, area: str) -> None:
    repo, content = Repo(tmp_path / area / "a.git"), b"\0large\n" * 1000
    told = web.store(content)
    repo.commit({"big.bin": told, "small": "x", "v": "version https://git-lfs.github.com/spec/v1"})
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
    login = GitLogin(user=LOGIN[0], password=LOGIN[1]) if area == "closed" else None
    wanted: dict[str, Any] = {"url": web.url(f"{area}/a.git"), "login": login}
    await fetch(repositories, tmp_path / "plain", **wanted)
    assert (tmp_path / "plain" / "big.bin").read_text() == told
    said = await fetch(repositories, tmp_path / "full", lfs=True, **wanted)
    assert (tmp_path / "full" / "big.bin").read_bytes() == content
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["big.bin", "small", "v"]
    assert "Fetching 1 large files (7000 bytes)" in said


async def test_large_files_of_an_ssh_server(server: GitSsh, web: GitWeb, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "a.git")
    repo.commit({"big.bin": web.store(b"large")})
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
    wanted: dict[str, Any] = {"url": server.url(repo.path), "login": GitLogin(ssh_key=server.key)}
    error = await failure(repositories, tmp_path / "none", lfs=True, **wanted)
    assert (error.code, "over ssh" in error.message) == ("lfs_failed", True)
    lent = {"href": web.url("closed/a.git/info/lfs"), "header": {"Authorization": BASIC}}
    (server.root / "lfs.json").write_text(json.dumps(lent))
    await fetch(repositories, tmp_path / "into", lfs=True, **wanted)
    assert (tmp_path / "into" / "big.bin").read_text() == "large"


@pytest.mark.parametrize(
    ("href", "code"),
    [
        ("http://localhost/", "bad_repository_url"),
        ("file:///etc/passwd#", "bad_repository_url"),
        ("https://metadata.example/", "private_address"),
        ("https://[fe80::1]/", "private_address"),
    ],
)
async def test_large_files_from_where_nobody_may_go(
    web: GitWeb, tmp_path: Path, href: str, code: str
) -> None:
    repo = Repo(tmp_path / "open" / "a.git")
    repo.commit({"big.bin": web.store(b"large")})
    web.href = href

    async def resolve(host: str, _port: int) -> list[str]:
        known = {"localhost": ["127.0.0.1"], "metadata.example": ["169.254.169.254"]}
        return known.get(host, [host])

    repositories = fetcher(
        tmp_path / "data",
        ca_file=str(web.ca_file),
        resolve=resolve,
        allow_private=False,
        networks=("127.0.0.1/32",),
    )
    url = web.url("open/a.git")
    error = await failure(repositories, tmp_path / "into", url=url, lfs=True)
    assert error.code == code, error
    assert not (tmp_path / "into").exists()


async def test_large_files_that_are_not_what_they_should_be(web: GitWeb, tmp_path: Path) -> None:
    repo = Repo(tmp_path / "open" / "a.git")
    repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
    wanted: dict[str, Any] = {"url": web.url("open/a.git"), "lfs": True}
    repo.commit({"big.bin": pointer("0" * 64, 5)})
    error = await failure(repositories, tmp_path / "into", **wanted)
    assert (type(error), error.code) == (Failed, "lfs_failed")
    web.objects["0" * 64] = b"other"
    error = await failure(repositories, tmp_path / "into", **wanted)
    assert "not what its pointer says" in error.message
    repo.commit({"big.bin": pointer("0" * 64, 1 << 40)})
    error = await failure(repositories, tmp_path / "into", **wanted)
    assert error.code == "repository_too_large"


def modules(path: str, url: str) -> str:
    return f'[submodule "x"]\n\tpath = {path}\n\turl = {url}\n'
