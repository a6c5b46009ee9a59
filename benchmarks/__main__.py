"""`python -m benchmarks P1 P2`: runs them, prints tables, writes JSON and pictures."""

import argparse
import datetime as dt
import json
import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.bench import Bench, opened
from benchmarks.building import p8
from benchmarks.idle import p7
from benchmarks.inside import u1
from benchmarks.plot import draw
from benchmarks.results import Result, as_json, as_table
from benchmarks.scale import k1, m1
from benchmarks.soak import s1
from benchmarks.starts import c1, d1
from benchmarks.traffic import p1, p2, p3, p4, p5, p6

BENCHMARKS: dict[str, Callable[[Bench], Result]] = {
    "P1": p1,
    "P2": p2,
    "P3": p3,
    "P4": p4,
    "P5": p5,
    "P6": p6,
    "P7": p7,
    "P8": p8,
    "C1": c1,
    "D1": d1,
    "M1": m1,
    "K1": k1,
    "S1": s1,
    "U1": u1,
}
OUT = Path("build/benchmarks")


def main() -> int:
    chosen = _arguments()
    chosen.out.mkdir(parents=True, exist_ok=True)
    for name in chosen.names or BENCHMARKS:
        lengths = {"seconds": chosen.seconds, "minutes": chosen.minutes}
        with opened(rounds=chosen.rounds, **lengths) as bench:
            result = BENCHMARKS[name](bench)
        _write(result, chosen.out)
    return 0


# ---- private


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="ID", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--seconds", type=float, default=5.0, help="length of one measured run")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each subject")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the soak")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for JSON and pictures")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    return chosen


def _write(result: Result, out: Path) -> None:
    print(as_table(result), flush=True)
    value = {"date": dt.datetime.now(dt.UTC).isoformat(), "machine": _machine()}
    text = json.dumps(value | as_json(result), indent=1, ensure_ascii=False)
    (out / f"{result.id}.json").write_text(text + "\n")
    if not draw(result, out / f"{result.id}.png"):
        print("No picture: matplotlib is not installed.", file=sys.stderr)


def _machine() -> dict[str, object]:
    model = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version()}


if __name__ == "__main__":
    sys.exit(main())
