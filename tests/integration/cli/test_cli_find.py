"""Finding the daemon, and what happens when it is not there or refuses."""

import json
import os
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded, listening

SERVICES = {"items": [{"name": "shop", "state": "serving", "urls": ["http://shop.localhost/"]}]}


def test_the_socket_in_the_data_directory_is_found(cli: Cli, daemon: Recorded) -> None:
    daemon.on("GET /v1/services", SERVICES)
    ran = cli("services")
    assert ran.code == 0
    assert "shop" in ran.out
    assert "http://shop.localhost/" in ran.out
    assert "Authorization" not in daemon.seen[0].headers


def test_nobody_answers(cli: Cli, data: Path) -> None:
    ran = cli("services")
    assert ran.code == 3
    assert str(data / "api.sock") in ran.err
    assert "paas serve" in ran.err
    assert ran.out == ""


def test_a_socket_that_was_left_behind_says_so(cli: Cli, data: Path) -> None:
    with listening(data / "api.sock"):
        pass
    ran = cli("services", "--json")
    assert ran.code == 3
    assert "the daemon has ended" in json.loads(ran.err)["error"]["message"]


def test_the_local_token_goes_to_a_local_port(cli: Cli, data: Path) -> None:
    (data / "admin.token").write_text("local-token\n")
    with listening(None) as (recorded, port):
        recorded.on("GET /v1/services", SERVICES)
        assert cli("services", "--url", f"http://127.0.0.1:{port}").code == 0
        assert recorded.seen[0].headers["Authorization"] == "Bearer local-token"
        cli.environ |= {"PAAS_URL": f"http://localhost:{port}", "PAAS_TOKEN": "mine"}
        assert cli("services").code == 0
        assert recorded.seen[1].headers["Authorization"] == "Bearer mine"


def test_a_unix_url(cli: Cli, daemon: Recorded, data: Path) -> None:
    daemon.on("GET /v1/services", SERVICES)
    cli.environ["PAAS_DATA_DIR"] = os.devnull
    assert cli("services", "--url", f"unix://{data}/api.sock").code == 0


@pytest.mark.parametrize("url", ["127.0.0.1:8600", "ftp://host/", "http://", "http://h:99999"])
def test_a_bad_url_is_a_usage_error(cli: Cli, url: str) -> None:
    ran = cli("services", "--url", url)
    assert ran.code == 2
    assert "not the address" in ran.err


@pytest.mark.parametrize(
    ("status", "code"), [(401, 4), (404, 4), (409, 4), (422, 4), (500, 5), (503, 5), (507, 5)]
)
def test_statuses_become_exit_codes(cli: Cli, daemon: Recorded, status: int, code: int) -> None:
    problem = {
        "detail": "Weights must sum to 100.",
        "code": "bad_split",
        "advice": "Change them.",
        "errors": [{"field": "split", "message": "sums to 90"}],
    }
    daemon.on("GET /v1/services", Answer(status=status, body=problem))
    ran = cli("services")
    assert ran.code == code
    assert ran.err.splitlines() == [
        "error: Weights must sum to 100.",
        "  split: sums to 90",
        "Change them.",
    ]
    told = json.loads(cli("services", "--json").err)
    assert told["error"]["code"] == "bad_split"
    assert told["error"]["fields"] == {"split": "sums to 90"}
    assert told["exit_code"] == code


def test_an_error_without_problem_details(cli: Cli, daemon: Recorded) -> None:
    daemon.on("GET /v1/services", Answer(status=502))
    ran = cli("services")
    assert (ran.code, ran.err) == (5, "error: The daemon answered 502 Bad Gateway.\n")


def test_a_server_that_is_no_daemon(cli: Cli, daemon: Recorded) -> None:
    daemon.on("GET /v1/services", Answer(events=("<html>",)))
    ran = cli("services")
    assert ran.code == 3
    assert "not a paas daemon" in ran.err


def test_usage_errors_name_the_command(cli: Cli) -> None:
    ran = cli("traffic")
    assert ran.code == 2
    assert "paas traffic --help" in ran.err
    assert json.loads(cli("serivces", "--json").err)["error"]["message"].startswith(
        "There is no command 'serivces'. Did you mean 'services'?"
    )
