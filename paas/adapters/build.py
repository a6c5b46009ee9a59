"""Builds images with the engine's classic builder.

The context is streamed as it is read; closing the connection, for whatever reason, ends
the build in the engine. Output reaches `progress` line by line up to a limit; a build
that goes on writing after that is read slowly, so that it cannot starve the daemon.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from dataclasses import replace
from typing import Any

from paas.adapters.context import open_context, streamed, tar_blocks
from paas.adapters.docker import DockerEngine
from paas.adapters.docker_api import documents
from paas.adapters.docker_config import INSTALLATION
from paas.adapters.docker_images import LayerProgress
from paas.errors import Failed, Invalid, NotFound, PaasError, Unavailable
from paas.ports import BuildSpec, ImageFact

OUTPUT_LIMIT = 16 * 1024 * 1024
LINE_LIMIT = 64 * 1024
TAIL_LINES = 40
_PERIOD = 100_000
_BATCH = 100
_FLOOD_DELAY = 0.05
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_KILLED = "non-zero code: 137"


class DockerBuilder:
    """The `Builder` that uses the same engine as the replicas."""

    def __init__(self, engine: DockerEngine) -> None:
        self._api = engine.api
        self._images = engine.images
        self._labels = {INSTALLATION: engine.installation}

    async def build(self, spec: BuildSpec, *, progress: Callable[[str], None]) -> ImageFact:
        context = await asyncio.to_thread(
            open_context, spec.root, dockerfile=spec.dockerfile, build_dir=spec.build_dir
        )
        upload = _Upload(tar_blocks(context))
        output = BuildOutput(progress)
        params = {**_parameters(spec, context.dockerfile), "labels": json.dumps(self._labels)}
        try:
            async with asyncio.timeout(spec.timeout):
                await self._run(params, upload, output, spec.timeout)
        except TimeoutError as error:
            raise _timed_out(spec.timeout, output) from error
        except (Unavailable, Failed, Invalid, NotFound) as error:
            raise upload.problem or _explained(error, output) from error
        return await self._result(spec.tag, output)

    async def _run(
        self, params: Mapping[str, str], upload: "_Upload", output: "BuildOutput", timeout: float
    ) -> None:
        headers = {"Content-Type": "application/x-tar"}
        request = self._api.stream(
            "POST",
            "build",
            params=params,
            data=upload.pieces(),
            headers=headers,
            deadline=timeout + 60,
        )
        count = 0
        async with request as response:
            async for document in documents(response):
                output.feed(document)
                count += 1
                if count % _BATCH == 0:
                    await asyncio.sleep(_FLOOD_DELAY if output.full else 0)

    async def _result(self, tag: str, output: "BuildOutput") -> ImageFact:
        fact = await self._images.find(output.image) if output.image else None
        if fact is None:
            raise Unavailable(
                "The engine ended the build without an image.",
                code="build_lost",
                advice="Look at the engine's log, then deploy again.",
            )
        return replace(fact, pin=replace(fact.pin, reference=tag, digest=None))


class BuildOutput:
    """The build's messages as lines; remembers the last ones and the image's id."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._layers = LayerProgress(self._line)
        self._rest = ""
        self._bytes = 0
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.image = ""
        self.full = False

    def feed(self, document: Mapping[str, Any]) -> None:
        """Raises `Failed` on the engine's error message."""
        if "stream" in document:
            self._text(str(document["stream"]))
        elif "aux" in document:
            self.image = str(document["aux"].get("ID", "")) or self.image
        elif "error" in document:
            self._flush()
            raise Failed(str(document["error"]))
        else:
            self._layers.feed(document)

    def _text(self, text: str) -> None:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._line(line)
        if len(self._rest) > LINE_LIMIT:
            self._flush()

    def _flush(self) -> None:
        rest, self._rest = self._rest, ""
        self._line(rest)

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


class _Upload:
    """The context on its way; `problem` is why it could not be read."""

    def __init__(self, blocks: Generator[bytes, None, None]) -> None:
        self._blocks = blocks
        self.problem: PaasError | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        try:
            async for piece in streamed(self._blocks):
                yield piece
        except OSError as error:
            self.problem = Failed(
                f"The source could not be read: {error}",
                code="source_unreadable",
                advice="Deploy again.",
            )
            raise


def _parameters(spec: BuildSpec, dockerfile: str) -> dict[str, str]:
    params = {
        "version": "1",
        "t": spec.tag,
        "dockerfile": dockerfile,
        "rm": "1",
        "forcerm": "1",
        "networkmode": "default",
    }
    if spec.memory is not None:
        params["memory"] = params["memswap"] = str(spec.memory)
    if spec.cpu is not None:
        params["cpuperiod"] = str(_PERIOD)
        params["cpuquota"] = str(round(spec.cpu * _PERIOD))
    return params


def _timed_out(timeout: float, output: BuildOutput) -> Failed:
    return Failed(
        f"The build took longer than {timeout:g} seconds and was ended.",
        code="build_timeout",
        advice="Make the build shorter, or raise builds.timeout.",
        log=tuple(output.tail),
    )


def _explained(error: PaasError, output: BuildOutput) -> PaasError:
    if isinstance(error, Unavailable):
        return error
    text = error.message.strip()
    if isinstance(error, Invalid):  # the engine read the Dockerfile and refused it
        return Invalid(
            f"The Dockerfile cannot be read: {text}",
            code="bad_dockerfile",
            advice="Correct the line that is named.",
        )
    advice = "Read the last lines of the build log; the same build fails on your machine, too."
    if _KILLED in text:
        advice = "The step was killed, most likely for memory: use less, or raise builds.memory."
    elif "requires BuildKit" in text:
        advice = "Builds use the classic builder: take the BuildKit option out of the Dockerfile."
    return Failed(
        f"The build failed: {text}",
        code="build_failed",
        advice=advice,
        log=tuple(output.tail),
    )
