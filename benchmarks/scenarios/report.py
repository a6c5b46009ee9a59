"""What a scenario found: checks that pass or fail, each with its figure, and the machine's state.

Counts of failures are part of the result: a scenario is not stopped by the first one.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

from benchmarks.scenarios.timeline import Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """`limit` says in words what `found` had to be."""

    what: str
    found: str
    limit: str
    passed: bool


@dataclass(slots=True, kw_only=True)
class Report:
    """One scenario's result; `notes` are figures that nothing depends on."""

    id: str
    title: str
    checks: list[Check] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    timeline: Timeline | None = None

    @property
    def passed(self) -> bool:
        return bool(self.checks) and all(one.passed for one in self.checks)

    def at_most(self, what: str, found: float, limit: float, *, unit: str = "") -> None:
        text = f"{found:.4g} {unit}".strip()
        self._add(what, text, f"≤ {limit:g} {unit}".strip(), passed=found <= limit)

    def at_least(self, what: str, found: float, limit: float, *, unit: str = "") -> None:
        text = f"{found:.4g} {unit}".strip()
        self._add(what, text, f"≥ {limit:g} {unit}".strip(), passed=found >= limit)

    def equal(self, what: str, found: object, wanted: object) -> None:
        self._add(what, str(found), str(wanted), passed=found == wanted)

    def note(self, what: str, found: object) -> None:
        self.notes[what] = f"{found:.4g}" if isinstance(found, float) else str(found)

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "title": self.title,
            "passed": self.passed,
            "checks": [
                {"what": one.what, "found": one.found, "limit": one.limit, "passed": one.passed}
                for one in self.checks
            ],
            "notes": self.notes,
        } | ({"timeline": self.timeline.as_json()} if self.timeline else {})

    def as_table(self) -> str:
        """For the terminal and, being Markdown, for the documentation."""
        lines = [f"### {self.id}: {self.title}", "", "| check | found | limit | passed |"]
        lines.append("| --- | ---: | ---: | --- |")
        for one in self.checks:
            passed = "yes" if one.passed else "**no**"
            lines.append(f"| {one.what} | {one.found} | {one.limit} | {passed} |")
        lines += ["", *(f"- {what}: {found}" for what, found in self.notes.items()), ""]
        return "\n".join(lines)

    # ---- private

    def _add(self, what: str, found: str, limit: str, *, passed: bool) -> None:
        self.checks.append(Check(what=what, found=found, limit=limit, passed=passed))


class Machine:
    """How busy the machine is, with all that runs on it, from here to `tell`."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._before = _ticks()

    def tell(self, report: Report) -> None:
        idle, total = (now - was for now, was in zip(_ticks(), self._before, strict=True))
        busy = 100 * (1 - idle / max(1, total))
        report.note(
            "machine", f"load average {self._load:.1f} before, CPU {busy:.0f} % busy during"
        )


def p50(values: Sequence[float]) -> float:
    return median(values) if values else float("nan")


def p95(values: Sequence[float]) -> float:
    if len(values) < 2:
        return p50(values)
    return quantiles(values, n=20, method="inclusive")[-1]


def p99(values: Sequence[float]) -> float:
    if len(values) < 2:
        return p50(values)
    return quantiles(values, n=100, method="inclusive")[-1]


# ---- private


def _ticks() -> tuple[int, int]:
    """Idle and all ticks of all cores since the boot."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    ticks = [int(one) for one in fields]
    return ticks[3] + ticks[4], sum(ticks)
