"""The `Repositories` port, on the fake and on git with real servers."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from paas.errors import Denied, Invalid, NotFound, PaasError
from paas.ports import GitLogin, Repositories, RepositorySpec
from tests.contract.git_kit import fetcher
from tests.fakes.repositories import FakeRepositories, FakeRepository
from tests.git.repos import Repo
from tests.git.web import LOGIN, git_web

FIRST = {"Dockerfile": "FROM scratch\n", "web/index.html": "first"}
SECOND = {"web/index.html": "second"}


class Kit:
    """A repository `url` with two commits on main (the first is tagged v1) and one on
    other; `closed` is the same, but wants `login`.
    """

    repositories: Repositories
    url: str
    closed: str
    commits: tuple[str, str]
    login = GitLogin(user=LOGIN[0], password=LOGIN[1])


def fake_kit() -> Kit:
    kit, fake = Kit(), FakeRepositories()
    kit.url, kit.closed = "https://git.example/open/a.git", "https://git.example/closed/a.git"
    kit.commits = ("a" * 40, "b" * 40)
    commits = dict(zip(kit.commits, (FIRST, FIRST | SECOND), strict=True))
    refs = {"refs/tags/v1": "a" * 40, "refs/heads/other": "a" * 40}
    refs |= {"HEAD": "b" * 40, "refs/heads/main": "b" * 40}
    fake.known[kit.url] = FakeRepository(commits=dict(commits), refs=refs)
    fake.known[kit.closed] = FakeRepository(commits=dict(commits), refs=refs, login=kit.login)
    kit.repositories = fake
    return kit


@pytest.fixture(params=["fake", "git"])
def kit(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kit]:
    if request.param == "fake":
        yield fake_kit()
        return
    with git_web(tmp_path) as web:
        made = Kit()
        repo = Repo(tmp_path / "open" / "a.git")
        first = repo.commit(FIRST, branch="other")
        repo.tag("v1")
        made.commits = (first, repo.commit(SECOND))
        shutil.copytree(repo.path, tmp_path / "closed" / "a.git")
        made.url, made.closed = web.url("open/a.git"), web.url("closed/a.git")
        made.repositories = fetcher(tmp_path / "data", ca_file=str(web.ca_file))
        yield made


async def take(kit: Kit, into: Path, **wanted: Any) -> str:
    spec = RepositorySpec(**{"url": kit.url, **wanted})
    return await kit.repositories.fetch(spec, into, progress=lambda _line: None)


@pytest.mark.parametrize(
    ("ref", "index"),
    [("", 1), ("main", 1), ("other", 0), ("v1", 0), ("refs/tags/v1", 0), ("refs/heads/main", 1)],
)
async def test_a_ref(kit: Kit, tmp_path: Path, ref: str, index: int) -> None:
    into = tmp_path / "into"
    assert await take(kit, into, ref=ref) == kit.commits[index]
    assert (into / "web" / "index.html").read_text() == ("first", "second")[index]
    assert sorted(path.name for path in into.iterdir()) == ["Dockerfile", "web"]


@pytest.mark.parametrize("digits", [40, 8])
async def test_a_commit(kit: Kit, tmp_path: Path, digits: int) -> None:
    into = tmp_path / "into"
    assert await take(kit, into, ref=kit.commits[0][:digits]) == kit.commits[0]
    assert (into / "web" / "index.html").read_text() == "first"


async def test_a_directory(kit: Kit, tmp_path: Path) -> None:
    into = tmp_path / "into"
    await take(kit, into, subdir="web")
    assert [path.name for path in into.iterdir()] == ["index.html"]


async def test_a_login(kit: Kit, tmp_path: Path) -> None:
    into = tmp_path / "into"
    assert await take(kit, into, url=kit.closed, login=kit.login) == kit.commits[1]


@pytest.mark.parametrize(
    ("wanted", "kind", "code"),
    [
        ({"ref": "none"}, NotFound, "ref_not_found"),
        ({"ref": "0123456789"}, NotFound, "ref_not_found"),
        ({"ref": "0" * 39 + "1"}, NotFound, "ref_not_found"),
        ({"subdir": "none"}, Invalid, "subdir_not_found"),
        ({"url": "closed"}, Denied, "repository_login_needed"),
        (
            {"url": "closed", "login": GitLogin(user="a", password="bcde")},
            Denied,
            "repository_login_refused",
        ),
        ({"url": "other"}, NotFound, "repository_not_found"),
        ({"url": "file:///etc"}, Invalid, "bad_repository_url"),
        ({"url": "ext::sh -c id"}, Invalid, "bad_repository_url"),
        ({"ref": "--upload-pack=id"}, Invalid, None),
        ({"subdir": "../x"}, Invalid, None),
    ],
)
async def test_refusals_leave_nothing_and_say_what_to_do(
    kit: Kit, tmp_path: Path, wanted: dict[str, Any], kind: type[PaasError], code: str | None
) -> None:
    urls = {"closed": kit.closed, "other": kit.url.replace("a.git", "b.git")}
    if wanted.get("url") in urls:
        wanted = {**wanted, "url": urls[wanted["url"]]}
    into = tmp_path / "into"
    with pytest.raises(kind) as caught:
        await take(kit, into, **wanted)
    assert code is None or caught.value.code == code
    assert caught.value.advice
    assert not into.exists()
    assert "bcde" not in f"{caught.value} {caught.value.log}"
