from paas.core.allowance import Allowance, spend

THREE = Allowance(burst=3, rate=0.5, left=3, at=100.0)


def taken(allowance: Allowance, *times: float) -> list[bool]:
    answers = []
    for now in times:
        allowance, allowed = spend(allowance, now)
        answers.append(allowed)
    return answers


def test_a_burst_is_allowed_and_no_more() -> None:
    assert taken(THREE, 100, 100, 100, 100) == [True, True, True, False]


def test_it_fills_up_with_time_but_not_beyond_the_burst() -> None:
    assert taken(THREE, 100, 100, 100, 101, 102, 102) == [True, True, True, False, True, False]
    assert taken(THREE, 1000, 1000, 1000, 1000) == [True, True, True, False]


def test_one_time_may_cost_more_than_another() -> None:
    left, allowed = spend(THREE, 100, cost=2)
    assert allowed
    left, allowed = spend(left, 100, cost=2)
    assert not allowed
    assert spend(left, 100)[1]


def test_a_clock_that_goes_back_gives_nothing() -> None:
    assert taken(THREE, 100, 50, 50, 50) == [True, True, True, False]
