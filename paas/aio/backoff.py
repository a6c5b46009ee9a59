"""Capped exponential back-off as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Delays `first`, `first` × `factor`, … up to `cap` seconds."""

    first: float = 1.0
    factor: float = 2.0
    cap: float = 300.0

    def delay(self, failures: int) -> float:
        """Seconds to wait after that many failures in a row (0 → 0)."""
        if failures <= 0:
            return 0.0
        exponent = min(failures - 1, 64)
        return float(min(self.cap, self.first * self.factor**exponent))
