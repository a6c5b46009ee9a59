"""A git host's push, from outside: set up with the command line, sent through the proxy,
fetched from a real repository, answered by what was built.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from tests.e2e import apps
from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.http_calls import Answer, send
from tests.e2e.waiting import until
from tests.e2e.world import World
from tests.git.repos import Repo
from tests.git.web import LOGIN, GitWeb, git_web
from tests.payloads import body, payload, signed

HOST = "console.localhost"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitWeb]:
    with git_web(tmp_path_factory.mktemp("web")) as found:
        yield found


@pytest.fixture(scope="module")
def hooked(web: GitWeb) -> Iterator[World]:
    """A daemon whose proxy lets webhooks through, and that may fetch from this host."""
    settings = {
        "PAAS_API__THROUGH_PROXY": "hooks",
        "PAAS_GIT__PRIVATE_NETWORKS": "127.0.0.1/32",
        "PAAS_GIT__CA_FILE": str(web.ca_file),
    }
    with short_folder() as data, running(Daemon(data, settings=settings)) as daemon:
        yield World(daemon)


def paas(world: World, *words: str) -> str:
    """What the command line prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "paas", *words],
        env={**world.daemon.environment, "PAAS_GIT_PASSWORD": LOGIN[1]},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def post(world: World, path: str, content: bytes, headers: dict[str, str]) -> Answer:
    connection = HTTPConnection("127.0.0.1", world.daemon.proxy_port, timeout=20)
    with closing(connection):
        return send(connection, "POST", path, body=content, headers={**headers, "Host": HOST})


def commit(repo: Repo, text: str) -> str:
    """A program that answers `text`, committed."""
    shutil.rmtree(repo.tree / "root", ignore_errors=True)
    apps.web(text).folder(repo.tree)
    return repo.commit({})


def pushed(url: str, revision: str) -> bytes:
    """GitHub's payload for that push."""
    repository = {**payload("github")["repository"], "clone_url": url}
    head = {"id": revision, "message": "From outside"}
    return body("github", after=revision, repository=repository, head_commit=head)


def test_a_push_goes_from_the_git_host_to_the_visitors(
    hooked: World, service: str, web: GitWeb
) -> None:
    hooked.deploy(service, "before", env={"MODE": "prod"})
    repo = Repo(web.root / "closed" / f"{service}.git")
    revision = commit(repo, "pushed")
    url = web.url(f"closed/{service}.git")
    words = ("--repository", url, "--branch", "main", "--git-user", LOGIN[0], "--json")
    told = json.loads(paas(hooked, "hooks", "setup", service, *words))
    assert told["url"] == f"http://{HOST}:{hooked.daemon.proxy_port}/hooks/{service}"

    path, content = f"/hooks/{service}", pushed(url, revision)
    headers = signed("github", content, secret=told["secret"])
    answer = post(hooked, path, content, headers)
    assert answer.status == 202, answer.text
    ended = hooked.api.ended(answer.json["deployment"])
    assert ended["status"] == "succeeded", (ended, hooked.api.log(ended["id"]))
    assert (ended["trigger"], ended["revision"]) == ("webhook", revision)
    assert hooked.body(service) == "pushed"
    version = hooked.api.version(ended["version"])
    assert (version["env"], version["note"]) == ({"MODE": "prod"}, "From outside")

    hooked.daemon.restart()
    again = post(hooked, path, content, headers)
    assert (again.status, again.json["outcome"]) == (200, "ignored"), "it is known after a crash"
    wrong = post(hooked, path, content + b" ", headers)
    assert (wrong.status, wrong.json["code"]) == (401, "bad_signature")
    assert post(hooked, "/v1/services", b"{}", {}).status == 404
    assert revision[:12] in paas(hooked, "hooks", service)
    assert hooked.body(service) == "pushed"
    for secret in (told["secret"], LOGIN[1]):
        assert secret not in hooked.daemon.log
        assert secret not in hooked.api.get(f"/v1/services/{service}").text


def test_the_repository_of_a_first_deployment_is_taken_over(
    hooked: World, service: str, web: GitWeb
) -> None:
    repo = Repo(web.root / "closed" / f"{service}.git")
    commit(repo, "first")
    url = web.url(f"closed/{service}.git")
    source = {"type": "git", "url": url, "ref": "main"}
    login = {"user": LOGIN[0], "password": LOGIN[1]}
    request = {"create": True, "source": {**source, "credentials": login}}
    first = hooked.api.post(f"/v1/services/{service}/deployments", request).json
    assert hooked.api.ended(first["id"])["status"] == "succeeded"
    path = f"/v1/services/{service}"
    until(lambda: hooked.api.get(path).json["repository"], "the repository is taken over")
    told = json.loads(paas(hooked, "hooks", "setup", service, "--json"))
    assert (told["repository"]["url"], told["repository"]["branch"]) == (url, "main")
    assert told["repository"]["login"] is True
    content = pushed(url, commit(repo, "second"))
    headers = signed("gitea", content, secret=told["secret"])
    answer = post(hooked, f"/hooks/{service}", content, headers)
    assert answer.status == 202, answer.text
    assert hooked.api.ended(answer.json["deployment"])["status"] == "succeeded"
    assert hooked.body(service) == "second"
