import asyncio
import json
import time

from paas.core.model import LogLine
from tests.integration.api.rig import World, events

SSE = {"Accept": "text/event-stream"}
LOCAL = "http://localhost"


async def two_versions(paas: World) -> tuple[str, str]:
    """Journal keys of two versions that write nothing by themselves."""
    await paas.deploy()
    await paas.deploy()
    service = (await paas.control.services.read("shop")).service
    return tuple(f"versions/{version.id}" for version in service.versions)


def say(paas: World, key: str, text: str, *, at: float, replica: str = "r") -> None:
    paas.journal.append(key, LogLine(time=at, text=text, replica=replica))


def texts(answer) -> list[str]:
    return [item["text"] for item in answer.json["items"]]


async def test_output_is_merged_by_time_and_filtered(paas: World) -> None:
    one, two = await two_versions(paas)
    start = time.time()
    for index, key in enumerate([one, two, one, two, one]):
        say(paas, key, f"line {index}", at=start + index, replica=f"r{index % 2}")
    path = "/v1/services/shop/logs"
    every = await paas.call("GET", path)
    assert texts(every) == [f"line {index}" for index in range(5)]
    assert every.json["items"][1]["version"] == "shop-002"
    assert texts(await paas.call("GET", path + "?limit=2")) == ["line 3", "line 4"]
    assert texts(await paas.call("GET", path + "?version=shop-002")) == ["line 1", "line 3"]
    assert texts(await paas.call("GET", path + "?replica=r1")) == ["line 1", "line 3"]
    since = every.json["items"][3]["time"]
    assert texts(await paas.call("GET", f"{path}?since={since}"))[-1] == "line 4"
    after = every.json["items"][2]["cursor"]
    assert texts(await paas.call("GET", f"{path}?after={after}")) == ["line 3", "line 4"]
    tail = (await paas.call("GET", path + "?limit=2")).json["items"][0]["cursor"]
    assert texts(await paas.call("GET", f"{path}?after={tail}")) == ["line 4"]
    assert (await paas.call("GET", path + "?version=shop-009")).status == 404
    assert "limit" in (await paas.call("GET", path + "?limit=0")).fields


async def test_a_stream_resumes_without_loss_or_repetition(paas: World) -> None:
    one, two = await two_versions(paas)
    start = time.time()
    for index in range(20):
        say(paas, (one, two)[index % 2], f"{index}", at=start + index)
    seen: list[str] = []
    cursor = ""
    for part in range(4):
        headers = SSE | ({"Last-Event-ID": cursor} if cursor else {})
        async with paas.session.get(LOCAL + "/v1/services/shop/logs", headers=headers) as stream:
            assert stream.headers["X-Accel-Buffering"] == "no"
            async with asyncio.timeout(5):
                async for event in events(stream):
                    seen.append(json.loads(event["data"])["text"])
                    cursor = event["id"]
                    if len(seen) == (part + 1) * 6:
                        break
        for index in range(2):
            say(paas, (one, two)[index], f"{part}.{index}", at=start + 30 + part)
    wanted = [str(index) for index in range(20)]
    live = [f"{part}.{index}" for part in range(3) for index in range(2)]
    assert len(seen) == len(set(seen)) == 24
    assert set(seen) <= set(wanted + live)
    for key in (0, 1):
        mine = [text for text in seen if "." not in text and int(text) % 2 == key]
        assert mine == sorted(mine, key=int)
        assert set(mine) == {str(index) for index in range(20) if index % 2 == key}


async def test_a_follower_sees_versions_that_come_later_and_the_end(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    async with paas.session.get(LOCAL + "/v1/services/shop/logs", headers=SSE) as stream:
        await paas.deploy()
        service = (await paas.control.services.read("shop")).service
        say(paas, f"versions/{service.versions[0].id}", "hello", at=time.time())
        heard = events(stream)
        async with asyncio.timeout(10):
            first = await anext(heard)
            assert json.loads(first["data"])["text"] == "hello"
            await paas.call("DELETE", "/v1/services/shop?confirm=shop")
            assert (await anext(heard))["event"] == "end"


async def test_history_alone_ends(paas: World) -> None:
    one, _ = await two_versions(paas)
    say(paas, one, "hello", at=time.time())
    path = LOCAL + "/v1/services/shop/logs?follow=false"
    async with paas.session.get(path, headers=SSE) as stream, asyncio.timeout(5):
        told = [event async for event in events(stream)]
    assert [event.get("event", "line") for event in told] == ["line", "end"]


async def test_follow_streams_whatever_is_accepted(paas: World) -> None:
    await two_versions(paas)
    async with paas.session.get(LOCAL + "/v1/services/shop/logs?follow=true") as stream:
        assert stream.content_type == "text/event-stream"


async def test_a_deployment_s_log_as_json_text_and_events(paas: World) -> None:
    deployment = await paas.deploy()
    path = f"/v1/deployments/{deployment['id']}/log"
    lines = (await paas.call("GET", path)).json["items"]
    assert lines
    assert lines == sorted(lines, key=lambda line: line["cursor"])
    plain = await paas.call("GET", path, headers={"Accept": "text/plain"})
    assert plain.text.splitlines() == [line["text"] for line in lines]
    async with paas.session.get(LOCAL + path, headers=SSE) as stream, asyncio.timeout(5):
        told = [event async for event in events(stream)]
    assert [json.loads(event["data"])["text"] for event in told[:-1]] == [
        line["text"] for line in lines
    ]
    assert told[-1]["event"] == "end"
    assert json.loads(told[-1]["data"]) == deployment

    resumed = SSE | {"Last-Event-ID": told[0]["id"]}
    async with paas.session.get(LOCAL + path, headers=resumed) as stream, asyncio.timeout(5):
        rest = [event async for event in events(stream)]
    assert rest == told[1:]
    assert (await paas.call("GET", "/v1/deployments/none/log")).status == 404


async def test_a_live_log_ends_with_the_deployment(paas: World) -> None:
    paas.engine.registry.clear()
    body = {"create": True, "source": {"type": "image", "image": "registry.example/none:1"}}
    made = (await paas.call("POST", "/v1/services/shop/deployments", json=body)).json
    path = f"{LOCAL}/v1/deployments/{made['id']}/log"
    async with paas.session.get(path, headers=SSE) as stream, asyncio.timeout(15):
        told = [event async for event in events(stream)]
    end = json.loads(told[-1]["data"])
    assert (told[-1]["event"], end["status"]) == ("end", "failed")
    assert end["error"]["code"] == "image_not_found"


async def test_lines_are_searched(paas: World) -> None:
    one, _two = await two_versions(paas)
    start = time.time()
    for index, (stream, text) in enumerate(
        [("stdout", "Started"), ("stderr", "ERROR: a"), ("stdout", "error: b"), ("paas", "[gone]")]
    ):
        line = LogLine(time=start + index, text=text, replica="r", stream=stream)
        paas.journal.append(one, line)
    path = "/v1/services/shop/logs"
    assert texts(await paas.call("GET", path + "?q=error")) == ["ERROR: a", "error: b"]
    assert texts(await paas.call("GET", path + "?q=error&stream=stdout")) == ["error: b"]
    assert texts(await paas.call("GET", path + "?stream=paas")) == ["[gone]"]
    assert texts(await paas.call("GET", path + "?q=nothing")) == []
    assert len(texts(await paas.call("GET", path + "?q="))) == 4
    until = (await paas.call("GET", path)).json["items"][1]["time"]
    assert texts(await paas.call("GET", f"{path}?until={until}")) == ["Started"]
    assert "stream" in (await paas.call("GET", path + "?stream=other")).fields
    assert "until" in (await paas.call("GET", path + "?until=now")).fields


async def test_any_cursor_is_a_place_in_the_log(paas: World) -> None:
    deployment = await paas.deploy()
    for after in (2**62, 2**63 - 1):
        path = f"/v1/deployments/{deployment['id']}/log?after={after}"
        answer = await paas.call("GET", path)
        assert (answer.status, answer.json) == (200, {"items": []})
