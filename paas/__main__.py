"""The entry point: gives the command line the daemon without importing it."""

import gc
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from paas.cli.main import run


def main() -> None:
    """`paas` and `python -m paas`."""
    sys.exit(run(serve=_serve, load_settings=_load_settings))


def _serve(config: Path | None) -> int:
    gc.disable()  # imports make no garbage; the daemon enables it
    from paas import process  # noqa: PLC0415 (the command line starts without the daemon)

    return process.run(config)


def _load_settings(config: Path | None) -> Mapping[str, Any]:
    from paas import settings  # noqa: PLC0415 (the command line starts without the daemon)

    return settings.load(config, os.environ).model_dump()


if __name__ == "__main__":
    main()
