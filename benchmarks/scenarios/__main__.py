"""`python -m benchmarks.scenarios 1 7`: plays them, prints tables, writes JSON and pictures."""

import argparse
import datetime as dt
import json
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.scenarios.crowds import s3, s4, s11
from benchmarks.scenarios.days import burst, night
from benchmarks.scenarios.drawing import drawn
from benchmarks.scenarios.edges import edges
from benchmarks.scenarios.failing import s5
from benchmarks.scenarios.flooded import s14
from benchmarks.scenarios.leaving import s8
from benchmarks.scenarios.rates import s6, s7
from benchmarks.scenarios.reference import s12
from benchmarks.scenarios.report import Report
from benchmarks.scenarios.sleeping import s9
from benchmarks.scenarios.surviving import s10
from benchmarks.scenarios.waking import s1, s2

SCENARIOS: dict[str, Callable[[], Report]] = {
    "1": s1,
    "2": s2,
    "3": s3,
    "4": s4,
    "5": s5,
    "6": s6,
    "7": s7,
    "8": s8,
    "9": s9,
    "10": s10,
    "11": s11,
    "12": s12,
    "13": edges,
    "14": s14,
    "burst": burst,
    "night": night,
}
OUT = Path("build/scenarios")


def main() -> int:
    chosen = _arguments()
    chosen.out.mkdir(parents=True, exist_ok=True)
    failed = []
    for name in chosen.names or SCENARIOS:
        report = _played(name)
        _write(report, chosen.out)
        failed += [] if report.passed else [name]
    print(f"Not passed: {', '.join(failed)}." if failed else "All passed.")
    return 1 if failed else 0


# ---- private


def _played(name: str) -> Report:
    """What was awaited in vain ends one scenario, not those after it."""
    try:
        return SCENARIOS[name]()
    except AssertionError as error:
        report = Report(id=name, title="did not come to its end")
        report.equal("what was awaited in vain", str(error), "nothing")
        return report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scenarios", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="ID", help=f"of {', '.join(SCENARIOS)}")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for JSON and pictures")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(SCENARIOS)
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}")
    return chosen


def _write(report: Report, out: Path) -> None:
    print(report.as_table(), flush=True)
    value = {"date": dt.datetime.now(dt.UTC).isoformat()} | report.as_json()
    (out / f"{report.id}.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    if report.timeline:
        (out / f"{report.id}.svg").write_text(drawn(report.timeline))


if __name__ == "__main__":
    sys.exit(main())
