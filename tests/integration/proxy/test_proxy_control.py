"""The positive control: the checks must find a proxy that only copies, and one that tidies."""

from collections.abc import Iterable

import pytest

from tests.integration.proxy import checks
from tests.integration.proxy.broken import Change, broken_proxy, copied, tidied
from tests.integration.proxy.conftest import Stage
from tests.unit.http1.answers import CUT, SURPLUS, UNUSABLE
from tests.unit.http1.forwarding import FORWARDED
from tests.unit.http1.hostile import HOSTILE

NOTICED = (AssertionError, ConnectionError, TimeoutError)


def one_each(names: Iterable[str]) -> list[str]:
    """The last of every case."""
    return list({name[: len("case-00")]: name for name in names}.values())


@pytest.fixture
async def control(stage: Stage) -> Stage:
    await stage.start()
    return stage


async def forget(stage: Stage) -> None:
    """What the broken proxy did is not ours."""
    for line in stage.origin.lines:
        line.writer.transport.abort()
    await checks.until(lambda: stage.origin.open == 0)
    stage.origin.problems.clear()
    stage.origin.seen.clear()


@pytest.mark.parametrize("change", [copied, tidied])
async def test_the_broken_proxies_are_well_otherwise(control: Stage, change: Change) -> None:
    """So that it is its fault that a check finds, nothing else."""
    async with broken_proxy(control.origin.port, change) as wire:
        await checks.check_passed(control, wire, "case-33-dots")
    control.origin.seen.clear()


@pytest.mark.parametrize("change", [copied, tidied])
@pytest.mark.parametrize("name", one_each(HOSTILE))
async def test_hostile_requests(control: Stage, name: str, change: Change) -> None:
    async with broken_proxy(control.origin.port, change) as wire:
        with pytest.raises(NOTICED):
            await checks.check_refused(control, wire, name, 0.2)
    await forget(control)


CHANGED = [
    name for name in FORWARDED if name.startswith(("case-14", "case-27", "case-36", "case-39"))
]


@pytest.mark.parametrize("name", [*CHANGED, "case-37-all-of-ours", "case-40-proxy", "case-43-h2c"])
async def test_forwarding(control: Stage, name: str) -> None:
    async with broken_proxy(control.origin.port) as wire:
        with pytest.raises(NOTICED):
            await checks.check_passed(control, wire, name, 0.2)
    await forget(control)


@pytest.mark.parametrize("name", one_each(UNUSABLE))
async def test_answers(control: Stage, name: str) -> None:
    async with broken_proxy(control.origin.port) as wire:
        with pytest.raises(NOTICED):
            await checks.check_unusable(control, wire, name, 0.2)
    await forget(control)


@pytest.mark.parametrize("name", CUT)
async def test_cut_answers(control: Stage, name: str) -> None:
    async with broken_proxy(control.origin.port) as wire:
        with pytest.raises(NOTICED):
            await checks.check_cut(control, wire, name, 0.2)
    await forget(control)


@pytest.mark.parametrize("name", SURPLUS)
async def test_surplus(control: Stage, name: str) -> None:
    async with broken_proxy(control.origin.port) as wire:
        with pytest.raises(NOTICED):
            await checks.check_surplus(control, wire, name, 0.2)
    await forget(control)
