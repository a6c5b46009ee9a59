"""What BuildKit asks of us during a build: the context, secrets, registry logins.

A secret or login is sent only in answer to its name, over the engine's own connection, and
is kept nowhere. The context is read again for each time it is asked for.
"""

import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

from paas.adapters.buildkit.grpc import (
    INTERNAL,
    NOT_FOUND,
    Call,
    GrpcConnection,
    GrpcError,
    Method,
)
from paas.adapters.context import Context, streamed, tar_blocks
from paas.adapters.docker_api import DockerApi
from paas.adapters.docker_errors import source_unreadable
from paas.adapters.docker_upgrade import upgrade
from paas.aio.tasks import Tasks
from paas.core.protobuf import Malformed, bytes_field, fields, text_of, varint_field
from paas.errors import PaasError
from paas.ports import BuildSpec, Credentials

CLOSE_SECONDS = 5.0
_HEALTH = "/grpc.health.v1.Health/Check"
_UPLOAD = "/moby.upload.v1.Upload/Pull"
_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"  # noqa: S105 - a method's name
_LOGIN = "/moby.filesync.v1.Auth/Credentials"
_SERVING = varint_field(1, 1)
_DOCKER_HUB = frozenset({"docker.io", "index.docker.io", "registry-1.docker.io"})


class BuildSession:
    """The services of one build. `problem` is why the source could not be read."""

    def __init__(self, spec: BuildSpec, context: Context) -> None:
        self.id = os.urandom(16).hex()
        self._upload = os.urandom(16).hex()
        self._context = context
        self._secrets: Mapping[str, str] = spec.secrets
        self._registries: Mapping[str, Credentials] = spec.registries
        self.problem: PaasError | None = None

    @property
    def remote(self) -> str:
        """The address of the context, for the build's request."""
        return f"http://buildkit-session/{self._upload}"

    def methods(self) -> dict[str, Method]:
        """Without the token methods of registry logins: BuildKit then asks for the login."""
        return {
            _HEALTH: Method(answer=self._healthy),
            _UPLOAD: Method(answer=self._pull, at_once=True),
            _SECRET: Method(answer=self._secret),
            _LOGIN: Method(answer=self._login),
        }

    async def _healthy(self, _call: Call) -> AsyncGenerator[bytes, None]:
        yield _SERVING

    async def _pull(self, call: Call) -> AsyncGenerator[bytes, None]:
        if call.metadata.get("urlpath", "").strip("/") != self._upload:
            raise GrpcError(NOT_FOUND, "there is no such upload")
        try:
            async with aclosing(streamed(tar_blocks(self._context))) as pieces:
                async for piece in pieces:
                    yield bytes_field(1, piece)
        except OSError as error:
            self.problem = source_unreadable(error)
            raise GrpcError(INTERNAL, "the source could not be read") from error

    async def _secret(self, call: Call) -> AsyncGenerator[bytes, None]:
        value = self._secrets.get(_asked(call))
        if value is None:
            raise GrpcError(NOT_FOUND, "there is no such secret")
        yield bytes_field(1, value.encode())

    async def _login(self, call: Call) -> AsyncGenerator[bytes, None]:
        host = _asked(call)
        login = self._registries.get("docker.io" if host in _DOCKER_HUB else host)
        if login is None:
            yield b""
        else:
            yield bytes_field(1, login.user.encode()) + bytes_field(2, login.password.encode())


@asynccontextmanager
async def open_session(api: DockerApi, session: BuildSession) -> AsyncIterator[None]:
    """Serve the session while the context is open. Raises `Failed` (`no_upgrade`) where the
    engine has no sessions, `Unavailable`.
    """
    methods = session.methods()
    headers = {
        "X-Docker-Expose-Session-Uuid": session.id,
        "X-Docker-Expose-Session-Name": "paas",
        "X-Docker-Expose-Session-Grpc-Method": list(methods),
    }
    reader, writer = await upgrade(api, "session", protocol="h2c", headers=headers)
    tasks = Tasks()
    try:
        tasks.spawn("build session", GrpcConnection(reader, writer, methods, tasks).serve())
        yield
    finally:
        writer.transport.abort()
        await tasks.close(grace=CLOSE_SECONDS)


def _asked(call: Call) -> str:
    """The text in a request's first field: a name."""
    try:
        found = dict(fields(call.request))
        return text_of(found.get(1, b""))
    except Malformed as error:
        raise GrpcError(INTERNAL, "the request cannot be read") from error
