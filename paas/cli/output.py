"""What the user sees. Nothing from outside reaches a terminal unescaped.

With `--json` stdout holds one JSON value (or one per line, for streams) and
nothing else; errors are one JSON object on stderr.
"""

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TextIO

from paas.cli.trouble import CliError

_COLOURS = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "dim": 2, "bold": 1}


class Output:
    """Where results, notes and errors go, and whether they may be coloured."""

    def __init__(
        self,
        *,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self.stdout = stdout or sys.stdout
        self.stderr = stderr or sys.stderr
        self.terminal = self.stdout.isatty() and environ.get("TERM") != "dumb"
        plain = bool(environ.get("NO_COLOR"))
        self._colour = self.terminal and not plain
        self._error_colour = self.stderr.isatty() and not plain

    def line(self, text: str = "") -> None:
        """One line of result; `text` may hold our own colours, so escape first."""
        print(text, file=self.stdout, flush=True)

    def json(self, value: object) -> None:
        """One JSON value: indented for people at a terminal, else one line."""
        indent = 2 if self.terminal else None
        self.line(json.dumps(value, indent=indent))

    def note(self, text: str) -> None:
        """Something beside the result, on stderr."""
        print(text, file=self.stderr, flush=True)

    def paint(self, colour: str, text: str) -> str:
        """`text` in a colour, where stdout shows colours."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._colour else text

    def table(self, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Aligned columns under heads; every cell is escaped."""
        cells = [[safe(str(cell)) for cell in row] for row in rows]
        widths = [
            max([width(head), *(width(row[index]) for row in cells)])
            for index, head in enumerate(heads)
        ]
        self.line(self.paint("bold", _row(heads, widths)))
        for row in cells:
            self.line(_row(row, widths))

    def error(self, error: CliError, *, as_json: bool) -> None:
        """The error on stderr: message, wrong fields, last log lines, advice."""
        if as_json:
            self.note(json.dumps(error.as_json()))
            return
        head = "\x1b[31merror:\x1b[0m" if self._error_colour else "error:"
        first, *more = error.message.splitlines() or [""]
        self.note(f"{head} {safe(first)}")
        for line in more:
            self.note(f"  {safe(line)}")
        for field, message in error.fields.items():
            self.note(f"  {safe(field)}: {safe(message)}")
        for line in error.log:
            self.note(f"  | {safe(line)}")
        if error.advice:
            self.note(safe(error.advice))


def safe(text: str) -> str:
    """`text` with control and direction-changing characters made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(letter if _harmless(letter) else _escape(letter) for letter in text)


def width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 1 + (unicodedata.east_asian_width(letter) in "WF")
        for letter in text
    )


def seconds(value: float | None) -> str:
    """A duration for people: `0.3 s`, `42 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    if value is None:
        return ""
    if value < 10:
        return f"{value:.1f} s"
    whole = round(value)
    for unit, size, small, small_size in (("d", 86400, "h", 3600), ("h", 3600, "min", 60)):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // small_size} {small}"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"


def size(value: float | None) -> str:
    """A number of bytes for people: `512 B`, `1.5 MiB`."""
    if value is None:
        return ""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{value:.0f} {unit}" if unit == "B" or value >= 100 else f"{value:.1f} {unit}"


def moment(text: object) -> str:
    """An RFC 3339 time as local time to the second; anything else as it is."""
    try:
        then = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text or "")
    return then.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def age(text: object) -> str:
    """How long ago an RFC 3339 time was."""
    try:
        then = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text or "")
    return seconds(max(0.0, (datetime.now(UTC) - then).total_seconds()))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    pairs = zip(cells, widths, strict=True)
    return "  ".join(cell + " " * (wide - width(cell)) for cell, wide in pairs).rstrip()


def _harmless(letter: str) -> bool:
    return letter == "\t" or letter.isprintable()


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
