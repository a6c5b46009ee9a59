"""Live parts are shared, and take no more of the loop than their share."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Hashable
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path

import pytest

import paas.console
from paas.console.live import SHARE, LiveParts
from paas.errors import NotFound


async def test_what_many_look_at_is_made_once() -> None:
    parts, made = LiveParts(), []

    async def make() -> str:
        made.append(1)
        await asyncio.sleep(0)
        return "<p>"

    async with looking(parts, "key", make, watchers=50) as watchers:
        assert await asyncio.gather(*(anext(one) for one in watchers)) == ["<p>"] * 50
        assert len(made) == 1
        async with looking(parts, "another", make) as (other,):
            await anext(other)
            assert len(made) == 2


async def test_it_is_made_anew_after_the_pause() -> None:
    parts, made = LiveParts(refresh=0.0), iter("ab")

    async def make() -> str:
        return next(made)

    async with looking(parts, "key", make) as (one,):
        assert [await anext(one), await anext(one)] == ["a", "b"]


async def test_costly_parts_are_looked_at_less_often_as_long_as_somebody_looks() -> None:
    parts = LiveParts(refresh=0.01)

    async def make() -> str:
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        return ""

    async with AsyncExitStack() as stack:
        for number in range(5):
            (one,) = await stack.enter_async_context(looking(parts, number, make))
            await anext(one)
        assert parts.pause >= 5 * 0.02 / SHARE
    assert parts.pause == 0.01


async def test_waiting_costs_nothing() -> None:
    parts = LiveParts(refresh=0.01)

    async def make() -> str:
        await asyncio.sleep(0.5)
        return ""

    async with looking(parts, "key", make) as (one,):
        await anext(one)
        assert parts.pause < 0.5


async def test_a_failure_is_everybody_s_and_not_kept() -> None:
    parts, failing = LiveParts(), [True]

    async def make() -> str:
        if failing:
            raise NotFound("It is gone.", code="no_such_service")
        return "again"

    async with looking(parts, "key", make, watchers=3) as (first, second, third):
        for one in (first, second):
            with pytest.raises(NotFound):
                await anext(one)
        failing.clear()
        assert await anext(third) == "again"


@asynccontextmanager
async def looking(
    parts: LiveParts, key: Hashable, make: Callable[[], Awaitable[str]], watchers: int = 1
) -> AsyncIterator[list[AsyncGenerator[str]]]:
    """So many who look at one part."""
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(aclosing(parts.follow(key, make)))
            for _ in range(watchers)
        ]


def test_live_parts_depend_on_no_session() -> None:
    """They are shared by visitors with the same scope, services and language; `may_create`
    follows from these.
    """
    for path in (Path(paas.console.__file__).parent / "templates").glob("*_live.html"):
        text = path.read_text().replace("visit.may_create", "")
        assert "csrf" not in text, path
        assert "visit" not in text, path
