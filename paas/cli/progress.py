"""How a deployment is shown while it runs: live on a terminal, plain lines elsewhere."""

import itertools
import shutil
from typing import Protocol

from paas.cli.output import Output, safe, seconds, size, width

_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_FRAMES = "|/-\\"
_MARKS = {"succeeded": ("✓", "green"), "failed": ("✗", "red"), "cancelled": ("✗", "yellow")}


class Progress(Protocol):
    """Told of everything in order; `busy` often, to keep a status line alive."""

    def say(self, text: str) -> None: ...

    def upload(self, sent: int, total: int) -> None: ...

    def log(self, text: str) -> None: ...

    def step(self, name: str, status: str, took: float | None) -> None:
        """A step changed to that status."""

    def busy(self, what: str, since: float) -> None:
        """`what` goes on for `since` seconds now."""

    def close(self) -> None: ...


class Silent:
    """For `--json`: nothing at all."""

    def say(self, text: str) -> None: ...

    def upload(self, sent: int, total: int) -> None: ...

    def log(self, text: str) -> None: ...

    def step(self, name: str, status: str, took: float | None) -> None: ...

    def busy(self, what: str, since: float) -> None: ...

    def close(self) -> None: ...


class Plain:
    """Lines for files, pipes and git hooks."""

    def __init__(self, out: Output) -> None:
        self._out = out

    def say(self, text: str) -> None:
        self._out.line(safe(text))

    def upload(self, sent: int, total: int) -> None:
        if sent >= total:
            self._out.line(f"Uploaded {size(total)}.")

    def log(self, text: str) -> None:
        self._out.line(f"  | {safe(text)}")

    def step(self, name: str, status: str, took: float | None) -> None:
        if status == "running":
            self._out.line(f"{safe(name)} …")
        elif status in _MARKS:
            self._out.line(f"{safe(name)}: {status}" + (f" ({seconds(took)})" if took else ""))

    def busy(self, what: str, since: float) -> None: ...

    def close(self) -> None: ...


class Live:
    """Lines scroll; the last line says what goes on. Always close it."""

    def __init__(self, out: Output) -> None:
        self._out = out
        utf8 = (getattr(out.stdout, "encoding", "") or "").lower().startswith("utf")
        self._utf8 = utf8
        self._frames = itertools.cycle(_FRAMES if utf8 else _PLAIN_FRAMES)
        self._status = ""

    def say(self, text: str) -> None:
        self._above(safe(text))

    def upload(self, sent: int, total: int) -> None:
        self._show(f"upload {sent * 100 // max(total, 1)} % of {size(total)}")

    def log(self, text: str) -> None:
        self._above("  " + self._out.paint("dim", safe(text)))

    def step(self, name: str, status: str, took: float | None) -> None:
        if status not in _MARKS:
            return
        mark, colour = _MARKS[status]
        if not self._utf8:
            mark = "ok" if status == "succeeded" else "no"
        self._above(f"{self._out.paint(colour, mark)} {safe(name)}  {seconds(took)}".rstrip())

    def busy(self, what: str, since: float) -> None:
        self._show(f"{next(self._frames)} {safe(what)} {seconds(since)}")

    def close(self) -> None:
        self._erase()
        self._status = ""

    def _above(self, line: str) -> None:
        self._erase()
        self._out.line(line)
        self._draw()

    def _show(self, status: str) -> None:
        self._erase()
        self._status = status
        self._draw()

    def _draw(self) -> None:
        columns = shutil.get_terminal_size().columns - 1
        text = self._status
        while width(text) > columns:
            text = text[:-1]
        self._write(text)

    def _erase(self) -> None:
        if self._status:
            self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        self._out.stdout.write(text)
        self._out.stdout.flush()


def choose(out: Output, *, as_json: bool) -> Progress:
    """The way of showing that fits where stdout goes."""
    if as_json:
        return Silent()
    return Live(out) if out.terminal else Plain(out)
