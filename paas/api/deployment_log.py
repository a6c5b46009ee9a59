"""A deployment's log: its lines, then its end."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from paas.api import render
from paas.api.call import Context
from paas.api.streams import FanIn, ServerEvent
from paas.control.logs import deployment_log
from paas.core.access import EVERYTHING
from paas.core.model import LogLine
from paas.errors import NotFound

TICK = 1.0
LAST_LINES = 10_000
SETTLING = 10.0
"""Seconds between the log's last line and the deployment's final state, at most."""
POLL = 0.05


async def stream(
    context: Context, deployment_id: str, *, after: int
) -> AsyncGenerator[ServerEvent | None]:
    """All lines after the cursor, live ones too, then an `end` event with the deployment,
    which the caller has been found to see.
    """
    cursor = after
    async with contextlib.aclosing(_following(context, deployment_id, after)) as lines:
        async for line in lines:
            if line is not None:
                cursor = line.cursor
            yield None if line is None else _event(line)
    rest = await context.journal.read(deployment_log(deployment_id), after=cursor, limit=LAST_LINES)
    for line in rest:
        yield _event(line)
    yield await _end(context, deployment_id)


async def _following(
    context: Context, deployment_id: str, after: int
) -> AsyncGenerator[LogLine | None]:
    """Until the log was finished, or was not although the deployment has ended."""
    fan: FanIn[LogLine] = FanIn()
    fan.add(
        "deployment log stream", context.journal.follow(deployment_log(deployment_id), after=after)
    )
    try:
        while not fan.ended:
            item = await fan.next(TICK)
            if item is not None:
                yield item[0]
                continue
            yield None
            if not fan.ended and await _settled(context, deployment_id):
                return
    finally:
        await fan.close()


async def _end(context: Context, deployment_id: str) -> ServerEvent:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLING):
            while not await _settled(context, deployment_id):
                await context.clock.sleep(POLL)
    try:
        deployment = await context.deployments.read(deployment_id, view=EVERYTHING)
    except NotFound:  # its service was deleted meanwhile
        return ServerEvent(name="end", data="{}")
    return ServerEvent(name="end", data=render.deployment(deployment).model_dump_json())


async def _settled(context: Context, deployment_id: str) -> bool:
    try:
        return await context.deployments.settled(deployment_id)
    except NotFound:
        return True


def _event(line: LogLine) -> ServerEvent:
    shown = render.deployment_line(line)
    return ServerEvent(id=str(line.cursor), data=shown.model_dump_json())
