"""The daemon's settings: one YAML file, overridden by environment variables.

`load` reports every mistake at once, each with file, line and allowed values.
`config.example.yaml` shows every setting; a test keeps the two equal.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Docker(Section):
    host: str = ""
    """`unix:///…` or `tcp://…`; empty: DOCKER_HOST, else the usual socket."""


class Proxy(Section):
    http: list[str] = [":8080"]
    """Addresses to listen on; one string is taken as a list of one. Port 0 picks a free one."""
    https: list[str] = []


class Api(Section):
    listen: str = "127.0.0.1:8600"
    """`host:port`; empty switches TCP off."""
    socket: str = ""
    """Path of the unix socket; empty: `<data_dir>/api.sock`."""
    hosts: list[str] = []
    """Further Host header names the API answers to, beside localhost and its own address."""


class Internal(Section):
    ports: str = "20000-29999"
    """Port range of the internal addresses on the bridge's gateway."""


class Limits(Section):
    versions_per_service: Annotated[int, Field(ge=1, le=1000)] = 10
    upload_bytes: Annotated[int, Field(ge=1)] = 512 * 1024**2
    unpacked_bytes: Annotated[int, Field(ge=1)] = 2 * 1024**3
    archive_entries: Annotated[int, Field(ge=1)] = 10_000
    archive_ratio: Annotated[int, Field(ge=1)] = 200


class Replicas(Section):
    min: Annotated[int, Field(ge=0)] = 0
    max: Annotated[int, Field(ge=1)] = 10


class Scaling(Section):
    rps: Annotated[float, Field(gt=0)] | None = 50
    concurrency: Annotated[float, Field(gt=0)] | None = None
    cpu: Annotated[float, Field(gt=0, le=100)] | None = None
    memory: Annotated[float, Field(gt=0, le=100)] | None = None


class Timeouts(Section):
    idle: Annotated[float, Field(gt=0)] = 60
    start: Annotated[float, Field(gt=0)] = 60
    drain: Annotated[float, Field(ge=0)] = 30


class Defaults(Section):
    """What a deployment gets where its request is silent (PRODUCT.md, section 2)."""

    port: Annotated[int, Field(ge=1, le=65535)] = 80
    dockerfile: str = "Dockerfile"
    build_dir: str = "."
    cpu: Annotated[float, Field(gt=0)] = 0.5
    memory: str = "512MiB"
    concurrency: Annotated[int, Field(ge=0)] = 80
    replicas: Replicas = Replicas()
    scaling: Scaling = Scaling()
    timeouts: Timeouts = Timeouts()


class Idle(Section):
    freeze_after: Annotated[float, Field(ge=0)] = 300
    stop_after: Annotated[float, Field(ge=0)] = 3600


class Builds(Section):
    concurrent: Annotated[int, Field(ge=1)] = 1
    timeout: Annotated[float, Field(gt=0)] = 1800
    memory: str = "2GiB"
    cpu: Annotated[float, Field(gt=0)] | None = None


class Logs(Section):
    level: str = "info"
    bytes_per_version: Annotated[int, Field(ge=65536)] = 20 * 1024**2


class Settings(Section):
    data_dir: Path = Path()
    """Empty: `/var/lib/paas` under systemd (STATE_DIRECTORY), else `~/.local/share/paas`."""
    base_domain: str = "localhost"
    docker: Docker = Docker()
    proxy: Proxy = Proxy()
    api: Api = Api()
    internal: Internal = Internal()
    limits: Limits = Limits()
    defaults: Defaults = Defaults()
    idle: Idle = Idle()
    builds: Builds = Builds()
    logs: Logs = Logs()
