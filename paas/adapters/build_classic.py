"""The engine's classic builder: one step after the other, each a container with limits.

The context is streamed as it is read; closing the connection, for whatever reason, ends
the build in the engine. A build that goes on writing past the limit of its output is read
slowly, so that it cannot starve the daemon.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Generator, Mapping

from paas.adapters.build_output import BuildOutput
from paas.adapters.context import Context, streamed, tar_blocks
from paas.adapters.docker_api import DockerApi, documents
from paas.adapters.docker_errors import source_unreadable
from paas.errors import PaasError
from paas.ports import BuildSpec, Credentials

_PERIOD = 100_000
_BATCH = 100
_FLOOD_DELAY = 0.05
_ANSWER_SLACK = 60.0
_DOCKER_HUB = "https://index.docker.io/v1/"


async def build_classic(
    api: DockerApi,
    spec: BuildSpec,
    context: Context,
    *,
    network: str,
    labels: Mapping[str, str],
    output: BuildOutput,
) -> None:
    """Run one build to its end, its steps on `network`; `output` has the image's id then.
    Raises `PaasError`.
    """
    upload = _Upload(tar_blocks(context))
    params = _parameters(spec, context.dockerfile)
    request = api.stream(
        "POST",
        "build",
        params=params | {"labels": json.dumps(dict(labels)), "networkmode": network},
        data=upload.pieces(),
        headers={"Content-Type": "application/x-tar"} | registry_config(spec.registries),
        deadline=spec.timeout + _ANSWER_SLACK,
    )
    try:
        async with request as response:
            count = 0
            async for document in documents(response):
                output.feed(document)
                count += 1
                if count % _BATCH == 0:
                    await asyncio.sleep(_FLOOD_DELAY if output.full else 0)
    except PaasError as error:
        raise upload.problem or error from error


def registry_config(registries: Mapping[str, Credentials]) -> dict[str, str]:
    """The header with the logins for the images that a Dockerfile names."""
    if not registries:
        return {}
    logins = {
        _DOCKER_HUB if host == "docker.io" else host: {
            "username": login.user,
            "password": login.password,
        }
        for host, login in registries.items()
    }
    return {"X-Registry-Config": base64.urlsafe_b64encode(json.dumps(logins).encode()).decode()}


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
            self.problem = source_unreadable(error)
            raise


def _parameters(spec: BuildSpec, dockerfile: str) -> dict[str, str]:
    params = {
        "version": "1",
        "t": spec.tag,
        "dockerfile": dockerfile,
        "rm": "1",
        "forcerm": "1",
    }
    if spec.args:
        params["buildargs"] = json.dumps(dict(spec.args))
    if spec.target:
        params["target"] = spec.target
    if spec.memory is not None:
        params["memory"] = params["memswap"] = str(spec.memory)
    if spec.cpu is not None:
        params["cpuperiod"] = str(_PERIOD)
        params["cpuquota"] = str(round(spec.cpu * _PERIOD))
    return params
