"""`paas env` against a recorded daemon."""

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded
from tests.integration.cli.test_cli_deploy import END, deployment

PATH = "POST /v1/services/shop/deployments"


def version(number: int, status: str = "ready") -> dict[str, object]:
    name = f"shop-00{number}"
    env = {"MODE": "prod", "LEVEL": "1"}
    return {"name": name, "number": number, "status": status, "env": env, "secrets": ["KEY"]}


def prepare(daemon: Recorded) -> None:
    versions = {"items": [version(1), version(2), version(3, "failed")]}
    daemon.on("GET /v1/services/shop/versions", versions)
    made = deployment("succeeded", version="shop-004")
    daemon.on(PATH, Answer(status=202, body=deployment("queued", version="shop-004")))
    daemon.on("GET /v1/deployments/d1", made)
    daemon.on("GET /v1/deployments/d1/log", Answer(events=(END,)))
    daemon.on("GET /v1/services/shop/versions/shop-004", {"weight": 100})
    daemon.on("GET /v1/services/shop", {"urls": ["http://shop.localhost:8080/"]})


def test_it_shows_the_newest_ready_version_without_secrets(cli: Cli, daemon: Recorded) -> None:
    prepare(daemon)
    ran = cli("env", "shop")
    assert ran.code == 0
    assert ran.out.split() == [
        "NAME", "VALUE", "LEVEL", "1", "MODE", "prod", "KEY", "(secret)"
    ]  # fmt: skip
    assert "shop-002" in ran.err


def test_a_change_makes_a_version_of_the_same_image(cli: Cli, daemon: Recorded) -> None:
    prepare(daemon)
    ran = cli("env", "shop", "set", "MODE=test", "--secret", "TOKEN=t", "--traffic", "none")
    assert ran.code == 0, ran.err
    assert "shop-004 is ready" in ran.out
    assert daemon.calls("POST")[0].json() == {
        "env": {"MODE": "test"},
        "secrets": {"TOKEN": "t"},
        "source": {"type": "version", "version": "shop-002"},
        "traffic": "none",
    }


def test_unset_takes_out_variables_and_secrets(cli: Cli, daemon: Recorded) -> None:
    prepare(daemon)
    assert cli("env", "shop", "unset", "LEVEL", "KEY", "--detach").code == 0
    assert daemon.calls("POST")[0].json()["env"] == {"LEVEL": None, "KEY": None}


def test_what_is_no_change_is_explained(cli: Cli, daemon: Recorded) -> None:
    prepare(daemon)
    for words in (("set",), ("unset",), ("put", "A=1"), ("unset", "A", "--secret", "B=1")):
        ran = cli("env", "shop", *words)
        assert ran.code == 2
        assert "paas env shop set" in ran.err
    daemon.on("GET /v1/services/shop/versions", {"items": [version(1, "failed")]})
    assert "no ready version" in cli("env", "shop").err
