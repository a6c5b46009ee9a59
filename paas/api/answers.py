"""What the API answers: the shapes of PRODUCT.md, section 6, as models.

Times are RFC 3339 in UTC, durations seconds, sizes bytes. Secrets appear as names.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from paas.api.answers_certificates import Certificate
from paas.core.model import Condition, DeploymentStatus, ReplicaState, StepName, StepStatus
from paas.core.model import VersionStatus as Status
from paas.core.watermarks import Level

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class Shape(BaseModel):
    """A JSON object in an answer; fields may be added in later releases."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class WrongField(Shape):
    field: str
    message: str


class Problem(Shape):
    """RFC 9457 problem details; `code` is stable, `advice` says what to do next."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    advice: str
    errors: list[WrongField]
    log: list[str]


class Usage(Shape):
    """The proxy's client connections, and what it turned away since the daemon's start.

    `paused`: out of descriptors, nothing is accepted now; `lost_lines` are the access log's.
    """

    connections: int
    most_connections: int
    websockets: int
    refused: int
    paused: bool
    pauses: int
    lost_lines: int


class DiskSpace(Shape):
    """A file system that the daemon or the engine writes to, bytes. `low`: a warning; `full`:
    uploads, pulls and builds are refused.
    """

    path: str
    level: Level
    used: int
    free: int
    used_percent: float


class Health(Shape):
    """Without a token only `status` and `version`. `engine` says whether it answers;
    `exposed` why replicas may reach other ports of this host.
    """

    status: Literal["ok", "degraded"]
    version: str
    engine: bool = False
    engine_version: str | None = None
    engine_time: Time | None = None
    problem: str = ""
    uptime: float = 0.0
    proxy: list[str] = []
    gateway: str | None = None
    docker_host: str = ""
    data_dir: str = ""
    usage: Usage | None = None
    disks: list[DiskSpace] = []
    exposed: str = ""


class Failure(Shape):
    code: str
    message: str
    advice: str
    log: list[str]


class Step(Shape):
    name: StepName
    status: StepStatus
    started: Time | None
    seconds: float | None


class Deployment(Shape):
    id: str
    service: str
    version: str
    status: DeploymentStatus
    traffic: Literal["all", "none"]
    source: str
    actor: str
    trigger: Literal["api", "push", "webhook"]
    revision: str
    created: Time
    started: Time | None
    ended: Time | None
    steps: list[Step]
    error: Failure | None


class Deployments(Shape):
    items: list[Deployment]


class Schedule(Shape):
    min: int
    start: str
    end: str
    zone: str


class ReplicaRange(Shape):
    min: int
    max: int
    schedules: list[Schedule]


class ScalingRules(Shape):
    rps: float | None
    concurrency: float | None
    cpu: float | None
    memory: float | None
    scale_down_delay: float


class Timeouts(Shape):
    idle: float
    start: float
    drain: float


class Probe(Shape):
    http: str | None
    status: list[int]


class Source(Shape):
    """What the version was made from: a file name, an image reference, a repository, or
    the image of an earlier version.
    """

    type: Literal["archive", "git", "image", "version"]
    filename: str | None = None
    image: str | None = None
    version: str | None = None
    url: str | None = None
    ref: str | None = None
    subdir: str | None = None
    submodules: bool | None = None
    lfs: bool | None = None


class Version(Shape):
    """`image` is what people call it, `image_digest` what runs. `replicas` is the range.
    `generated_dockerfile` is what it was built with where its source had none, else empty.
    """

    name: str
    service: str
    number: int
    status: Status
    condition: Condition | None
    weight: int
    image: str | None
    image_id: str | None
    image_digest: str | None
    port: int | None
    note: str
    created: Time
    internal_address: str | None
    urls: list[str]
    source: Source
    dockerfile: str
    build_dir: str
    build_args: dict[str, str]
    build_secrets: list[str]
    target: str
    command: list[str] | None
    args: list[str] | None
    env: dict[str, str]
    secrets: list[str]
    cpu: float
    memory: int
    memory_text: str
    concurrency: int
    read_only: bool
    replicas: ReplicaRange
    running_replicas: int
    scaling: ScalingRules
    timeouts: Timeouts
    probe: Probe
    start_seconds: float | None
    generated_dockerfile: str
    failure: Failure | None


class Versions(Shape):
    items: list[Version]


class Replica(Shape):
    """`cpu` is seconds used since its start, `memory` bytes now, `uptime` seconds."""

    id: str
    version: str
    state: ReplicaState
    address: str | None
    in_flight: int
    started: Time | None
    uptime: float | None
    cpu: float | None
    memory: int | None


class Replicas(Shape):
    items: list[Replica]


class Domain(Shape):
    domain: str
    created: Time
    certificate: Certificate
    url: str


class Domains(Shape):
    items: list[Domain]


class Idle(Shape):
    """Seconds; 0 = never, null = the host's own setting."""

    freeze_after: float | None
    stop_after: float | None


class Login(Shape):
    """What visitors have to know; the password itself is never shown."""

    user: str
    password: Literal["set"]


class IgnoreRule(Shape):
    """Requests that are no traffic; `status` answers them while the version sleeps."""

    path_prefix: str | None
    user_agent: str | None
    status: int


class Repository(Shape):
    """`login` says whether one is stored."""

    url: str
    branch: str
    tags: str
    subdir: str
    submodules: bool
    lfs: bool
    login: bool


class Service(Shape):
    """`state`: `serving` (some weight), `offline`, `empty`. `versions` counts them."""

    id: str
    name: str
    created: Time
    state: str
    split: dict[str, int]
    previous_split: dict[str, int] | None
    urls: list[str]
    internal_address: str | None
    domains: list[Domain]
    auto_prune: bool
    idle: Idle
    sticky: bool
    redirect_https: bool
    hsts: int
    main_domain: str | None
    basic_auth: Login | None
    allow: list[str]
    maintenance: Literal["off", "page", "hold"]
    body_limit: int
    request_log: bool
    ignore: list[IgnoreRule]
    repository: Repository | None
    branch: str | None
    versions: int
    last_deployment: Deployment | None


class Services(Shape):
    items: list[Service]


class Traffic(Shape):
    """The split, and the one that a rollback restores."""

    split: dict[str, int]
    previous: dict[str, int] | None


class Event(Shape):
    """`data` holds the facts of `message` for machines."""

    id: int
    time: Time
    kind: str
    message: str
    actor: str
    service: str | None
    version: str | None
    deployment: str | None
    data: dict[str, object]


class Events(Shape):
    items: list[Event]


class Request(Shape):
    """One request that is over. `seconds` includes `waited`; `sent` and `received` are
    bytes. `error` is empty when the answer is no error of ours. `ignored`: it was no traffic.
    """

    time: Time
    client: str
    scheme: str
    method: str
    host: str
    target: str
    status: int
    error: str
    version: str
    replica: str
    seconds: float
    waited: float
    received: int
    sent: int
    agent: str
    ignored: bool


class Requests(Shape):
    """The newest first; `enabled`: the service's setting `request_log`."""

    enabled: bool
    items: list[Request]


class DeploymentLine(Shape):
    time: Time
    stream: str
    text: str
    cursor: int


class DeploymentLines(Shape):
    items: list[DeploymentLine]


class Line(Shape):
    """`cursor` is the place in the service's whole log: pass it as `after`."""

    time: Time
    version: str
    replica: str | None
    stream: str
    text: str
    cursor: str


class Lines(Shape):
    items: list[Line]
