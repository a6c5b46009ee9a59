"""Every case of docs/http.md has a test without sockets and one over them.

A test covers a case by its number in a parameter's id (`case-07-twice`) or in a mark.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KINDS = {
    "scripts": ["tests/unit/http1", "tests/unit/proxy"],
    "sockets": ["tests/integration/proxy"],
}
LIST = """
import json, re, sys
import pytest

class Listener:
    def pytest_collection_finish(self, session):
        ids = " ".join(item.nodeid for item in session.items)
        numbers = {int(one) for one in re.findall(r"case-(\\d+)", ids)}
        for item in session.items:
            for mark in item.iter_markers("case"):
                numbers.update(mark.args)
        print("CASES", json.dumps(sorted(numbers)))

sys.exit(pytest.main(["--collect-only", "-q", "--no-header", *sys.argv[1:]], [Listener()]))
"""


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_is_covered(kind: str) -> None:
    command = [sys.executable, "-c", LIST, *KINDS[kind]]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    (found,) = [line for line in done.stdout.splitlines() if line.startswith("CASES ")]
    covered = set(json.loads(found.removeprefix("CASES ")))
    assert set(range(1, 65)) - covered == set()
