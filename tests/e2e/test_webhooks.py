"""A git host's push, from outside: set up with the command line, sent through the proxy."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from tests.e2e.daemon import Daemon, running, short_folder
from tests.e2e.http_calls import Answer, send
from tests.e2e.world import World
from tests.payloads import COMMIT, REPOSITORY, body, signed

HOST = "console.localhost"


@pytest.fixture(scope="module")
def hooked() -> Iterator[World]:
    """A daemon whose proxy lets webhooks through."""
    settings = {"PAAS_API__THROUGH_PROXY": "hooks"}
    with short_folder() as data, running(Daemon(data, settings=settings)) as daemon:
        yield World(daemon)


def paas(world: World, *words: str) -> str:
    """What the command line prints."""
    ran = subprocess.run(
        [sys.executable, "-m", "paas", *words],
        env=world.daemon.environment,
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


def test_a_push_goes_from_the_git_host_to_the_queue(hooked: World, service: str) -> None:
    hooked.deploy(service, env={"MODE": "prod"})
    told = json.loads(paas(hooked, "hooks", "setup", service, "--repository", REPOSITORY, "--json"))
    assert told["url"] == f"http://{HOST}:{hooked.daemon.proxy_port}/hooks/{service}"
    content = body("github")
    headers = signed("github", content, secret=told["secret"])
    answer = post(hooked, f"/hooks/{service}", content, headers)
    assert answer.status == 202, answer.text
    deployment = hooked.api.get(f"/v1/deployments/{answer.json['deployment']}").json
    assert (deployment["trigger"], deployment["revision"]) == ("webhook", COMMIT)
    version = hooked.api.version(deployment["version"])
    assert (version["source"]["url"], version["source"]["ref"]) == (REPOSITORY, COMMIT)
    assert version["env"] == {"MODE": "prod"}
    hooked.api.ended(deployment["id"])

    hooked.daemon.restart()
    again = post(hooked, f"/hooks/{service}", content, headers)
    assert (again.status, again.json["outcome"]) == (200, "ignored"), "it is known after a crash"
    wrong = post(hooked, f"/hooks/{service}", content + b" ", headers)
    assert (wrong.status, wrong.json["code"]) == (401, "bad_signature")
    assert post(hooked, "/v1/services", b"{}", {}).status == 404
    assert COMMIT[:12] in paas(hooked, "hooks", service)
    assert hooked.body(service) == "hello"
    assert told["secret"] not in hooked.daemon.log
