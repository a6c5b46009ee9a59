"""The tables of cases over real sockets."""

import pytest

from tests.integration.proxy import checks
from tests.integration.proxy.conftest import Stage
from tests.unit.http1.answers import BODILESS, CUT, ENDED, READABLE, SURPLUS, UNUSABLE
from tests.unit.http1.forwarding import FORWARDED
from tests.unit.http1.hostile import HOSTILE


@pytest.mark.parametrize("name", HOSTILE)
async def test_refused_and_closed(stage: Stage, name: str) -> None:
    await stage.start()
    await checks.check_refused(stage, await stage.wire(), name)


@pytest.mark.parametrize("name", FORWARDED)
async def test_forwarded(stage: Stage, name: str) -> None:
    await stage.start()
    await checks.check_passed(stage, await stage.wire(), name)


@pytest.mark.parametrize("name", UNUSABLE)
async def test_unusable_answers(stage: Stage, name: str) -> None:
    await stage.start()
    await checks.check_unusable(stage, await stage.wire(), name)


@pytest.mark.parametrize("name", CUT)
async def test_answers_cut_short(stage: Stage, name: str) -> None:
    await stage.start()
    await checks.check_cut(stage, await stage.wire(), name)


@pytest.mark.parametrize("name", SURPLUS)
async def test_surplus(stage: Stage, name: str) -> None:
    await stage.start()
    await checks.check_surplus(stage, await stage.wire(), name)


@pytest.mark.parametrize("name", BODILESS)
async def test_answers_without_a_body(stage: Stage, name: str) -> None:
    await stage.start()
    await checks.check_bodiless(stage, await stage.wire(), name)


@pytest.mark.parametrize("name", [*READABLE, *ENDED])
async def test_readable_answers(stage: Stage, name: str) -> None:
    await stage.start()
    await checks.check_readable(stage, await stage.wire(), name)
