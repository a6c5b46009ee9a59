"""`paas scale`: which version is meant, what is asked of the daemon, what is shown."""

import json
from typing import Any

import pytest

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded

V1 = "/v1/services/shop/versions"
NIGHT = {"min": 2, "start": "0 8 * * mon-fri", "end": "0 20 * * mon-fri", "zone": "Europe/Berlin"}


def version(number: int = 3, **fields: Any) -> dict[str, Any]:
    rules = {"rps": 50.0, "concurrency": None, "cpu": None, "memory": None}
    return {
        "name": f"shop-{number:03d}",
        "service": "shop",
        "number": number,
        "weight": 100,
        "concurrency": 80,
        "replicas": {"min": 0, "max": 10, "schedules": [NIGHT]},
        "scaling": rules | {"scale_down_delay": 30.0},
    } | fields


@pytest.mark.parametrize("words", [("shop", "3"), ("shop/3",), ("shop/shop-003",), ("shop-003",)])
def test_ways_to_name_a_version(cli: Cli, daemon: Recorded, words: tuple[str, ...]) -> None:
    daemon.on(f"GET {V1}/shop-003", version())
    ran = cli("scale", *words)
    assert ran.code == 0, ran.err
    assert daemon.calls("PATCH") == []


def test_without_options_it_shows_what_holds(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {V1}", {"items": [version(2, weight=0), version()]})
    assert cli("scale", "shop").out.splitlines() == [
        "version    shop-003  100 % of the traffic",
        "replicas   0 to 10",
        "schedule   at least 2: 0 8 * * mon-fri .. 0 20 * * mon-fri @ Europe/Berlin",
        "rule       50 requests a second per replica",
        "limit      80 requests in flight per replica",
        "delay      30 s before fewer replicas run",
    ]
    assert json.loads(cli("scale", "shop", "--json").out)["name"] == "shop-003"
    rules = {"rps": None, "concurrency": None, "cpu": 70.0, "memory": None, "scale_down_delay": 0}
    bare = version(concurrency=0, scaling=rules, replicas={"min": 1, "max": 1, "schedules": []})
    daemon.on(f"GET {V1}", {"items": [bare]})
    out = cli("scale", "shop").out
    assert "limit      none\ndelay      none\n" in out
    assert "rule       70 % of its CPU per replica" in out


def test_what_is_asked_for(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {V1}/shop-003", version())
    daemon.on(f"PATCH {V1}/shop-003", version())
    schedule = "2: 0 8 * * mon-fri .. 0 20 * * mon-fri @ Europe/Berlin"
    changes = ("--min", "1", "--max", "4", "--limit", "9", "--delay", "60", "--note", "x")
    assert cli("scale", "shop/3", *changes, "--schedule", schedule, "--json").code == 0
    assert daemon.calls("PATCH")[0].json() == {
        "note": "x",
        "concurrency": 9,
        "replicas": {"min": 1, "max": 4, "schedules": [NIGHT]},
        "scaling": {"scale_down_delay": 60.0},
    }


def test_rules_that_are_not_named_stay(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {V1}/shop-003", version())
    daemon.on(f"PATCH {V1}/shop-003", version())
    assert cli("scale", "shop/3", "--cpu", "70").code == 0
    assert cli("scale", "shop/3", "--rps", "off", "--concurrency", "8").code == 0
    assert [seen.json()["scaling"] for seen in daemon.calls("PATCH")] == [
        {"rps": 50.0, "concurrency": None, "cpu": 70.0, "memory": None},
        {"rps": None, "concurrency": 8.0, "cpu": None, "memory": None},
    ]


def test_schedules_are_replaced_or_removed(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {V1}/shop-003", version())
    daemon.on(f"PATCH {V1}/shop-003", version())
    assert cli("scale", "shop-003", "--no-schedules").code == 0
    assert cli("scale", "shop-003", "--schedule", "1:0 8 * * *..0 9 * * *").code == 0
    none, one = (seen.json()["replicas"]["schedules"] for seen in daemon.calls("PATCH"))
    assert none == []
    assert one == [{"min": 1, "start": "0 8 * * *", "end": "0 9 * * *"}]


@pytest.mark.parametrize(
    "words",
    [
        ("shop", "--rps", "0"),
        ("shop", "--rps", "-1"),
        ("shop", "--rps", "nan"),
        ("shop", "--cpu", "much"),
        ("shop", "--schedule", "0 8 * * * .. 0 9 * * *"),
        ("shop", "--schedule", "2: 0 8 * * *"),
        ("shop", "--schedule", "2: 0 8 * * * .. 0 9 * * * @ A B"),
        ("shop", "--schedule", "2: 0 8 * * * .. 0 9 * * *", "--no-schedules"),
        ("shop/1", "2", "--min", "1"),
    ],
)
def test_mistakes_change_nothing(cli: Cli, daemon: Recorded, words: tuple[str, ...]) -> None:
    daemon.on(f"GET {V1}", {"items": [version()]})
    ran = cli("scale", *words)
    assert (ran.code, daemon.calls("PATCH")) == (2, [])
    assert ran.err.startswith("error: ")


def test_who_is_meant_has_to_be_clear(cli: Cli, daemon: Recorded) -> None:
    both = [version(1, weight=90), version(2, weight=10), version(3, weight=0)]
    daemon.on(f"GET {V1}", {"items": both}, {"items": [version(4, weight=0)]}, {"items": []})
    ran = cli("scale", "shop", "--min", "1")
    assert ran.code == 2
    assert "shop-001 (90 %), shop-002 (10 %)" in ran.err
    assert "paas scale shop/2" in ran.err
    assert "shop-004" in cli("scale", "shop").out
    assert "no version" in cli("scale", "shop").err
    assert daemon.calls("PATCH") == []


def test_what_the_daemon_refuses_is_told_by_field(cli: Cli, daemon: Recorded) -> None:
    wrong = {"field": "replicas.schedules.0.zone", "message": "must be a time zone"}
    refusal = {"code": "invalid", "detail": "One field is not valid.", "errors": [wrong]}
    daemon.on(f"GET {V1}/shop-003", version())
    daemon.on(f"PATCH {V1}/shop-003", Answer(status=422, body=refusal))
    ran = cli("scale", "shop-003", "--schedule", "2: 0 8 * * * .. 0 9 * * * @ Mars/Olympus")
    assert ran.code == 4
    assert "replicas.schedules.0.zone: must be a time zone" in ran.err
