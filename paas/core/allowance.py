"""How often something may happen: a bucket of tokens that fills up with time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """`burst` at once, and `rate` a second in the long run; `left` tokens at the time `at`."""

    burst: float
    rate: float
    left: float
    at: float = 0.0


def spend(allowance: Allowance, now: float, *, cost: float = 1.0) -> tuple[Allowance, bool]:
    """The allowance after one more time, which takes `cost` tokens, and whether that was
    allowed.
    """
    filled = allowance.left + max(0.0, now - allowance.at) * allowance.rate
    left = min(allowance.burst, filled)
    allowed = left >= cost
    if allowed:
        left -= cost
    return Allowance(burst=allowance.burst, rate=allowance.rate, left=left, at=now), allowed
