"""Live parts are shared, and take no more of the loop than their share."""

import asyncio
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

    assert await asyncio.gather(*(parts.html("key", make) for _ in range(50))) == ["<p>"] * 50
    assert len(made) == 1
    await parts.html("another", make)
    assert len(made) == 2


async def test_it_is_made_anew_after_the_pause() -> None:
    parts, made = LiveParts(refresh=0.0), iter("ab")

    async def make() -> str:
        return next(made)

    assert await parts.html("key", make) == "a"
    await asyncio.sleep(parts.pause)
    assert await parts.html("key", make) == "b"


async def test_costly_parts_are_looked_at_less_often() -> None:
    parts = LiveParts(refresh=0.01)

    async def make() -> str:
        await asyncio.sleep(0.02)
        return ""

    await asyncio.gather(*(parts.html(number, make) for number in range(5)))
    assert parts.pause >= 5 * 0.02 / SHARE


async def test_a_failure_is_everybody_s_and_not_kept() -> None:
    parts, failing = LiveParts(), [True]

    async def make() -> str:
        if failing:
            raise NotFound("It is gone.", code="no_such_service")
        return "again"

    for _ in range(2):
        with pytest.raises(NotFound):
            await parts.html("key", make)
    failing.clear()
    assert await parts.html("key", make) == "again"


def test_live_parts_depend_on_no_session() -> None:
    """They are shared by visitors with the same scope, services and language; `may_create`
    follows from these.
    """
    for path in (Path(paas.console.__file__).parent / "templates").glob("*_live.html"):
        text = path.read_text().replace("visit.may_create", "")
        assert "csrf" not in text, path
        assert "visit" not in text, path
