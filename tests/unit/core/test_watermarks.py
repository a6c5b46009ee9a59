import pytest

from paas.core.watermarks import Level, Marks, Space, judge, worst

MARKS = Marks(warn=85, refuse=95, reserve=100)


def space(used: int, free: int) -> Space:
    return Space(path="/", device=1, used=used, free=free)


@pytest.mark.parametrize(
    ("used", "free", "before", "level"),
    [
        (0, 10_000, Level.OK, Level.OK),
        (8_499, 1_501, Level.OK, Level.OK),
        (8_500, 1_500, Level.OK, Level.LOW),
        (8_450, 1_550, Level.LOW, Level.LOW),
        (8_399, 1_601, Level.LOW, Level.OK),
        (9_500, 500, Level.LOW, Level.FULL),
        (9_450, 550, Level.FULL, Level.FULL),
        (9_399, 601, Level.FULL, Level.LOW),
        (1, 99, Level.OK, Level.FULL),
        (1, 100, Level.OK, Level.OK),
        (1, 124, Level.FULL, Level.FULL),
        (1, 125, Level.FULL, Level.OK),
        (0, 0, Level.OK, Level.FULL),
    ],
)
def test_levels_begin_at_their_mark_and_end_below_it(
    used: int, free: int, before: Level, level: Level
) -> None:
    assert judge(space(used, free), MARKS, before) is level


def test_without_a_reserve_only_percent_count() -> None:
    assert judge(space(0, 0), Marks(warn=85, refuse=95, reserve=0)) is Level.OK


def test_the_worst_of_several_disks() -> None:
    assert worst([]) is Level.OK
    assert worst([Level.LOW, Level.FULL, Level.OK]) is Level.FULL
