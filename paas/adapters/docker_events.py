"""The engine's events as ids of replicas that changed, for ever.

The engine's stream ends silently when the engine goes away: it is opened again with a
growing delay, and "" says each time that anything may have changed meanwhile. A stream
that is silent is checked by asking the engine something else.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing

import aiohttp

from paas.adapters.docker_api import DockerApi, parse_document, translated
from paas.adapters.docker_config import replica_filter
from paas.aio.backoff import Backoff
from paas.errors import PaasError

log = logging.getLogger(__name__)

RETRY = Backoff(first=0.2, cap=10.0)
QUIET_SECONDS = 30.0
_ACTIONS = ["create", "start", "die", "oom", "pause", "unpause", "destroy"]


async def changes(
    api: DockerApi, installation: str, *, retry: Backoff = RETRY, quiet: float = QUIET_SECONDS
) -> AsyncGenerator[str, None]:
    """Ids of replicas that changed; "" first and after each reconnect."""
    failures = 0
    while True:
        try:
            async with aclosing(_connection(api, installation, quiet)) as connection:
                async for replica in connection:
                    failures = 0
                    yield replica
            log.warning("engine events ended, reconnecting")
        except PaasError as error:
            if failures == 0:
                log.warning("engine events lost, reconnecting", extra={"reason": error.message})
        failures += 1
        await asyncio.sleep(retry.delay(failures))


async def _connection(api: DockerApi, installation: str, quiet: float) -> AsyncGenerator[str, None]:
    """One stream until it ends: "" once it stands, then ids.

    `since` is the engine's own time before we asked, so that what happens between the
    engine's first answer and its subscription is not lost.
    """
    engine = await api.negotiate()
    filters = {"type": ["container"], "event": _ACTIONS, **replica_filter(installation)}
    params = {"filters": json.dumps(filters)}
    if engine.time:
        params["since"] = str(engine.time - 1)
    async with api.stream("GET", "events", params=params) as response:
        yield ""
        rest = b""
        while piece := await _read(api, response, quiet):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if replica := _replica(line):
                    yield replica


async def _read(api: DockerApi, response: aiohttp.ClientResponse, quiet: float) -> bytes:
    """The next bytes; empty at the end. Raises `Unavailable` when the engine is gone."""
    while True:
        try:
            async with asyncio.timeout(quiet):
                with translated("events"):
                    return await response.content.readany()
        except TimeoutError:
            await api.negotiate()


def _replica(line: bytes) -> str:
    if not line.strip():
        return ""
    actor = parse_document(line).get("Actor") or {}
    return str(actor.get("ID", ""))
