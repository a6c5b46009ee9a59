import asyncio
import os
import socket
import stat
from pathlib import Path

import pytest
from aiohttp import web

from paas.api.app import ApiServer
from paas.errors import Conflict, Unavailable
from paas.settings import Api, Settings
from tests.integration.api.rig import TOKEN, World

BEARER = {"Authorization": f"Bearer {TOKEN}"}


async def test_tcp_needs_the_token(paas: World) -> None:
    none = await paas.call("GET", "/v1/services", session=paas.tcp)
    assert (none.status, none.json["code"]) == (401, "no_token")
    assert none.headers["WWW-Authenticate"].startswith("Bearer")
    bad = {"Authorization": "Bearer no"}
    wrong = await paas.call("GET", "/v1/services", session=paas.tcp, headers=bad)
    assert (wrong.status, wrong.json["code"]) == (401, "bad_token")
    basic = {"Authorization": f"Basic {TOKEN}"}
    assert (await paas.call("GET", "/v1/services", session=paas.tcp, headers=basic)).status == 401
    right = await paas.call("GET", "/v1/services", session=paas.tcp, headers=BEARER)
    assert right.status == 200


async def test_unknown_paths_need_the_token_too(paas: World) -> None:
    assert (await paas.call("GET", "/v1/nothing", session=paas.tcp)).status == 401
    found = await paas.call("GET", "/v1/nothing", session=paas.tcp, headers=BEARER)
    assert (found.status, found.json["code"]) == (404, "no_such_path")


async def test_anyone_sees_that_it_lives_and_no_more(paas: World) -> None:
    seen = await paas.call("GET", "/v1/health", session=paas.tcp)
    assert seen.json.keys() == {"status", "version"}
    full = (await paas.call("GET", "/v1/health", session=paas.tcp, headers=BEARER)).json
    assert full["engine"] is True
    assert full["data_dir"] == str(paas.settings.data_dir)
    assert full["usage"] == {
        "connections": 0,
        "most_connections": 0,
        "websockets": 0,
        "refused": 0,
        "paused": False,
        "pauses": 0,
        "lost_lines": 0,
    }
    assert (await paas.call("GET", "/openapi.json", session=paas.tcp)).json["openapi"] == "3.1.0"


async def test_health_says_that_the_engine_is_away(paas: World) -> None:
    paas.engine.down = True
    told = (await paas.call("GET", "/v1/health")).json
    assert told["status"] == "degraded"
    assert told["engine"] is False
    assert told["problem"]
    paas.engine.down = False


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[::1"])
async def test_other_host_names_are_refused(paas: World, host: str) -> None:
    answer = await paas.call("GET", "/v1/health", session=paas.tcp, headers=BEARER | {"Host": host})
    assert answer.status in (400, 421)


@pytest.mark.parametrize("host", ["localhost:8600", "PAAS.example", "10.1.2.3", "[::1]:8600"])
async def test_own_host_names_are_answered(paas: World, host: str) -> None:
    headers = BEARER | {"Host": host}
    answer = await paas.call("GET", "/v1/services", session=paas.tcp, headers=headers)
    assert answer.status == 200


async def test_a_wrong_method_names_the_right_ones(paas: World) -> None:
    answer = await paas.call("DELETE", "/v1/services")
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, HEAD, POST"


async def test_head_reads_without_a_body(paas: World) -> None:
    answer = await paas.call("HEAD", "/v1/services")
    assert (answer.status, answer.text) == (200, "")


async def test_the_socket_is_private_and_goes_with_the_server(paas: World) -> None:
    path = Path(paas.socket)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    await paas.server.close()
    assert not path.exists()


async def test_a_socket_in_use_is_left_alone(paas: World) -> None:
    second = ApiServer(_empty(), paas.settings)
    with pytest.raises(Conflict) as refused:
        await second.start()
    assert refused.value.code == "already_running"
    assert (await paas.call("GET", "/v1/health")).status == 200


async def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    path = Path(f"/tmp/paas-test-{os.getpid()}.sock")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    server = ApiServer(_empty(), Settings(api=Api(listen="", socket=str(path))))
    await server.start()
    assert server.address is None
    await server.close()
    assert not path.exists()


async def test_a_file_in_the_socket_s_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("mine")
    server = ApiServer(_empty(), Settings(api=Api(listen="", socket=str(path))))
    with pytest.raises(Unavailable, match="not a socket"):
        await server.start()
    assert path.read_text() == "mine"


async def test_a_taken_port_is_an_error_with_advice(paas: World, tmp_path: Path) -> None:
    taken = Settings(data_dir=tmp_path, api=Api(listen=paas.server.address or ""))
    server = ApiServer(_empty(), taken)
    with pytest.raises(Unavailable) as refused:
        await server.start()
    assert "api.listen" in refused.value.advice


async def test_close_does_not_wait_for_open_streams(paas: World) -> None:
    await paas.call("POST", "/v1/services", json={"name": "shop"})
    headers = {"Accept": "text/event-stream"}
    async with paas.session.get("http://localhost/v1/services/shop/logs", headers=headers) as open_:
        assert open_.status == 200
        async with asyncio.timeout(2.0):
            await paas.server.close()


def _empty():
    return web.Application()
