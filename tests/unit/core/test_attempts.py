from paas.core.attempts import QUIET, Attempts


def failed(attempts: Attempts, key: str, times: int, now: float = 0.0) -> float:
    """Seconds to wait after so many failures at once."""
    for _ in range(times):
        attempts.begin(key, now)
    return attempts.wait(key, now)


def test_a_few_failures_cost_nothing_then_the_delay_doubles_up_to_a_bound() -> None:
    waits = [failed(Attempts(free=3, longest=10.0), "a", times) for times in range(9)]
    assert waits == [0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 4.0, 8.0, 10.0]
    assert failed(Attempts(free=3, longest=10.0), "a", 5000) == 10.0


def test_the_delay_passes_and_keys_are_apart() -> None:
    attempts = Attempts(free=0, longest=60.0)
    assert failed(attempts, "a", 3, now=100.0) == 4.0
    assert attempts.wait("a", 103.0) == 1.0
    assert attempts.wait("a", 104.0) == 0.0
    assert attempts.wait("b", 100.0) == 0.0


def test_failures_are_counted_until_it_is_quiet() -> None:
    attempts = Attempts(free=0, longest=60.0)
    assert [attempts.begin("a", 0.0), attempts.begin("a", 1.0)] == [1, 2]
    assert attempts.begin("a", 1.0 + QUIET) == 1


def test_success_takes_back_its_own_try_only() -> None:
    attempts = Attempts(free=0, longest=60.0)
    failed(attempts, "a", 3)
    attempts.take_back("a", 0.0)
    assert attempts.begin("a", 0.0) == 3
    attempts.forget("a")
    attempts.begin("a", 0.0)
    attempts.take_back("a", 0.0)
    attempts.take_back("a", 0.0)
    assert attempts.wait("a", 0.0) == 0.0


def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    attempts = Attempts(free=0, longest=60.0, kept=2)
    for key in ("a", "b", "a", "c"):
        attempts.begin(key, 0.0)
    assert [attempts.wait(key, 0.0) for key in "abc"] == [2.0, 0.0, 1.0]
