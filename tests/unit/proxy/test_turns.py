"""Who reads much rests, and goes on in order, one at a time."""

import asyncio

from paas.proxy.turns import LARGE, Turns


class Busy:
    def __init__(self, number: int, order: list[int]) -> None:
        self._number = number
        self._order = order
        self.resting = False

    def rest(self) -> None:
        self.resting = True

    def go_on(self) -> None:
        self.resting = False
        self._order.append(self._number)


async def test_small_pieces_cost_no_turn() -> None:
    reader = Busy(1, [])
    Turns().read(reader, LARGE - 1)
    assert not reader.resting


async def test_one_goes_on_in_each_turn_of_the_loop() -> None:
    turns, order = Turns(), []
    for number in range(5):
        reader = Busy(number, order)
        turns.read(reader, LARGE)
        assert reader.resting
    seen = []
    while len(order) < 5:
        await asyncio.sleep(0)
        seen.append(len(order))
    assert order == sorted(order)
    assert seen == [1, 2, 3, 4, 5]


async def test_one_that_reads_much_again_is_last_again() -> None:
    turns, order = Turns(), []
    first, second = Busy(1, order), Busy(2, order)
    turns.read(first, LARGE)
    turns.read(second, LARGE)
    while len(order) < 2:
        await asyncio.sleep(0)
    turns.read(second, LARGE)
    turns.read(first, LARGE)
    while len(order) < 4:
        await asyncio.sleep(0)
    assert order == [1, 2, 2, 1]
