import io
import json

import aiohttp

from tests.fakes.replica import OTHER_PORT, PORT
from tests.integration.api.rig import IMAGE, World, archive


async def test_a_service_is_created_read_changed_and_deleted(paas: World) -> None:
    made = await paas.call("POST", "/v1/services", json={"name": "shop"})
    assert made.status == 201
    assert made.json["state"] == "empty"
    assert made.json["auto_prune"] is False
    assert made.json["idle"] == {"freeze_after": None, "stop_after": None}
    again = await paas.call("POST", "/v1/services", json={"name": "shop"})
    assert (again.status, again.json["code"]) == (409, "service_exists")

    idle = {"idle": {"freeze_after": 30}}
    changed = await paas.call("PATCH", "/v1/services/shop", json=idle)
    assert changed.json["idle"]["freeze_after"] == 30
    changed = await paas.call("PATCH", "/v1/services/shop", json={"auto_prune": True})
    assert changed.json["auto_prune"] is True
    assert changed.json["idle"] == {"freeze_after": 30, "stop_after": None}

    refused = await paas.call("DELETE", "/v1/services/shop")
    assert refused.status == 422
    assert "confirm" in refused.fields
    deleted = await paas.call("DELETE", "/v1/services/shop?confirm=shop")
    assert (deleted.status, deleted.text) == (204, "")
    assert (await paas.call("GET", "/v1/services/shop")).json["code"] == "no_such_service"
    assert (await paas.call("GET", "/v1/services")).json == {"items": []}


async def test_a_bad_name_says_the_rule(paas: World) -> None:
    answer = await paas.call("POST", "/v1/services", json={"name": "-Shop"})
    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "starting with a letter" in answer.fields["name"]


async def test_an_image_becomes_a_version_with_everything_it_was_given(paas: World) -> None:
    deployment = await paas.deploy(
        port=OTHER_PORT,
        note="first",
        env={"MODE": "prod"},
        secrets={"DB_PASSWORD": "hunter2hunter2"},
        memory="256MiB",
        scaling={"concurrency": 10},
        replicas={"max": 3},
        probe={"http": "/healthz", "status": 200},
        timeouts={"start": 20},
        command=["serve"],
    )
    assert deployment["status"] == "succeeded", deployment
    assert [step["status"] for step in deployment["steps"]][-1] == "succeeded"
    assert deployment["actor"] == "socket"

    read = await paas.call("GET", "/v1/services/shop/versions/shop-001")
    assert "hunter2" not in read.text
    version = read.json
    assert version["status"] == "ready"
    assert version["weight"] == 100
    assert version["image"] == IMAGE
    assert version["port"] == OTHER_PORT
    assert version["secrets"] == ["DB_PASSWORD"]
    assert version["env"] == {"MODE": "prod"}
    assert version["memory"] == 256 * 1024**2
    rules = {"rps": None, "concurrency": 10, "cpu": None, "memory": None, "scale_down_delay": 0}
    assert version["scaling"] == rules
    assert version["replicas"] == {"min": 0, "max": 3, "schedules": []}
    assert version["timeouts"] == {"idle": 60, "start": 20, "drain": 30}
    assert version["probe"] == {"http": "/healthz", "status": [200]}
    assert version["command"] == ["serve"]
    assert version["source"] == {"type": "image", "image": IMAGE}
    assert version["created"].endswith("Z")

    service = (await paas.call("GET", "/v1/services/shop")).json
    assert service["state"] == "serving"
    assert service["versions"] == 1
    assert service["last_deployment"]["id"] == deployment["id"]
    replicas = (await paas.call("GET", "/v1/services/shop/versions/shop-001/replicas")).json
    assert replicas["items"][0]["state"] == "ready"
    assert replicas["items"][0]["memory"] == 1024 * 1024
    listed = await paas.call("GET", "/v1/services/shop/deployments?limit=1")
    assert [item["id"] for item in listed.json["items"]] == [deployment["id"]]


async def test_the_image_decides_the_port_when_none_was_given(paas: World) -> None:
    await paas.deploy()
    version = (await paas.call("GET", "/v1/services/shop/versions/shop-001")).json
    assert version["port"] == PORT


async def test_scaling_and_note_can_be_edited_piecewise(paas: World) -> None:
    await paas.deploy(replicas={"min": 1, "max": 4})
    path = "/v1/services/shop/versions/shop-001"
    edited = await paas.call("PATCH", path, json={"replicas": {"max": 6}, "note": "sale"})
    assert edited.json["replicas"] == {"min": 1, "max": 6, "schedules": []}
    assert edited.json["note"] == "sale"
    assert edited.json["scaling"]["rps"] == 50

    crossed = await paas.call("PATCH", path, json={"replicas": {"min": 7}})
    assert "min at most max" in crossed.fields["replicas.min"]
    empty = await paas.call("PATCH", path, json={})
    assert "at least one of" in empty.fields[""]
    missing = await paas.call("PATCH", "/v1/services/shop/versions/shop-009", json={"note": "x"})
    assert missing.status == 404
    assert "shop-009" in missing.json["detail"]


async def test_traffic_moves_and_rolls_back(paas: World) -> None:
    await paas.deploy()
    await paas.deploy(traffic="none")
    path = "/v1/services/shop/traffic"
    assert (await paas.call("GET", path)).json["split"] == {"shop-001": 100}
    split = {"shop-001": 90, "shop-002": 10}
    moved = await paas.call("PUT", path, json={"split": split})
    assert moved.json == {"split": split, "previous": {"shop-001": 100}}

    wrong = await paas.call("PUT", path, json={"split": {"shop-001": 50, "shop-007": 50}})
    assert wrong.json["code"] == "bad_split"
    assert "split.shop-007" in wrong.fields
    text = await paas.call("PUT", path, json={"split": {"shop-001": "100"}})
    assert text.fields == {"split.shop-001": "must be a whole number"}

    back = await paas.call("POST", "/v1/services/shop/rollback")
    assert back.json["split"] == {"shop-001": 100}
    chosen = await paas.call("POST", "/v1/services/shop/rollback", json={"version": "shop-002"})
    assert chosen.json["split"] == {"shop-002": 100}
    refused = await paas.call("DELETE", "/v1/services/shop/versions/shop-002")
    assert (refused.status, refused.json["code"]) == (409, "version_in_use")
    gone = await paas.call("DELETE", "/v1/services/shop/versions/shop-001")
    assert gone.status == 204


async def test_domains_are_added_listed_and_removed(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    path = "/v1/services/shop/domains"
    added = await paas.call("POST", path, json={"domain": "Shop.Example.com"})
    assert added.status == 201
    assert added.json["domain"] == "shop.example.com"
    assert added.json["certificate"]["state"] == "none"
    assert added.json["url"] == "http://shop.example.com/"
    assert (await paas.call("GET", path)).json["items"] == [added.json]
    bad = await paas.call("POST", path, json={"domain": "x.localhost"})
    assert "domain" in bad.fields
    assert (await paas.call("DELETE", f"{path}/shop.example.com")).status == 204
    gone = await paas.call("DELETE", f"{path}/shop.example.com")
    assert (gone.status, gone.json["code"]) == (404, "no_such_domain")


async def test_events_tell_who_did_what(paas: World) -> None:
    await paas.deploy()
    listed = (await paas.call("GET", "/v1/services/shop/events")).json["items"]
    assert {item["service"] for item in listed} == {"shop"}
    assert listed == sorted(listed, key=lambda item: -item["id"])
    first = listed[-1]
    assert (first["kind"], first["actor"]) == ("service.created", "socket")
    newer = await paas.call("GET", f"/v1/events?after={first['id']}&limit=1000")
    assert first["id"] not in [item["id"] for item in newer.json["items"]]
    assert (await paas.call("GET", "/v1/services/none/events")).status == 404
    assert "limit" in (await paas.call("GET", "/v1/events?limit=1001")).fields
    assert "after" in (await paas.call("GET", f"/v1/events?after={10**30}")).fields


async def test_a_deployment_can_be_cancelled_once(paas: World) -> None:
    paas.builder.delay = 30.0
    form = {"spec": json.dumps({"create": True, "source": {"type": "archive"}})}
    data = aiohttp.FormData(form)
    data.add_field("archive", io.BytesIO(archive()), filename="src.tar.gz")
    made = await paas.call("POST", "/v1/services/shop/deployments", data=data)
    path = f"/v1/deployments/{made.json['id']}/cancel"
    assert (await paas.call("POST", path)).status == 200
    assert (await paas.ended(made.json["id"]))["status"] == "cancelled"
    assert (await paas.call("POST", path)).status == 409
    assert (await paas.call("POST", "/v1/deployments/none/cancel")).status == 404


async def test_the_fifth_version_is_refused_with_advice(paas: World) -> None:
    for _ in range(4):
        await paas.deploy(traffic="none")
    body = {"source": {"type": "image", "image": IMAGE}}
    refused = await paas.call("POST", "/v1/services/shop/deployments", json=body)
    assert (refused.status, refused.json["code"]) == (409, "too_many_versions")
    assert "shop-001" in refused.json["advice"]


async def test_a_service_is_only_made_when_asked(paas: World) -> None:
    body = {"source": {"type": "image", "image": IMAGE}}
    refused = await paas.call("POST", "/v1/services/shop/deployments", json=body)
    assert (refused.status, refused.json["code"]) == (404, "no_such_service")
