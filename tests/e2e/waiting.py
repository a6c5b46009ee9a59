"""Waiting for what happens outside this process: always a condition, always a deadline."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.02


def until(look: Callable[[], T], what: str, *, seconds: float = 20.0, pause: float = PAUSE) -> T:
    """The first true value of `look`. Fails, saying `what` was awaited and what was seen."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {seconds:g} s: {what}; last seen: {seen!r}")
        time.sleep(pause)


def steady(look: Callable[[], T], what: str, *, seconds: float) -> T:
    """What `look` says, which must be true and not change for so long."""
    first = look()
    assert first, what
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        time.sleep(PAUSE)
        seen = look()
        assert seen == first, f"{what}: {first!r} became {seen!r}"
    return first
