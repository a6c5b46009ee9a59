"""What a build says, as lines, and how it ended, as errors. The same for both builders.

Output reaches `progress` line by line up to a limit; only the last lines are remembered.
"""

import base64
import binascii
import re
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from paas.adapters.docker_images import LayerProgress
from paas.core.buildtrace import TraceLines
from paas.errors import Failed, FieldError, Invalid, PaasError, Unavailable

OUTPUT_LIMIT = 16 * 1024 * 1024
LINE_LIMIT = 64 * 1024
TAIL_LINES = 40
OUT_OF_MEMORY = "build_memory"
TRACE = "moby.buildkit.trace"
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_KILLED = re.compile(r"(?:non-zero code|exit code): 137\b")
_UNREADABLE = re.compile("(?i)dockerfile parse error|dockerfile cannot be empty")
_NO_TARGET = re.compile("failed to reach build target|target stage .* could not be found")
_NO_SECRET = re.compile(r"secret ([A-Za-z0-9_.-]+):? not found")
_UNREACHABLE = re.compile("(?i)dial tcp|no such host|i/o timeout|TLS handshake|x509")
_REFUSED = re.compile("(?i)pull access denied|authorization failed|unauthorized|no basic auth")
_WRAPPING = re.compile(
    "failed to solve(?: with frontend [a-z.0-9]+)?: |failed to create LLB definition: "
)


class BuildOutput:
    """The build's messages as lines; remembers the last ones and the image's id."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._layers = LayerProgress(self._line)
        self._trace = TraceLines()
        self._rest = ""
        self._bytes = 0
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.image = ""
        self.full = False

    def feed(self, document: Mapping[str, Any]) -> None:
        """Raises `Failed` on the engine's error message."""
        if "stream" in document:
            self._text(str(document["stream"]))
        elif document.get("id") == TRACE:
            self._lines(self._trace.feed(_decoded(document.get("aux"))))
        elif isinstance(aux := document.get("aux"), dict):
            self.image = str(aux.get("ID", "")) or self.image
        elif "error" in document:
            self._flush()
            raise Failed(str(document["error"]))
        else:
            self._layers.feed(document)

    def say(self, line: str) -> None:
        """One line of ours."""
        self._line(line)

    def _text(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        self._lines(lines)
        if len(self._rest) > LINE_LIMIT:
            self._flush()

    def _flush(self) -> None:
        rest, self._rest = self._rest, ""
        self._lines([*self._trace.flush(), rest])

    def _lines(self, lines: list[str]) -> None:
        for line in lines:
            self._line(line)

    def _line(self, line: str) -> None:
        # A line that was drawn over with carriage returns shows its last state.
        shown = _ANSI.sub("", line.rstrip("\r").rpartition("\r")[2])[:LINE_LIMIT].rstrip()
        if not shown:
            return
        self.tail.append(shown)
        self._bytes += len(shown)
        if self._bytes <= OUTPUT_LIMIT:
            self._progress(shown)
        elif not self.full:
            self.full = True
            self._progress("… the build writes too much: further output is dropped")


def timed_out(timeout: float, output: BuildOutput) -> Failed:
    return Failed(
        f"The build took longer than {timeout:g} seconds and was ended.",
        code="build_timeout",
        advice="Make the build shorter, or raise builds.timeout.",
        log=tuple(output.tail),
    )


def build_lost() -> Unavailable:
    return Unavailable(
        "The engine ended the build without an image.",
        code="build_lost",
        advice="Look at the engine's log, then deploy again.",
    )


def explained(error: PaasError, output: BuildOutput) -> PaasError:
    """Why the engine did not build it."""
    if isinstance(error, Unavailable):
        return error
    if error.code == OUT_OF_MEMORY:
        error.log = tuple(output.tail)
        return error
    text = _WRAPPING.sub("", error.message).strip()
    if _NO_TARGET.search(text):
        return Invalid(
            f"The Dockerfile has no such stage: {text}",
            code="no_such_target",
            advice="Give the name of one of its stages (FROM … AS name) as target.",
            fields=(FieldError(field="target", message="must be a stage of the Dockerfile"),),
        )
    if isinstance(error, Invalid) or _UNREADABLE.search(text):  # the Dockerfile was refused
        return Invalid(
            f"The Dockerfile cannot be read: {text}",
            code="bad_dockerfile",
            advice="Correct the line that is named.",
        )
    return Failed(
        f"The build failed: {text}",
        code="build_failed",
        advice=_advice(text),
        log=tuple(output.tail),
    )


def _advice(text: str) -> str:
    if _KILLED.search(text):
        return "The step was killed, most likely for memory: use less, or raise builds.memory."
    if found := _NO_SECRET.search(text):
        return f"Give it to the build: --build-secret {found[1]}, or build_secrets in the API."
    if "requires BuildKit" in text:
        return "Let builds.builder be auto, or take the BuildKit option out of the Dockerfile."
    if _REFUSED.search(text):
        return (
            "Check the image's name; if it is private, store the credentials of its registry: "
            "paas registry login."
        )
    if _UNREACHABLE.search(text):
        return (
            "A base image is not on this host and its registry cannot be reached: check the "
            "image's name and this host's network, or load the image (docker load), then try again."
        )
    return "Read the last lines of the build log; the same build fails on your machine, too."


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except (binascii.Error, ValueError):
        return b""
