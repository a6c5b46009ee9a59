import io
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from paas.cli.app import App
from paas.cli.main import run_app
from paas.cli.output import Output
from tests.integration.cli.recorded import Recorded, listening


@dataclass(kw_only=True)
class Ran:
    code: int
    out: str
    err: str


class Terminal(io.StringIO):
    """Text that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


class Cli:
    """Runs command lines as a user would, against a given environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = dict(environ)
        self.served: list[Path | None] = []
        self.settings: Mapping[str, Any] | Exception = {}

    def __call__(self, *argv: str, terminal: bool = False) -> Ran:
        out, err = Terminal() if terminal else io.StringIO(), io.StringIO()
        app = App(
            serve=self._serve,
            load_settings=self._load,
            environ=self.environ,
            out=Output(stdout=out, stderr=err, environ={}),
        )
        code = run_app(app, argv)
        return Ran(code=int(code), out=out.getvalue(), err=err.getvalue())

    def _serve(self, config: Path | None) -> int:
        self.served.append(config)
        return 0

    def _load(self, config: Path | None) -> Mapping[str, Any]:
        if isinstance(self.settings, Exception):
            raise self.settings
        return self.settings


@pytest.fixture
def data() -> Iterator[Path]:
    """A short path: unix sockets allow about 100 bytes."""
    with tempfile.TemporaryDirectory(prefix="paas-") as folder:
        yield Path(folder)


@pytest.fixture
def daemon(data: Path) -> Iterator[Recorded]:
    with listening(data / "api.sock") as (recorded, _):
        yield recorded


@pytest.fixture
def cli(data: Path) -> Cli:
    return Cli({"PAAS_DATA_DIR": str(data), "HOME": str(data)})
