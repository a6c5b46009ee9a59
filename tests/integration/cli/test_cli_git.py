"""`paas deploy --git`, against a recorded daemon."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded

PATH = "POST /v1/services/shop/deployments"
URL = "https://git.example/team/Shop.git"


@pytest.fixture
def accepting(daemon: Recorded) -> Recorded:
    body = {"id": "d1", "service": "shop", "version": "shop-001", "status": "queued", "steps": []}
    daemon.on(PATH, Answer(status=202, body=body))
    return daemon


def sent(daemon: Recorded) -> dict[str, Any]:
    spec: dict[str, Any] = json.loads(daemon.calls("POST")[0].body)
    return spec["source"]


def test_a_url_is_enough(cli: Cli, accepting: Recorded) -> None:
    ran = cli("deploy", "--git", URL, "--detach")
    assert ran.code == 0, ran.err
    assert "Service: shop" in ran.out
    assert sent(accepting) == {"type": "git", "url": URL}


def test_what_to_take(cli: Cli, accepting: Recorded) -> None:
    words = ("--ref", "v1", "--subdir", "web", "--submodules", "--lfs", "--detach")
    assert cli("deploy", "--git", "git@git.example:team/shop.git", *words).code == 0
    wanted = {"ref": "v1", "subdir": "web", "submodules": True, "lfs": True}
    assert sent(accepting) == {"type": "git", "url": "git@git.example:team/shop.git", **wanted}


def test_a_key_from_a_file(cli: Cli, accepting: Recorded, data: Path) -> None:
    (data / "key").write_text("PRIVATE")
    words = ("--git-key", str(data / "key"), "--git-host-key", "ssh-ed25519 AAAA", "--detach")
    assert cli("deploy", "--git", "git@git.example:shop.git", *words).code == 0
    assert sent(accepting)["credentials"] == {
        "ssh_key": "PRIVATE",
        "host_key": "ssh-ed25519 AAAA",
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--git", URL, "--image", "x"), "only one"),
        (("--git", URL, "."), "only one"),
        (("--ref", "main"), "--ref goes with --git"),
        (("--git-user", "ann"), "--git-user goes with --git"),
        (("--git", URL, "--git-host-key", "x"), "goes with --git-key"),
        (("--git", URL, "--git-user", "a", "--git-key", "b"), "not both"),
        (("--git", URL, "--git-key", "none"), "cannot be read"),
        (("--git", URL, "--git-user", "ann"), "no value"),
    ],
)
def test_mistakes(cli: Cli, daemon: Recorded, words: tuple[str, ...], told: str) -> None:
    ran = cli("deploy", *words)
    assert ran.code == 2, ran.err
    assert told in ran.err
    assert not daemon.calls("POST")
