"""Deployments from repositories: a real git, its HTTPS and ssh servers, API and command line."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import apps
from tests.e2e.daemon import ROOT, Daemon, running, short_folder
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.git.repos import Repo
from tests.git.ssh import git_ssh
from tests.git.web import LOGIN, GitWeb, git_web

CREDENTIALS = {"user": LOGIN[0], "password": LOGIN[1]}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitWeb]:
    with git_web(tmp_path_factory.mktemp("web")) as found:
        yield found


@pytest.fixture(scope="module")
def world(web: GitWeb) -> Iterator[World]:
    """A daemon that may fetch from this host and trusts the test's certificate."""
    settings = {"PAAS_GIT__PRIVATE_NETWORKS": "127.0.0.1/32", "PAAS_GIT__CA_FILE": str(web.ca_file)}
    with short_folder() as data, running(Daemon(data, settings=settings)) as daemon:
        yield World(daemon)


def commit(repo: Repo, text: str, *, folder: str = "", branch: str = "main") -> str:
    """A program that answers `text`, committed."""
    shutil.rmtree(repo.tree / folder / "root", ignore_errors=True)
    apps.web(text).folder(repo.tree / folder)
    return repo.commit({}, branch=branch)


def deploy(world: World, service: str, url: str, **source: Any) -> dict[str, Any]:
    request = {"create": True, "source": {"type": "git", "url": url, **source}}
    answer = world.api.post(f"/v1/services/{service}/deployments", request)
    assert answer.status == 202, answer.text
    return world.api.ended(answer.json["id"])


def test_a_branch_a_tag_a_commit_and_a_directory(world: World, service: str, web: GitWeb) -> None:
    repo = Repo(web.root / "open" / f"{service}.git")
    first = commit(repo, "first")
    repo.tag("v1")
    second = commit(repo, "second")
    third = commit(repo, "inner", folder="sub/dir", branch="other")
    url = web.url(f"open/{service}.git")
    for source, text, revision in (
        ({}, "second", second),
        ({"ref": "v1"}, "first", first),
        ({"ref": second[:10]}, "second", second),
        ({"ref": "other", "subdir": "sub/dir"}, "inner", third),
    ):
        ended = deploy(world, service, url, **source)
        assert ended["status"] == "succeeded", (ended, world.api.log(ended["id"]))
        assert ended["revision"] == revision
        assert f"Commit {revision}" in world.api.log(ended["id"])
        assert world.body(service) == text
    shown = world.api.version(f"{service}-004")["source"]
    assert (shown["url"], shown["ref"], shown["subdir"]) == (url, "other", "sub/dir")
    world.assert_tidy()


def test_a_private_one_by_token_which_nobody_sees(world: World, service: str, web: GitWeb) -> None:
    repo = Repo(web.root / "closed" / f"{service}.git")
    commit(repo, "private")
    url = web.url(f"closed/{service}.git")
    ended = deploy(world, service, url, credentials=CREDENTIALS)
    assert ended["status"] == "succeeded", (ended, world.api.log(ended["id"]))
    refused = deploy(world, service, url)
    assert refused["error"]["code"] == "repository_login_needed"
    refused = deploy(world, service, url, credentials={"user": "x", "password": "wrong-one"})
    assert refused["error"]["code"] == "repository_login_refused"
    told = [str(ended), str(refused), world.daemon.log]
    told += [
        world.api.get(f"/v1/services/{service}/{name}").text for name in ("versions", "events")
    ]
    told += [world.api.log(one["id"]) for one in (ended, refused)]
    files = [path.read_bytes() for path in world.daemon.data.rglob("*") if path.is_file()]
    for secret in (LOGIN[1], "wrong-one"):
        assert not any(secret in text for text in told)
        assert not any(secret.encode() in content for content in files)


def test_the_command_line_and_a_deploy_key(
    world: World, service: str, web: GitWeb, tmp_path: Path
) -> None:
    repo = Repo(web.root / "closed" / f"{service}.git")
    revision = commit(repo, "by hand")
    out = paas(world, "--git", web.url(f"closed/{service}.git"), "--git-user", LOGIN[0])
    assert f"Service: {service}" in out
    assert revision in out
    assert world.body(service) == "by hand"
    commit(repo, "by key", folder="sub")
    with git_ssh(tmp_path) as server:
        key = str(tmp_path / "deploy_key")
        words = ("--git", server.url(repo.path), "--git-key", key, "--subdir", "sub")
        paas(world, *words, "--git-host-key", server.host_key)
        paas(world, *words)
    assert world.body(service) == "by key"
    assert f":{server.port}" in (world.daemon.data / "known_hosts").read_text()


def test_killed_while_fetching(world: World, service: str, web: GitWeb) -> None:
    """A new daemon fetches again; the old one's git is gone with all that it had. While it
    ran, no list of processes showed the token.
    """
    url = web.url(f"silent/{service}.git")
    source = {"type": "git", "url": url, "credentials": CREDENTIALS}
    request = {"create": True, "source": source}
    ident = world.api.post(f"/v1/services/{service}/deployments", request).json["id"]
    until(lambda: _asked(web, service) == 1, "it fetches")
    assert _showing(url)
    assert not _showing(LOGIN[1])
    world.daemon.kill9()
    until(lambda: not _showing(url), "its git has ended")
    world.daemon.start()
    until(lambda: _asked(web, service) == 2, "it fetches again")
    assert len(_scratch()) == 1
    assert world.api.post(f"/v1/deployments/{ident}/cancel").status == 200
    assert world.api.ended(ident)["status"] == "cancelled"
    until(lambda: not _showing(url) and not _scratch(), "nothing is left")
    world.assert_tidy()


def test_private_addresses_are_refused_unless_allowed(
    shared: World, service: str, web: GitWeb
) -> None:
    before = len(web.seen)
    ended = deploy(shared, service, web.url("open/a.git"))
    assert ended["error"]["code"] == "private_address"
    assert len(web.seen) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("url", "ext::sh -c id"),
        ("url", "file:///etc"),
        ("url", "http://host.example/a"),
        ("url", "https://user:password@host.example/a"),
        ("url", "--upload-pack=id"),
        ("ref", "--upload-pack=id"),
        ("ref", "a b"),
        ("subdir", "../x"),
        ("submodules", "yes"),
        ("credentials", {"ssh_key": "x"}),
    ],
)
def test_what_is_refused_at_once(shared: World, service: str, field: str, value: object) -> None:
    source = {"type": "git", "url": "https://host.example/a.git", field: value}
    request = {"create": True, "source": source}
    answer = shared.api.post(f"/v1/services/{service}/deployments", request)
    assert answer.status == 422
    assert answer.json["errors"][0]["field"].startswith(f"source.{field}"), answer.text


def paas(world: World, *words: str) -> str:
    environment = world.daemon.environment | {"PAAS_GIT_PASSWORD": LOGIN[1]}
    done = subprocess.run(
        [sys.executable, "-m", "paas", "deploy", *words],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert LOGIN[1] not in done.stdout + done.stderr
    return done.stdout


def _asked(web: GitWeb, service: str) -> int:
    return sum(f"/silent/{service}.git" in path for path, _ in web.seen)


def _showing(text: str) -> list[Path]:
    """Processes of this host with that word in their arguments or environment."""
    found = []
    folders = Path("/proc").glob("[0-9]*")
    for file in (folder / name for folder in folders for name in ("cmdline", "environ")):
        try:
            if text.encode() in file.read_bytes():
                found.append(file)
        except OSError:
            continue
    return found


def _scratch() -> list[Path]:
    return [*Path("/var/tmp").glob("paas-git-*")]
