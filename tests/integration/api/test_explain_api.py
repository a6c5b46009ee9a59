"""`explain` and the scaling settings over the real API."""

from typing import Any

import pytest

from paas.errors import NotFound
from tests.fakes.replica import Script
from tests.integration.api.rig import World, until

VERSION = "/v1/services/shop/versions/shop-001"
EXPLAIN = "/v1/services/shop/explain"
WEEKDAYS = {
    "min": 2, "start": "0 8 * * mon-fri", "end": "0 20 * * mon-fri", "zone": "Europe/Berlin",
}  # fmt: skip
ALWAYS = {"min": 2, "start": "* * * * *", "end": "0 0 29 2 *", "zone": "UTC"}


async def explained(paas: World) -> Any:
    answer = await paas.call("GET", EXPLAIN)
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_new_version_is_explained(paas: World) -> None:
    await paas.deploy()
    answer = await explained(paas)
    (version,) = answer["versions"]
    assert (answer["service"], answer["split"]) == ("shop", {"shop-001": 100})
    assert (version["name"], version["status"], version["weight"]) == ("shop-001", "ready", 100)
    assert version["replicas"]["ready"] == 1
    assert version["summary"].startswith("shop-001 runs 1 replica because ")
    assert version["decision"]["count"] == 1
    assert {one["rule"] for one in version["decision"]["answers"]} == {"rps"}
    assert version["settings"] | {"rules": 0} == {
        "min": 0, "min_reason": "", "min_until": None, "max": 10, "concurrency": 80,
        "utilisation": 0.7, "rules": 0, "schedules": [], "freeze_after": 300, "stop_after": 3600,
    }  # fmt: skip
    assert version["awake"]["requests"] == []
    sleep = version["sleep"]
    assert sleep["idle_since"] < sleep["freezes_at"] < sleep["stops_at"]
    assert sleep["stops_at"].endswith("Z")
    assert version["queue"] == {"waiting": 0, "oldest": 0, "limit": 800, "wait_limit": 10}
    (start,) = version["cold_starts"]
    assert start["kind"] == "replica.started"
    assert start["phases"].keys() == {"queue", "create", "start", "connect"}
    assert start["seconds"] == pytest.approx(sum(start["phases"].values()), abs=0.001)
    assert version["failures"] == []
    assert version["starts"] == {"failures": 0, "next_try": None, "no_memory": False}


async def test_a_request_that_waits_is_seen(paas: World) -> None:
    await paas.deploy(concurrency=1)
    target = next(iter(paas.board.targets.values()))
    first = paas.board.acquire(target.version_id, lambda _: None)
    ticket = paas.board.acquire(target.version_id, lambda _: None)
    (version,) = (await explained(paas))["versions"]
    assert version["awake"]["keeps"] == "queued"
    assert (version["awake"]["in_flight"], version["queue"]["waiting"]) == (1, 1)
    assert "A request waits for a replica since" in version["summary"]
    assert version["sleep"] == {"idle_since": None, "freezes_at": None, "stops_at": None}
    ticket.cancel()  # type: ignore[union-attr] # there is one slot for two
    first.release()  # type: ignore[union-attr] # and the first has it


async def test_a_failed_version_says_why(paas: World) -> None:
    refused = NotFound("The image is gone.", code="image_gone", advice="Push it again.")
    paas.engine.script("shop-001", Script(start_error=refused))
    await paas.deploy()
    (version,) = (await explained(paas))["versions"]
    assert version["summary"] == "shop-001 failed: The image is gone."
    assert version["decision"] is None
    failures = {one["kind"]: one for one in version["failures"]}
    assert failures.keys() == {"replica.failed", "deployment.failed"}
    for one in failures.values():
        assert (one["code"], one["advice"]) == ("image_gone", "Push it again.")


async def test_error_answers_are_shown_of_services_that_keep_requests(paas: World) -> None:
    await paas.deploy()
    assert (await explained(paas))["request_log"] is False
    await paas.call("PATCH", "/v1/services/shop", json={"request_log": True})
    answer = await explained(paas)
    assert (answer["request_log"], answer["errors"]) == (True, [])


async def test_no_such_service(paas: World) -> None:
    answer = await paas.call("GET", EXPLAIN)
    assert (answer.status, answer.json["code"]) == (404, "no_such_service")


async def test_schedules_and_delay_are_deployed_and_edited(paas: World) -> None:
    await paas.deploy(replicas={"schedules": [WEEKDAYS]}, scaling={"scale_down_delay": 30})
    read = (await paas.call("GET", VERSION)).json
    assert read["replicas"] == {"min": 0, "max": 10, "schedules": [WEEKDAYS]}
    assert (read["scaling"]["rps"], read["scaling"]["scale_down_delay"]) == (50, 30)
    rules = await paas.call("PATCH", VERSION, json={"scaling": {"cpu": 70}})
    assert rules.json["scaling"] == {
        "rps": None, "concurrency": None, "cpu": 70, "memory": None, "scale_down_delay": 30,
    }  # fmt: skip
    delay = await paas.call("PATCH", VERSION, json={"scaling": {"scale_down_delay": 0}})
    assert (delay.json["scaling"]["cpu"], delay.json["scaling"]["scale_down_delay"]) == (70, 0)
    assert delay.json["replicas"]["schedules"] == [WEEKDAYS]
    none = await paas.call("PATCH", VERSION, json={"replicas": {"schedules": []}})
    assert none.json["replicas"] == {"min": 0, "max": 10, "schedules": []}


async def test_an_open_schedule_starts_replicas_at_once(paas: World) -> None:
    await paas.deploy()
    edited = await paas.call("PATCH", VERSION, json={"replicas": {"schedules": [ALWAYS]}})
    assert edited.status == 200, edited.text

    async def two() -> Any:
        (version,) = (await explained(paas))["versions"]
        return version if version["replicas"]["ready"] == 2 else None

    version = await until(two)
    assert version["settings"]["min"] == 2
    assert version["settings"]["min_reason"].startswith("at least 2 until ")
    assert version["settings"]["min_until"].endswith("00:00:00.000Z")
    assert version["decision"]["limited_by"][-1] == "min"
    assert "its schedule keeps it awake: at least 2 until" in version["summary"]
    assert version["sleep"]["freezes_at"] is None


@pytest.mark.parametrize(
    ("replicas", "field"),
    [
        ({"schedules": [WEEKDAYS | {"start": "8 o'clock"}]}, "replicas.schedules.0.start"),
        ({"schedules": [WEEKDAYS | {"end": "0 0 31 2 *"}]}, "replicas.schedules.0.end"),
        ({"schedules": [WEEKDAYS, WEEKDAYS | {"zone": "Mars"}]}, "replicas.schedules.1.zone"),
        ({"schedules": [WEEKDAYS | {"zone": "../etc"}]}, "replicas.schedules.0.zone"),
        ({"schedules": [WEEKDAYS | {"min": 0}]}, "replicas.schedules.0.min"),
        ({"schedules": [WEEKDAYS | {"min": 11}]}, "replicas.schedules.0.min"),
        ({"schedules": [WEEKDAYS], "max": 1}, "replicas.schedules.0.min"),
        ({"schedules": [{"min": 1}]}, "replicas.schedules.0.start"),
    ],
)
async def test_wrong_schedules_are_refused_by_name(
    paas: World, replicas: dict[str, Any], field: str
) -> None:
    await paas.deploy()
    refused = await paas.call("PATCH", VERSION, json={"replicas": replicas})
    assert refused.status == 422
    assert refused.fields[field].startswith(("must", "is"))


async def test_a_maximum_below_a_schedule_is_refused(paas: World) -> None:
    await paas.deploy(replicas={"schedules": [WEEKDAYS]})
    refused = await paas.call("PATCH", VERSION, json={"replicas": {"max": 1}})
    assert "schedules at most max" in refused.fields["replicas.max"]


@pytest.mark.parametrize(
    "scaling", [{}, {"rps": None}, {"rps": None, "scale_down_delay": 5}, {"scale_down_delay": None}]
)
async def test_a_version_needs_a_rule(paas: World, scaling: dict[str, Any]) -> None:
    await paas.deploy()
    refused = await paas.call("PATCH", VERSION, json={"scaling": scaling})
    assert refused.fields["scaling"] == "must have at least one of rps, concurrency, cpu, memory"


async def test_idle_times_take_effect_at_once(paas: World) -> None:
    await paas.deploy()
    idle = {"idle": {"freeze_after": 0.1, "stop_after": 0}}
    await paas.call("PATCH", "/v1/services/shop", json=idle)

    async def frozen() -> Any:
        (version,) = (await explained(paas))["versions"]
        return version if version["condition"] == "idle" else None

    version = await until(frozen)
    assert "is frozen, idle since" in version["summary"]
    assert version["sleep"]["stops_at"] is None
    await paas.call("PATCH", "/v1/services/shop", json={"idle": {"stop_after": 0.2}})

    async def zero() -> Any:
        (version,) = (await explained(paas))["versions"]
        at_rest = version["condition"] == "zero" and version["decision"] is None
        return version if at_rest else None

    version = await until(zero)
    assert version["summary"].endswith(": the next request starts it.")
