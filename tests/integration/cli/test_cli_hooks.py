"""`paas hooks`: what it asks of the daemon, and what it tells the user to do."""

import json
from typing import Any

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded

SHOP = "/v1/services/shop"
OWN = {
    "url": "https://git.example/acme/shop",
    "branch": "main",
    "tags": "",
    "subdir": "",
    "submodules": False,
    "lfs": False,
    "login": True,
}
HOOK = {
    "enabled": True,
    "url": "https://console.apps.example/hooks/shop",
    "reachable": True,
    "created": "2026-09-21T12:00:00.000Z",
    "secret": "whsec_AAEC",
}
DELIVERY = {
    "id": "hook_1",
    "time": "2026-09-21T12:00:00.000Z",
    "host": "github",
    "event": "push",
    "commit": "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d",
    "outcome": "deployed",
    "reason": "",
    "subject": "Show \x1b[31mprices",
    "deployment": "dep_1",
}


def service(repository: dict[str, Any] | None) -> dict[str, Any]:
    return {"name": "shop", "repository": repository, "auto_prune": True}


def test_setup_sets_the_repository_and_tells_what_to_enter(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {SHOP}", service(None))
    daemon.on(f"PATCH {SHOP}", service(OWN))
    daemon.on(f"POST {SHOP}/hook", Answer(status=201, body=HOOK))
    ran = cli("hooks", "setup", "shop", "--repository", OWN["url"], "--branch", "main")
    assert ran.code == 0, ran.err
    (change,) = daemon.calls("PATCH")
    assert change.json() == {"repository": {"url": OWN["url"], "branch": "main"}}
    for text in (HOOK["url"], HOOK["secret"], "application/json", "Just the push event", "GitLab"):
        assert str(text) in ran.out
    assert ran.err == ""


def test_setup_changes_what_is_named_and_keeps_the_rest(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {SHOP}", service({**OWN, "subdir": "web"}))
    daemon.on(f"PATCH {SHOP}", service({**OWN, "tags": "v*"}))
    daemon.on(f"POST {SHOP}/hook", Answer(status=201, body=HOOK))
    ran = cli("hooks", "setup", "shop", "--tags", "v*")
    sent = daemon.calls("PATCH")[0].json()["repository"]
    assert (sent["tags"], sent["subdir"], "login" in sent) == ("v*", "web", False)
    assert "tags like v*" in ran.out


def test_setup_without_options_only_makes_a_secret(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {SHOP}", service(None))
    daemon.on(f"POST {SHOP}/hook", Answer(status=201, body={**HOOK, "reachable": False}))
    ran = cli("hooks", "setup", "shop")
    assert "first deployment by git" in ran.out
    assert "api.through_proxy" in ran.err
    assert "auto_prune" not in ran.err
    daemon.on(f"GET {SHOP}", {**service(None), "auto_prune": False})
    assert "auto_prune=true" in cli("hooks", "setup", "shop").err
    assert daemon.calls("PATCH") == []
    local = {**HOOK, "url": "http://console.localhost:8080/hooks/shop"}
    daemon.on(f"POST {SHOP}/hook", Answer(status=201, body=local))
    assert "base_domain" in cli("hooks", "setup", "shop").err
    told = json.loads(cli("hooks", "setup", "shop", "--json").out)
    assert (told["secret"], told["repository"]) == (HOOK["secret"], None)
    refused = cli("hooks", "setup", "shop", "--branch", "main")
    assert (refused.code, "--repository" in refused.err) == (2, True)


def test_deliveries_are_listed_without_their_colours(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {SHOP}/deliveries", {"items": [DELIVERY]})
    out = cli("hooks", "shop").out
    assert "7fd1a60b01f9  deployed  Show \\x1b[31mprices" in out
    assert json.loads(cli("hooks", "shop", "--json").out)["items"] == [DELIVERY]
    daemon.on(f"GET {SHOP}/deliveries", {"items": []})
    assert "Nothing came yet" in cli("hooks", "shop").out


def test_one_is_delivered_again(cli: Cli, daemon: Recorded) -> None:
    call = f"POST {SHOP}/deliveries/hook_1/redeliver"
    daemon.on(call, Answer(status=202, body=DELIVERY))
    assert "--deployment dep_1" in cli("hooks", "redeliver", "shop", "hook_1").out
    assert json.loads(cli("hooks", "redeliver", "shop", "hook_1", "--json").out) == DELIVERY


def test_off_ends_it(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"DELETE {SHOP}/hook", Answer(status=204))
    assert cli("hooks", "off", "shop").out == "The webhook is off.\n"


def test_a_service_may_be_called_like_an_action(cli: Cli, daemon: Recorded) -> None:
    daemon.on("GET /v1/services/setup/deliveries", {"items": []})
    assert cli("hooks", "setup").code == 0


def test_wrong_words_are_told(cli: Cli, daemon: Recorded) -> None:
    assert cli("hooks").code != 0
    assert cli("hooks", "redeliver", "shop").code != 0
    assert "belong to" in cli("hooks", "shop", "--branch", "x").err
