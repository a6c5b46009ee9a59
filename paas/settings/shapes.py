"""Every setting with its type, default, unit and rule.

Types are strict: a quoted number is text. A rule that fails raises `ValueError`
with the end of the sentence "must be …"; `loading` adds where and what was given.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from paas.core.addresses import check_port_range
from paas.core.draining import parse_drain
from paas.core.names import check_own_host
from paas.core.notifying import USUAL, Recipient, check_kind, check_url
from paas.settings.certifying import Acme
from paas.settings.strictness import STRICT
from paas.settings.values import (
    Addresses,
    ByteCount,
    Cores,
    Count,
    HostName,
    Memory,
    NoneOrHost,
    Percent,
    Port,
    Seconds,
    SecondsOrNever,
    Size,
    SourcePath,
    Target,
    TrustedNetwork,
    address,
    docker_host,
    files,
    lower,
    notification,
    off,
    one_or_many,
    path,
    whole_numbers,
)


class Section(BaseModel):
    """A group of settings."""

    model_config = STRICT


class Docker(Section):
    """The engine that builds and runs everything."""

    host: Annotated[str, AfterValidator(docker_host)] = ""
    """`unix:///…` or `tcp://…`; empty: DOCKER_HOST, else the usual socket."""


class ProxyLimits(Section):
    """What clients and services may use up of the proxy; null follows from `connections`."""

    connections: Count = 10_000
    """Client connections in all; at most what the process has descriptors for."""
    connections_per_address: Count | None = None
    """Of one client address, trusted proxies excepted; null: half of all."""
    requests_per_service: Count | None = None
    """In flight or queued for one service, WebSockets among them; null: half of all."""
    websockets_per_service: Count | None = None
    """Open for one service; null: a quarter of all."""
    websocket_seconds: SecondsOrNever = 86400
    """Greatest age of a WebSocket; 0: none."""
    head_seconds: Seconds = 10
    """From a request's first byte to the end of its head."""
    body_seconds: Seconds = 30
    """Longest silence within a request's body."""
    body_rate: Count = 256
    """Least bytes per second of a request's body, averaged."""
    keepalive_seconds: Seconds = 75
    """How long a connection may stay open between two requests."""
    write_seconds: Seconds = 60
    """How long a client may leave its answer unread."""
    queue_bytes: ByteCount = 256 * 1024**2
    """Bytes of bodies held while requests wait for a replica."""


class CertificateFiles(Section):
    """A certificate for https; its host names stand in it."""

    certificate: Annotated[str, Field(min_length=1)]
    """Path of the PEM file with the certificate and those that lead to its root."""
    key: Annotated[str, Field(min_length=1)]
    """Path of the PEM file with its private key, not encrypted."""


class Proxy(Section):
    """Where requests for services come in."""

    http: Annotated[Addresses, Field(min_length=1)] = [":8080"]
    """Addresses to listen on; one string is taken as a list of one. Port 0 picks a free one."""
    https: Addresses = []
    """Addresses to listen on with TLS; certificates are files, uploaded, or from `acme`."""
    certificates: list[Annotated[CertificateFiles, BeforeValidator(files)]] = []
    """The first is for clients that name no host; a host without one is refused."""
    trusted: Annotated[list[TrustedNetwork], BeforeValidator(one_or_many)] = []
    """Networks of proxies in front, whose forwarding fields are believed."""
    proxy_protocol: Annotated[Literal["off", "accept"], BeforeValidator(off)] = "off"
    """`accept`: trusted peers begin each connection with a PROXY preface."""
    access_log: Annotated[Literal["off", "json", "combined"], BeforeValidator(off)] = "off"
    """One line for each request."""
    access_log_file: str = ""
    """Path; empty: standard output."""
    access_log_bytes: Annotated[int, Field(ge=65536)] = 64 * 1024**2
    """Size from which on a new file is begun; four old ones are kept."""
    limits: ProxyLimits = ProxyLimits()


class Api(Section):
    """Where the control API and the console listen."""

    listen: Annotated[str, AfterValidator(lambda value: address(value) if value else value)] = (
        "127.0.0.1:8600"
    )
    """`host:port`; empty switches TCP off."""
    socket: str = ""
    """Path of the unix socket; empty: `<data_dir>/api.sock`."""
    hosts: Annotated[list[HostName], BeforeValidator(one_or_many)] = []
    """Further Host header names the API answers to, beside localhost and its own address."""
    through_proxy: Annotated[Literal["off", "hooks", "all"], BeforeValidator(off)] = "off"
    """What the proxy forwards of `public_host` to the API: webhooks only, or everything."""
    public_host: NoneOrHost = ""
    """Empty: `console.<base_domain>`."""


class Internal(Section):
    """Addresses by which replicas and the host call services and versions."""

    ports: Annotated[str, AfterValidator(check_port_range)] = "20000-31999"
    """Port range of the internal addresses on the bridge's gateway, `first-last`."""
    firewall: Annotated[Literal["auto", "off"], BeforeValidator(off)] = "auto"
    """Keep replicas and builds from the host's other ports and from metadata addresses."""
    host_ports: Annotated[list[Port], BeforeValidator(whole_numbers)] = []
    """Other TCP ports of this host that replicas may reach."""

    @property
    def range(self) -> range:
        """The ports."""
        first, _, last = self.ports.partition("-")
        return range(int(first), int(last) + 1)


class Limits(Section):
    """What one service or one upload may use up."""

    versions_per_service: Annotated[int, Field(ge=1, le=1000)] = 10
    """Versions of a service that exist at a time."""
    deployments_per_service: Annotated[int, Field(ge=1, le=100_000)] = 50
    """Deployments of a service that are remembered with their logs; those of versions that
    exist always are."""
    upload_bytes: ByteCount = 512 * 1024**2
    """Largest upload, bytes."""
    unpacked_bytes: ByteCount = 2 * 1024**3
    """Most bytes an upload may unpack to."""
    archive_entries: Count = 10_000
    """Most files, directories and links in an upload."""
    archive_ratio: Count = 200
    """Most unpacked bytes for each byte of the upload."""
    pushes: Annotated[int, Field(ge=1, le=1000)] = 16
    """Pushes by git that are under way at a time."""
    pushes_per_service: Annotated[int, Field(ge=1, le=1000)] = 4
    """Of one service; all but one wait for their turn to be built."""


class Replicas(Section):
    """How few and how many replicas of a version run."""

    min: Annotated[int, Field(ge=0, le=1000)] = 0
    """Replicas that always run; 0 lets an idle version sleep."""
    max: Annotated[int, Field(ge=1, le=1000)] = 10
    """Replicas that run at most."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise ValueError(f"ordered: min ({self.min}) at most max ({self.max})")
        return self


class Scaling(Section):
    """Targets per replica; null switches a rule off, the largest answer wins."""

    rps: Target | None = 50
    """Requests a second."""
    concurrency: Target | None = None
    """Requests in flight."""
    cpu: Percent | None = None
    """Percent of the replica's cores."""
    memory: Percent | None = None
    """Percent of the replica's memory."""
    scale_down_delay: Annotated[float, Field(ge=0, le=3600)] = 0
    """Seconds for which the highest answer holds before fewer replicas run."""


class Timeouts(Section):
    """Seconds."""

    idle: Seconds = 60
    """Longest silence of a request or connection."""
    start: Seconds = 60
    """Longest time from starting a replica to its first passed probe."""
    drain: SecondsOrNever = 30
    """How long a leaving replica may finish what it began."""


class Defaults(Section):
    """What a deployment gets where its request is silent."""

    port: Port = 80
    """Port the program listens on, unless the image exposes exactly one."""
    dockerfile: SourcePath = "Dockerfile"
    """Path of the Dockerfile inside the source."""
    build_dir: SourcePath = "."
    """Build context inside the source."""
    cpu: Cores = 0.5
    """Cores per replica."""
    memory: Memory = "512MiB"
    """Memory per replica."""
    concurrency: Annotated[int, Field(ge=0, le=1_000_000)] = 80
    """Most requests in flight per replica; 0 = no limit."""
    replicas: Replicas = Replicas()
    scaling: Scaling = Scaling()
    timeouts: Timeouts = Timeouts()


class HostScaling(Section):
    """How this host carries the replicas of all services."""

    utilisation: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Part of a target for requests at which a replica counts as full."""
    concurrent_starts: Annotated[int, Field(ge=1, le=64)] = 4
    """Replicas started at a time; an engine starts four or five a second at best."""
    cpu_boost: Annotated[float, Field(ge=0, le=1024)] = 1.0
    """Cores that a replica may use until it is ready, if that is more than its limit; 0 = off."""
    memory_reserve: Memory = "64MiB"
    """Memory of the host that no start may take."""
    overcommit: Annotated[float, Field(ge=0.1, le=1000)] = 4.0
    """The memory limits of all replicas may sum up to that many times the host's memory."""


class Idle(Section):
    """When a version without traffic goes to sleep, seconds; 0 = never."""

    freeze_after: SecondsOrNever = 300
    """The last replica is frozen: no CPU, memory kept."""
    stop_after: SecondsOrNever = 3600
    """The last replica is removed: zero."""


class DiskMarks(Section):
    """When the disks of the data directory and of the engine count as low and as full."""

    warn_percent: Percent = 85
    """From that use on, in percent, the disk is low: an event and a warning."""
    refuse_percent: Percent = 95
    """From that use on nothing is uploaded, pulled or built."""
    refuse_free: Size = "256MiB"
    """The same with less than that free; 0 = only percent count."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.warn_percent > self.refuse_percent:
            raise ValueError("ordered: warn_percent at most refuse_percent")
        return self


class Builds(Section):
    """How images are built."""

    builder: Annotated[Literal["auto", "buildkit", "classic"], BeforeValidator(lower)] = "auto"
    """Which of the engine's builders; `auto` takes BuildKit for what only it can build."""
    concurrent: Annotated[int, Field(ge=1, le=64)] = 1
    """Builds at a time on this host."""
    timeout: Seconds = 1800
    """Longest build, seconds."""
    memory: Memory | None = "2GiB"
    """Memory per step of a build by the classic builder; null = no limit."""
    cpu: Cores | None = None
    """Cores per step of a build by the classic builder; null = all."""
    cache: Size = "5GiB"
    """Cache of builds that is kept; the least recently used goes first. 0 = none."""


class Git(Section):
    """How repositories are fetched (`docs/git.md`)."""

    timeout: Seconds = 300
    """Longest fetch of a repository with its submodules and large files, seconds."""
    bytes: ByteCount = 1024**3
    """Most bytes that a repository may take on disk while it is fetched."""
    allow_private: bool = False
    """Fetch from all addresses of this host and of private networks, too."""
    private_networks: Annotated[list[TrustedNetwork], BeforeValidator(one_or_many)] = []
    """Private networks to fetch from, though `allow_private` is off."""
    allow_http: bool = False
    """Fetch by http:// without encryption, too."""
    ca_file: str = ""
    """PEM file of certificate authorities to trust beside those of the system."""
    user: str = "nobody"
    """Whom git runs as when the daemon is root; empty: root."""


class Logs(Section):
    """The daemon's own log, and what is kept of replicas' output."""

    level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(lower)] = "info"
    """Least severe messages written."""
    bytes_per_version: Annotated[int, Field(ge=65536)] = 20 * 1024**2
    """Output kept of each version, bytes."""
    lines_per_second: Annotated[float, Field(ge=10, le=1_000_000)] = 2000
    """Lines taken of one service, all its replicas together; five times as many at once."""
    drain: Annotated[str, AfterValidator(lambda value: value and parse_drain(value) and value)] = ""
    """Where output is sent as well: `udp://`, `tcp://` or `unix://` for syslog, `http(s)://`."""


class BackupTimes(Section):
    """The daily copies of the database, in `<data_dir>/backups`."""

    keep: Annotated[int, Field(ge=0, le=3650)] = 7
    """How many are kept; 0: none are taken."""
    hour: Annotated[int, Field(ge=0, le=23)] = 3
    """From which hour (UTC) on the day's copy is taken."""


class Notification(Section):
    """A place that is told of events."""

    url: Annotated[str, AfterValidator(check_url), Field(repr=False)]
    """Where to POST; a user and password in it are sent as basic authentication."""
    format: Annotated[Literal["generic", "slack"], BeforeValidator(lower)] = "generic"
    """`generic`: the event as JSON; `slack`: a message for Slack and what is like it."""
    events: Annotated[list[Annotated[str, AfterValidator(check_kind)]], Field(min_length=1)] = list(
        USUAL
    )
    """Kinds of events."""

    @property
    def recipient(self) -> Recipient:
        """As the core knows it."""
        return Recipient(url=self.url, format=self.format, events=frozenset(self.events))


class Settings(Section):
    """All settings. `load` makes `data_dir` and `api.socket` absolute."""

    data_dir: Annotated[Path, BeforeValidator(path)] = Path()
    """Empty: `/var/lib/paas` under systemd (STATE_DIRECTORY), else `~/.local/share/paas`."""
    base_domain: HostName = "localhost"
    """Services are reached at `<service>.<base_domain>`."""
    docker: Docker = Docker()
    proxy: Proxy = Proxy()
    acme: Acme = Acme()
    api: Api = Api()
    internal: Internal = Internal()
    limits: Limits = Limits()
    defaults: Defaults = Defaults()
    scaling: HostScaling = HostScaling()
    idle: Idle = Idle()
    builds: Builds = Builds()
    git: Git = Git()
    disk: DiskMarks = DiskMarks()
    logs: Logs = Logs()
    backups: BackupTimes = BackupTimes()
    notifications: list[Annotated[Notification, BeforeValidator(notification)]] = []
    """Places that are told of failures; in the environment URLs, `slack+https://…` for Slack."""

    @property
    def public_host(self) -> str:
        """The host name by which the proxy offers the API."""
        return self.api.public_host or f"console.{self.base_domain}"

    @model_validator(mode="after")
    def _own_host_is_nobodys(self) -> Self:
        check_own_host(self.public_host, base_domain=self.base_domain)
        return self
