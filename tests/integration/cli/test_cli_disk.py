"""`paas gc`, `paas registry` and what doctor says of the daemon's disks."""

import json

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded

USE = {"service": "shop", "kind": "image", "count": 2, "bytes": 3 << 20, "shared": 1 << 20}
GONE = {
    "kind": "image",
    "id": "paas/shop:shop-001-ab",
    "service": "shop",
    "bytes": 2 << 20,
    "reason": "no version needs it",
}
COLLECTED = {"dry_run": True, "bytes": 2 << 20, "uses": [USE], "removed": [GONE], "kept": []}
LOGIN = {"host": "reg.example", "user": "ann", "created": "2026-01-01T00:00:00Z"}


def test_gc_shows_what_takes_room_and_what_goes(cli: Cli, daemon: Recorded) -> None:
    daemon.on("POST /v1/gc", COLLECTED)
    ran = cli("gc", "--dry-run")
    assert daemon.seen[0].json() == {"dry_run": True}
    assert "3.0 MiB" in ran.out
    assert "1.0 MiB" in ran.out
    assert "no version needs it" in ran.out
    assert ran.out.splitlines()[-1] == "Would remove 1 things, 2.0 MiB."
    assert json.loads(cli("gc", "--dry-run", "--json").out) == COLLECTED


def test_gc_removes(cli: Cli, daemon: Recorded) -> None:
    nothing = {"dry_run": False, "bytes": 0, "uses": [], "removed": [], "kept": [GONE]}
    daemon.on("POST /v1/gc", nothing)
    out = cli("gc").out
    assert daemon.seen[0].json() == {"dry_run": False}
    assert "Nothing of this installation takes room." in out
    assert "1 more are still in use" in out


def test_a_login_takes_its_password_from_the_environment(cli: Cli, daemon: Recorded) -> None:
    daemon.on("PUT /v1/registries/reg.example%3A5000", LOGIN)
    words = ("registry", "login", "reg.example:5000", "--user", "ann")
    ran = cli(*words)
    assert (ran.code, "PAAS_REGISTRY_PASSWORD" in ran.err) == (2, True)
    assert daemon.seen == []
    cli.environ["PAAS_REGISTRY_PASSWORD"] = "open sesame"
    ran = cli(*words, "--no-check")
    assert daemon.seen[0].json() == {"user": "ann", "password": "open sesame", "check": False}
    assert "sesame" not in ran.out + ran.err
    assert "the registry takes it" in cli(*words).out


def test_logins_are_listed_and_forgotten(cli: Cli, daemon: Recorded) -> None:
    daemon.on("GET /v1/registries", {"items": []}, {"items": [LOGIN]})
    daemon.on("DELETE /v1/registries/reg.example", Answer(status=204))
    assert "No registry login" in cli("registry", "list").out
    assert "reg.example" in cli("registry", "list").out
    assert json.loads(cli("registry", "list", "--json").out)["items"] == [LOGIN]
    assert "forgotten" in cli("registry", "logout", "reg.example").out


def test_doctor_shows_the_daemons_disks(cli: Cli, daemon: Recorded) -> None:
    disk = {"path": "/data", "used": 99, "free": 1, "used_percent": 99.0}
    disks = [disk | {"level": level} for level in ("ok", "low", "full")]
    daemon.on(
        "GET /v1/health", {"version": "1", "data_dir": "/tmp", "engine": True, "disks": disks}
    )
    found = json.loads(cli("doctor", "--json").out)["checks"]
    rooms = [one for one in found if one["name"] == "room"]
    assert [one["level"] for one in rooms] == ["ok", "warn", "fail"]
    assert "refused" in rooms[2]["message"]
    assert "paas gc" in rooms[1]["advice"]
