"""BuilderChoice images with one of the engine's two builders: the `Builder` port.

BuildKit takes what only it can build; all else goes to the classic builder as long as builds
are limited in memory or processors, because only that one enforces it (docs/builds.md).
Closing the connection, for whatever reason, ends a build in the engine.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from paas.adapters.build_classic import build_classic
from paas.adapters.build_output import BuildOutput, build_lost, explained, timed_out
from paas.adapters.buildkit.memory import MEMORY, StepMemory, bounded
from paas.adapters.context import Context, open_context, read_dockerfile
from paas.adapters.docker import DockerEngine
from paas.adapters.docker_config import INSTALLATION
from paas.adapters.docker_upgrade import NO_SESSION
from paas.core.buildneeds import (
    BuilderChoice,
    BuilderKind,
    Choice,
    choose,
    needs_buildkit,
    needs_newer_engine,
    read_needs,
)
from paas.errors import Failed, Invalid, NotFound, Unavailable
from paas.ports import BuildSpec, ImageFact

HEREDOC_API = (1, 42)
"""From this API version on, the BuildKit in the engine knows heredocs by itself."""

_WATCHED = "BuildKit builds this ({}): its memory is watched, its processors are not limited."
_UNLIMITED = "BuildKit builds this ({}): its memory and processors are not limited."


class DockerBuilder:
    """The `Builder` that uses the same engine as the replicas."""

    def __init__(
        self,
        engine: DockerEngine,
        builder: BuilderChoice = BuilderChoice.AUTO,
        *,
        memory: StepMemory = MEMORY,
    ) -> None:
        self._api = engine.api
        self._images = engine.images
        self._labels = {INSTALLATION: engine.installation}
        self._wanted = builder
        self._memory = memory
        self._local = self._api.host.startswith("unix://")
        self._running = 0

    async def build(self, spec: BuildSpec, *, progress: Callable[[str], None]) -> ImageFact:
        context = await asyncio.to_thread(
            open_context, spec.root, dockerfile=spec.dockerfile, build_dir=spec.build_dir
        )
        output = BuildOutput(progress)
        try:
            async with asyncio.timeout(spec.timeout):
                choice = await self._choose(spec, context)
                await self._run(choice, spec, context, output)
        except TimeoutError as error:
            raise timed_out(spec.timeout, output) from error
        return await self._result(spec.tag, output)

    async def _choose(self, spec: BuildSpec, context: Context) -> Choice:
        needs = read_needs(await asyncio.to_thread(read_dockerfile, context))
        limited = spec.memory is not None or spec.cpu is not None
        choice = choose(self._wanted, needs, secrets=bool(spec.secrets), limited=limited)
        if needs.heredoc and not needs.syntax and not await self._knows_heredocs():
            raise needs_newer_engine(needs.heredoc)
        return choice

    async def _knows_heredocs(self) -> bool:
        major, _, minor = (await self._api.version()).partition(".")
        return (int(major), int(minor)) >= HEREDOC_API

    async def _run(
        self, choice: Choice, spec: BuildSpec, context: Context, output: BuildOutput
    ) -> None:
        try:
            if choice.kind is BuilderKind.BUILDKIT:
                await self._with_buildkit(choice, spec, context, output)
                return
        except Failed as error:
            if error.code != NO_SESSION:
                raise
            if not choice.fallback:
                raise needs_buildkit(choice.why, "this engine has none") from error
            output.say("This engine has no BuildKit; the classic builder builds this.")
        labels = {**spec.labels, **self._labels}
        with _explaining(output):
            await build_classic(self._api, spec, context, labels=labels, output=output)

    async def _with_buildkit(
        self, choice: Choice, spec: BuildSpec, context: Context, output: BuildOutput
    ) -> None:
        """Without limits of the engine's own; `bounded` watches the memory."""
        from paas.adapters.buildkit.build import (  # noqa: PLC0415 - loaded by builds: 1.5 MiB
            build_with_buildkit,
        )

        labels = {**spec.labels, **self._labels}
        limit = spec.memory if self._memory.known and self._local else None
        if spec.memory is not None or spec.cpu is not None:
            output.say((_WATCHED if limit else _UNLIMITED).format(choice.why))
        build = build_with_buildkit(self._api, spec, context, labels=labels, output=output)
        self._running += 1
        try:
            with _explaining(output):
                if limit is None:
                    await build
                else:
                    share = limit
                    await bounded(build, limit=lambda: share * self._running, memory=self._memory)
        finally:
            self._running -= 1

    async def _result(self, tag: str, output: BuildOutput) -> ImageFact:
        fact = await self._images.find(output.image) if output.image else None
        if fact is None:
            raise build_lost()
        return replace(fact, pin=replace(fact.pin, reference=tag, digest=None))


@contextmanager
def _explaining(output: BuildOutput) -> Iterator[None]:
    """Errors of a build in words for whoever wrote the Dockerfile."""
    try:
        yield
    except (Unavailable, Failed, Invalid, NotFound) as error:
        if error.code == NO_SESSION:
            raise
        raise explained(error, output) from error
