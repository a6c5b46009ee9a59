"""One build by BuildKit: its session, its request, and its end in the engine.

Leaving early, for whatever reason, ends the build in the engine: the request and the session
are closed, and the build is cancelled by its id.
"""

import asyncio
import json
import os
from collections.abc import Mapping
from contextlib import suppress

from paas.adapters.build_output import BuildOutput
from paas.adapters.buildkit.session import BuildSession, open_session
from paas.adapters.context import Context
from paas.adapters.docker_api import DockerApi, documents
from paas.errors import PaasError
from paas.ports import BuildSpec

CANCEL_SECONDS = 5.0
_ANSWER_SLACK = 60.0
_BATCH = 100
_FLOOD_DELAY = 0.05


async def build_with_buildkit(
    api: DockerApi,
    spec: BuildSpec,
    context: Context,
    *,
    labels: Mapping[str, str],
    output: BuildOutput,
) -> None:
    """Run one build to its end; `output` has the image's id then. Raises `PaasError`:
    `Failed` (`no_upgrade`), before anything was built, where the engine has no BuildKit.
    """
    session = BuildSession(spec, context)
    build = os.urandom(16).hex()
    params = _parameters(spec, context.dockerfile) | {
        "labels": json.dumps(dict(labels)),
        "session": session.id,
        "remote": session.remote,
        "buildid": build,
    }
    async with open_session(api, session):
        try:
            await _run(api, params, output, deadline=spec.timeout + _ANSWER_SLACK)
        except PaasError as error:
            raise session.problem or error from error
        finally:
            if not output.image:
                await _cancel(api, build)


async def _run(
    api: DockerApi, params: Mapping[str, str], output: BuildOutput, *, deadline: float
) -> None:
    request = api.stream("POST", "build", params=params, deadline=deadline)
    async with request as response:
        count = 0
        async for document in documents(response):
            output.feed(document)
            count += 1
            if count % _BATCH == 0:
                await asyncio.sleep(_FLOOD_DELAY if output.full else 0)


async def _cancel(api: DockerApi, build: str) -> None:
    """Closing the connection ends a build as well; this does not wait for that to be seen."""
    with suppress(PaasError):
        await api.call("POST", "build/cancel", params={"id": build}, deadline=CANCEL_SECONDS)


def _parameters(spec: BuildSpec, dockerfile: str) -> dict[str, str]:
    params = {
        "version": "2",
        "t": spec.tag,
        "dockerfile": dockerfile,
        "networkmode": "default",
    }
    if spec.args:
        params["buildargs"] = json.dumps(dict(spec.args))
    if spec.target:
        params["target"] = spec.target
    return params
