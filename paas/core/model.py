"""The nouns of the product as frozen values (PRODUCT.md, sections 1 and 2).

Times are seconds since the epoch (UTC), durations seconds, sizes bytes.
A `Service` is the aggregate that is changed and saved as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from paas.core.access import NO_ACCESS_CHANGE, AccessChange
from paas.core.holdings import Holding
from paas.core.idle import Mark
from paas.core.registries import Registry
from paas.core.repositories import Repository
from paas.core.spec import PinnedImage, VersionSpec


class VersionStatus(StrEnum):
    BUILDING = "building"
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    DELETING = "deleting"


class Condition(StrEnum):
    """How a ready version runs at this moment."""

    SERVING = "serving"
    IDLE = "idle"
    ZERO = "zero"
    CRASHING = "crashing"


class DeploymentStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepName(StrEnum):
    FETCH = "fetch"
    BUILD = "build"
    START = "start"
    CHECK = "check"
    RELEASE = "release"


class StepStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class ReplicaState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    FROZEN = "frozen"
    DRAINING = "draining"
    STOPPED = "stopped"


class Maintenance(StrEnum):
    """PAGE answers every request with 503; HOLD lets requests wait for the end of a pause."""

    OFF = "off"
    PAGE = "page"
    HOLD = "hold"


class Trigger(StrEnum):
    """What asked for a deployment."""

    API = "api"
    PUSH = "push"
    WEBHOOK = "webhook"


class Traffic(StrEnum):
    """What a successful deployment does with the split."""

    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why something failed, for machines (`code`) and for the person who must act."""

    code: str
    message: str
    advice: str = ""
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One immutable deployment result.

    `id` is random and never reused, unlike names after a service was deleted.
    `port` is known once the image is. `start_seconds` is the usual start time.
    `generated_dockerfile` is what it was built with where its source had none.
    """

    id: str
    name: str
    number: int
    spec: VersionSpec
    status: VersionStatus
    created: float
    internal_port: int
    image: PinnedImage | None = None
    port: int | None = None
    start_seconds: float | None = None
    failure: Failure | None = None
    generated_dockerfile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    name: str
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """A login; `password` is its hash (`core.passwords`)."""

    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRule:
    """Requests that are no traffic: those below `path_prefix` whose user agent contains
    `user_agent`; one of the two may be None. `status` answers them while nothing runs.
    """

    path_prefix: str | None = None
    user_agent: str | None = None
    status: int = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What can be changed on a service; a time of None means the host's own setting.

    `main_domain` is one of its own hosts, to which the others redirect; `allow` are the
    networks it can be reached from (empty: all); `hsts` is for how many seconds browsers
    use https alone, 0 for none; `body_limit` is bytes, 0 for none;
    `request_log` keeps its last requests in memory; what an `ignore` rule names is no traffic;
    pushes to `repository` deploy, and so do those to `branch` that come here ("": to main or
    master, whichever is pushed first).
    """

    auto_prune: bool = False
    freeze_after: float | None = None
    stop_after: float | None = None
    sticky: bool = False
    redirect_https: bool = False
    hsts: int = 0
    main_domain: str | None = None
    basic_auth: BasicAuth | None = None
    allow: tuple[str, ...] = ()
    maintenance: Maintenance = Maintenance.OFF
    body_limit: int = 0
    request_log: bool = False
    ignore: tuple[IgnoreRule, ...] = ()
    branch: str = ""
    repository: Repository | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A service's webhook; `secret` is sealed with a context of the service's."""

    secret: bytes = field(repr=False)
    created: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A named application with its versions, split and domains.

    `split` maps version names to whole percentages (sum 100, or empty/all zero);
    `previous_split` is what `rollback` restores; `last_number` never falls.
    """

    id: str
    name: str
    created: float
    internal_port: int
    settings: ServiceSettings = ServiceSettings()
    last_number: int = 0
    versions: tuple[Version, ...] = ()
    split: Mapping[str, int] = field(default_factory=dict)
    previous_split: Mapping[str, int] | None = None
    domains: tuple[Domain, ...] = ()
    hook: Hook | None = None

    def version(self, name: str) -> Version | None:
        """The version of that name, or None."""
        return next((version for version in self.versions if version.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a deployment; `seconds` is None until it ended."""

    name: StepName
    status: StepStatus = StepStatus.PENDING
    started: float | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """The job that makes a version. `upload` names the kept upload until it is built,
    `revision` is the commit it was made from, as far as that is known.
    """

    id: str
    service_id: str
    service: str
    version_id: str
    version: str
    status: DeploymentStatus
    traffic: Traffic
    source: str
    actor: str
    created: float
    steps: tuple[Step, ...] = tuple(Step(name=name) for name in StepName)
    upload: str | None = None
    trigger: Trigger = Trigger.API
    revision: str = ""
    started: float | None = None
    ended: float | None = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened. `id` is 0 until the store numbered it.

    `kind` is `noun.verb` (`deployment.failed`); `message` is for people, `data`
    holds the same facts for machines (JSON values only).
    """

    kind: str
    time: float
    message: str
    actor: str = "daemon"
    service: str | None = None
    version: str | None = None
    deployment: str | None = None
    data: Mapping[str, object] = field(default_factory=dict)
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One transaction for the store: everything in it becomes durable, or nothing.

    `before` None creates the service, `after` None deletes it; both None changes
    no service. `activity` are marks by version id; those of versions that are gone are
    passed over. `access` is what changes of tokens, users and sessions. `registries` are
    logins by host, None to remove one; `held` is written down and `let_go` struck out;
    `forgotten` are ids of deployments that nobody needs.
    """

    before: Service | None = None
    after: Service | None = None
    deployments: tuple[Deployment, ...] = ()
    events: tuple[Event, ...] = ()
    activity: Mapping[str, Mark] = field(default_factory=dict)
    access: AccessChange = NO_ACCESS_CHANGE
    registries: Mapping[str, Registry | None] = field(default_factory=dict)
    held: tuple[Holding, ...] = ()
    let_go: tuple[Holding, ...] = ()
    forgotten: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One line of build or replica output, without its line end.

    `cursor` is the reader's place in its log: opaque, increasing, 0 when unknown.
    """

    time: float
    text: str
    stream: str = "stdout"
    replica: str | None = None
    cursor: int = 0
