"""Who is refused too often rests until the next tick."""

import asyncio

from paas.proxy.refusals import UNSLOWED, Refusals
from paas.proxy.turns import Turns


class Client:
    resting = False

    def rest(self) -> None:
        self.resting = True

    def go_on(self) -> None:
        self.resting = False


async def test_many_refusals_of_one_service_slow_its_clients() -> None:
    refusals, early, late, other = Refusals(), Client(), Client(), Client()
    for _ in range(UNSLOWED):
        refusals.refused("a", early)
    refusals.refused("a", late)
    refusals.refused("b", other)
    assert [one.resting for one in (early, late, other)] == [False, True, False]
    refusals.tick(Turns())
    assert late.resting
    await asyncio.sleep(0)
    assert not late.resting
    refusals.refused("a", late)
    assert not late.resting
