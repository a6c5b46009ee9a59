import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded

TOKEN = {
    "id": "tok_1",
    "name": "ci",
    "scope": "deploy",
    "service": "shop",
    "note": "of\x1b[31m CI",
    "created": "2026-01-01T00:00:00Z",
    "creator": "socket",
    "expires": None,
    "last_used": None,
}
USER = {"name": "ann", "role": "read", "service": None, "created": "", "creator": "socket"}


def test_a_token_is_the_one_line_of_stdout(cli: Cli, daemon: Recorded) -> None:
    daemon.on("POST /v1/tokens", Answer(status=201, body=TOKEN | {"token": "paas_x"}))
    ran = cli(
        *("token", "create", "ci", "--scope", "deploy", "--service", "shop", "--expires", "30d")
    )
    assert (ran.code, ran.out) == (0, "paas_x\n")
    assert "not shown again" in ran.err
    (seen,) = daemon.calls("POST")
    assert seen.json() == {
        "name": "ci",
        "scope": "deploy",
        "note": "",
        "service": "shop",
        "expires_in": 30 * 86400,
    }


def test_tokens_are_listed_and_revoked(cli: Cli, daemon: Recorded) -> None:
    daemon.on("GET /v1/tokens", {"items": [TOKEN]}, {"items": []})
    daemon.on("DELETE /v1/tokens/tok_1", Answer(status=204))
    listed = cli("token").out
    assert "ci" in listed
    assert "never" in listed
    assert "\x1b" not in listed
    assert "No tokens" in cli("token").out
    assert cli("token", "revoke", "tok_1").out == "Revoked tok_1.\n"
    assert '"items"' in cli("token", "--json").out


@pytest.mark.parametrize("words", [("--expires", "soon"), ("--expires", "-3d"), ()])
def test_wrong_usage_sends_nothing(cli: Cli, daemon: Recorded, words: tuple[str, ...]) -> None:
    scope = ("--scope", "read") if words else ()
    assert cli("token", "create", "ci", *scope, *words).code == 2
    assert daemon.seen == []


def test_users_are_listed_and_deleted(cli: Cli, daemon: Recorded) -> None:
    daemon.on("GET /v1/users", {"items": [USER]}, {"items": []})
    daemon.on("DELETE /v1/users/ann", Answer(status=204))
    assert "ann" in cli("user").out
    assert "no users" in cli("user").out
    assert cli("user", "delete", "ann").out == "Deleted ann.\n"


def test_a_user_s_password_is_asked_for_and_on_no_command_line(
    daemon: Recorded, data: Path
) -> None:
    daemon.on("POST /v1/users", Answer(status=201, body=USER))
    daemon.on("PATCH /v1/users/ann", USER)
    added = typed(data, "correct horse\n", "add", "ann", "--role", "read", "--service", "shop")
    assert added == "Added ann.\n"
    assert "sessions" in typed(data, "battery staple\n", "password", "ann")
    assert [seen.json() for seen in (*daemon.calls("POST"), *daemon.calls("PATCH"))] == [
        {"name": "ann", "role": "read", "password": "correct horse", "service": "shop"},
        {"password": "battery staple"},
    ]


def typed(data: Path, text: str, *words: str) -> str:
    """What `paas user` says, with that on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "paas", "user", *words],
        input=text,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        env=os.environ | {"PAAS_DATA_DIR": str(data)},
    ).stdout
