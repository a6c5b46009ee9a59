"""The API through the proxy, at a host name of its own; no engine is needed for that."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest

from paas.daemon import Daemon
from paas.settings import Api, Docker, Proxy, Settings
from tests.integration.proxy.wire import Got, Wire
from tests.payloads import COMMIT, REPOSITORY, body, signed

HOST = "console.localhost"
JSON = {"content-type": "application/json"}


@dataclass(kw_only=True)
class Front:
    """A daemon; `local` is a session on its unix socket."""

    port: int
    folder: Path
    local: aiohttp.ClientSession
    daemon: Daemon

    async def ask(
        self,
        method: str,
        path: str,
        *,
        host: str = HOST,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
    ) -> Got:
        """One request to the proxy, byte for byte."""
        fields = {"Host": host, "Content-Length": str(len(content)), **(headers or {})}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        wire = await Wire.open(self.port)
        try:
            wire.send(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content)
            return await wire.response()
        finally:
            wire.close()

    @property
    def bearer(self) -> dict[str, str]:
        token = (self.folder / "admin.token").read_text().strip()
        return {"Authorization": f"Bearer {token}"}


@asynccontextmanager
async def front(mode: str, **proxy: object) -> AsyncIterator[Front]:
    with TemporaryDirectory(prefix="paas-") as folder:
        settings = Settings(
            data_dir=Path(folder),
            docker=Docker(host=f"unix://{folder}/no-engine.sock"),
            api=Api.model_validate({"listen": "127.0.0.1:0", "through_proxy": mode}),
            proxy=Proxy.model_validate({"http": ["127.0.0.1:0"], **proxy}),
        )
        async with AsyncExitStack() as stack:
            daemon = await Daemon.build(settings, stack)
            await daemon.start()
            connector = aiohttp.UnixConnector(f"{folder}/api.sock")
            local = aiohttp.ClientSession(base_url="http://localhost", connector=connector)
            port = int(daemon.control.urls.listening[0].rpartition(":")[2])
            try:
                yield Front(port=port, folder=Path(folder), local=local, daemon=daemon)
            finally:
                await local.close()
                await daemon.drain()


async def hook(paas: Front) -> str:
    """A service with a webhook; its secret."""
    wanted = {"name": "shop", "repository": {"url": REPOSITORY, "branch": "main"}}
    async with paas.local.post("/v1/services", json=wanted) as made:
        assert made.status == 201, await made.text()
    async with paas.local.post("/v1/services/shop/hook") as made:
        told = await made.json()
    assert told["reachable"] is True
    assert told["url"] == f"http://{HOST}:{paas.port}/hooks/shop"
    secret: str = told["secret"]
    return secret


async def deliveries(paas: Front) -> list[dict[str, str]]:
    async with paas.local.get("/v1/services/shop/deliveries") as read:
        items: list[dict[str, str]] = (await read.json())["items"]
        return items


async def test_a_signed_push_comes_through_the_proxy_and_is_queued() -> None:
    async with front("hooks") as paas:
        secret = await hook(paas)
        content = body("github")
        headers = signed("github", content, secret=secret)
        got = await paas.ask("POST", "/hooks/shop", headers=headers, content=content)
        assert got.status == 202, got.body
        told = json.loads(got.body)
        async with paas.local.get(f"/v1/deployments/{told['deployment']}") as read:
            deployment = await read.json()
        assert (deployment["trigger"], deployment["revision"]) == ("webhook", COMMIT)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1/health",
        "/v1/services",
        "/openapi.json",
        "/hooks/",
        "/hooks",
        "/hooks/shop/",
        "/hooks/../v1/services",
        "/hooks/%2e%2e/v1/services",
        "/hooks/..%2fv1%2fservices",
        "/hooks/shop/../../v1/services",
        "//hooks/shop",
        "/hooks//shop",
        "/hooks/shop;x",
        "/hooks\\shop",
        "/HOOKS/shop",
        "/./hooks/shop",
        "http://console.localhost/v1/services",
    ],
)
async def test_nothing_but_webhooks_is_let_through(path: str) -> None:
    async with front("hooks") as paas:
        got = await paas.ask("GET", path, headers=paas.bearer)
        assert got.status in (400, 404), (path, got.status, got.body)
        assert got.code in ("no_such_path", "bad_request")


async def test_a_webhook_path_needs_its_signature_there_too() -> None:
    async with front("hooks") as paas:
        await hook(paas)
        got = await paas.ask("POST", "/hooks/shop", headers=JSON, content=b"{}")
        assert (got.status, json.loads(got.body)["code"]) == (401, "bad_signature")
        huge = {"Content-Length": str(10 * 1024**2)}
        assert (await paas.ask("POST", "/hooks/shop", headers=huge)).status == 413


async def test_all_of_the_api_needs_a_token() -> None:
    async with front("all") as paas:
        assert (await paas.ask("GET", "/v1/services")).status == 401
        assert (await paas.ask("GET", "/v1/services", headers=paas.bearer)).status == 200
        other = await paas.ask("GET", "/v1/services", host="other.localhost", headers=paas.bearer)
        assert other.code == "no_such_host"


async def test_figures_are_told_of_it_too() -> None:
    async with front("all") as paas:
        await paas.ask("GET", "/v1/services", headers=paas.bearer)
        got = await paas.ask("GET", "/metrics", headers=paas.bearer)
        assert got.status == 200
        assert b"console" in got.body


async def test_off_there_is_no_such_host() -> None:
    async with front("off") as paas:
        got = await paas.ask("GET", "/v1/services", headers=paas.bearer)
        assert (got.status, got.code) == (404, "no_such_host")


async def test_the_caller_s_address_is_believed_of_our_own_proxy_only() -> None:
    async with front("hooks", trusted=["127.0.0.0/8"]) as paas:
        secret = await hook(paas)
        content = body("github", "ping")
        headers = signed("github", content, secret=secret, event="ping")
        said = {**headers, "X-Real-IP": "203.0.113.9"}
        await paas.ask("POST", "/hooks/shop", headers=said, content=content)
        assert (await deliveries(paas))[0]["client"] == "203.0.113.9"
        direct = f"http://{paas.daemon.api.address}/hooks/shop"
        async with aiohttp.request("POST", direct, headers=said, data=content) as got:
            assert got.status == 200
        assert (await deliveries(paas))[0]["client"] == "127.0.0.1"


async def test_a_stranger_on_the_proxy_s_own_listener_is_not_believed() -> None:
    async with front("hooks") as paas:
        secret = await hook(paas)
        slot = paas.daemon.board.targets["console"].slots[0]
        content = body("github", "ping")
        headers = signed("github", content, secret=secret, event="ping")
        said = {**headers, "X-Real-IP": "203.0.113.9"}
        direct = f"http://{slot.host}:{slot.port}"
        async with aiohttp.request(
            "POST", direct + "/hooks/shop", headers=said, data=content
        ) as got:
            assert got.status == 200
        assert (await deliveries(paas))[0]["client"] == "127.0.0.1"
        async with aiohttp.request("GET", direct + "/v1/services") as got:
            assert got.status == 401, "it is no way around the token"
