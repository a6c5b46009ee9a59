"""`paas restore` as its user runs it."""

import os
import subprocess
import sys
from pathlib import Path


def restore(file: Path, data: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PAAS_")}
    return subprocess.run(
        [sys.executable, "-m", "paas", "restore", str(file), "--data-dir", str(data), *options],
        env=clean,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
