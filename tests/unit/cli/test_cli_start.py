"""The command line starts fast: it imports click and the standard library only."""

import json
import subprocess
import sys

SCRIPT = """
import json, sys
from paas.cli.app import App
from paas.cli.main import run_app
code = run_app(App(serve=lambda config: 0, load_settings=lambda config: {}), ["--help"])
foreign = {"aiohttp", "pydantic", "asyncio", "rich", "uvloop", "tarfile", "http.server"}
print(json.dumps([int(code), sorted(foreign & set(sys.modules))]), file=sys.stderr)
"""


def test_help_imports_nothing_heavy() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=30, check=True
    )
    assert json.loads(ran.stderr) == [0, []]
    assert "Exit codes:" in ran.stdout
