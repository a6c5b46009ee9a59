"""S12: recorded traces of the decision, beside a reference written from the design alone."""

import re
import subprocess
import sys

from benchmarks.scenarios.report import Machine, Report

TESTS = ("tests/unit/core/test_scaling_reference.py", "tests/unit/core/test_scaling_scenarios.py")


def s12() -> Report:
    """They are unit tests: this runs them."""
    report = Report(id="12", title="traces of the decision, identical with a reference")
    machine = Machine()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *TESTS],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    machine.tell(report)
    report.equal("exit code", done.returncode, 0)
    counts = dict(re.findall(r"(\d+) (passed|failed)", done.stdout)[::-1])
    report.note("tests", ", ".join(f"{count} {what}" for count, what in counts.items()))
    return report
