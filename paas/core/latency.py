"""How long requests took, as counts in fixed buckets: small, and exact to add up.

Each bucket ends a fourth of an octave above the one before it, so a quantile is off by
less than a tenth (`ERROR`) of its value, whatever was added to what: histograms of
seconds, versions and days are added, never their quantiles. The lowest bucket ends at
0.1 ms, which what is faster counts as; what takes longer than 14 minutes counts as that.
"""

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate

ROUNDING = 1e-9
GROWTH = 2 ** (1 / 4)
BOUNDS = tuple(0.0001 * 2 ** (step / 4) for step in range(93))
"""Upper ends of the buckets in seconds, included; one more bucket has what is above all."""
BUCKETS = len(BOUNDS) + 1
ERROR = GROWTH**0.5 - 1
"""The most by which a quantile may be off, as a part of it (0.0905)."""


def bucket(seconds: float) -> int:
    """The number of the bucket that this duration counts in."""
    return bisect_left(BOUNDS, seconds)


def quantile(counts: Mapping[int, int], part: float) -> float | None:
    """The duration that this part (0 to 1) of all did not exceed, seconds; None for none.

    `counts` has the buckets that are not empty.
    """
    numbers = sorted(counts)
    sums = list(accumulate(counts[one] for one in numbers))
    if not sums:
        return None
    place = bisect_left(sums, part * sums[-1] - ROUNDING)
    number = numbers[min(place, len(numbers) - 1)]
    return BOUNDS[min(number, len(BOUNDS) - 1)] / (1 if number in _ENDS else GROWTH**0.5)


def cumulated(counts: Mapping[int, int], *, every: int) -> list[tuple[float, int]]:
    """(upper end, how many took at most that), for one in `every` bounds."""
    ends = range(0, len(BOUNDS), every)
    return [(BOUNDS[end], sum(n for at, n in counts.items() if at <= end)) for end in ends]


_ENDS = (0, BUCKETS - 1)
