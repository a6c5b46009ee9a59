"""What callers may send: every request body as a strict model.

Strict means: no text for a number, no unknown field, no NUL in any text. A rule
that fails raises `ValueError` with the end of the sentence "must be …".
Rules over several fields are in `across`, which sees the raw body, so that all
mistakes are told at once.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
)

from paas.api.ignoring import AgentPart, PathPrefix, StandInStatus
from paas.api.repositories import BranchName, TagPattern
from paas.api.texts import (
    AllowedNetwork,
    Arguments,
    Branch,
    BuildArgs,
    BuildSecrets,
    Concurrency,
    Cores,
    Cron,
    EnvironmentChanges,
    GitRef,
    GitSubdir,
    HostKey,
    ImageName,
    Memory,
    Name,
    Note,
    Percent,
    RepositoryUrl,
    SecretText,
    StageName,
    StatusCodes,
    Target,
    Text,
    UrlPath,
    UserName,
    Zone,
)
from paas.errors import FieldError
from paas.settings.values import HostName, Port, SecondsOrNever, SourcePath

DELAY = "scale_down_delay"
"""The one field of `scaling` that is no rule."""


class Body(BaseModel):
    """A JSON object in a request."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, defer_build=True)

    @classmethod
    def across(cls, raw: Mapping[str, object]) -> Iterator[FieldError]:  # noqa: ARG003 - a hook
        """Mistakes between fields; `raw` is checked for nothing else yet."""
        return iter(())


class Nothing(Body):
    """No fields."""


class RegistryLogin(Body):
    user: UserName
    password: Annotated[SecretText, Field(repr=False)]


class FromArchive(Body):
    """The archive of the same multipart upload."""

    type: Literal["archive"]


class FromImage(Body):
    type: Literal["image"]
    image: ImageName
    credentials: RegistryLogin | None = None


class FromVersion(Body):
    """The image of an earlier version, which the deployment goes on from: what the request
    does not say is as it is there.
    """

    type: Literal["version"]
    version: Name


class RepositoryLogin(Body):
    """For https `user` and `password` (a token); for ssh `ssh_key`, a private key without
    passphrase, and if wanted `host_key`, the server's public key to insist on.
    """

    user: UserName | None = None
    password: Annotated[SecretText | None, Field(repr=False)] = None
    ssh_key: Annotated[SecretText | None, Field(repr=False)] = None
    host_key: HostKey | None = None


class FromGit(Body):
    """A repository. `ref` is a branch, tag or commit; without it the default branch."""

    type: Literal["git"]
    url: RepositoryUrl
    ref: GitRef = ""
    subdir: GitSubdir = ""
    submodules: bool = False
    lfs: bool = False
    credentials: RepositoryLogin | None = None


class Schedule(Body):
    """At least `min` replicas from each time of `start` to the next one of `end`, which
    are cron expressions in the time zone `zone`.
    """

    min: Annotated[int, Field(ge=1, le=1000)]
    start: Cron
    end: Cron
    zone: Zone = "UTC"


class ReplicaRange(Body):
    """Given `schedules` replace those there are."""

    min: Annotated[int, Field(ge=0, le=1000)] | None = None
    max: Annotated[int, Field(ge=1, le=1000)] | None = None
    schedules: Annotated[list[Schedule], Field(max_length=100)] | None = None


class ScalingRules(Body):
    """Targets per replica. If any is given, the rules that there are are replaced
    altogether. The highest answer of the last `scale_down_delay` seconds counts.
    """

    rps: Target | None = None
    concurrency: Target | None = None
    cpu: Percent | None = None
    memory: Percent | None = None
    scale_down_delay: Annotated[float, Field(ge=0, le=3600)] | None = None


class Timeouts(Body):
    idle: Annotated[float, Field(gt=0, le=86400)] | None = None
    start: Annotated[float, Field(gt=0, le=3600)] | None = None
    drain: Annotated[float, Field(ge=0, le=3600)] | None = None


class Probe(Body):
    """A TCP connection when `http` is not given."""

    http: UrlPath | None = None
    status: StatusCodes | None = None


class NewDeployment(Body):
    """With `inherit` what the request does not say, environment and secrets included, is as
    it is in the service's newest ready version; null takes a variable or secret out.
    """

    create: bool = False
    inherit: bool = False
    source: Annotated[FromArchive | FromImage | FromVersion | FromGit, Field(discriminator="type")]
    traffic: Literal["all", "none"] = "all"
    port: Port | None = None
    note: Note = ""
    dockerfile: SourcePath | None = None
    build_dir: SourcePath | None = None
    build_args: BuildArgs | None = None
    build_secrets: Annotated[BuildSecrets | None, Field(repr=False)] = None
    target: StageName | None = None
    command: Arguments | None = None
    args: Arguments | None = None
    env: EnvironmentChanges = {}
    secrets: Annotated[EnvironmentChanges, Field(repr=False)] = {}
    cpu: Cores | None = None
    memory: Memory | None = None
    concurrency: Concurrency | None = None
    read_only: bool | None = None
    replicas: ReplicaRange = ReplicaRange()
    scaling: ScalingRules | None = None
    timeouts: Timeouts = Timeouts()
    probe: Probe = Probe()

    @classmethod
    def across(cls, raw: Mapping[str, object]) -> Iterator[FieldError]:
        env, secrets = _object(raw, "env"), _object(raw, "secrets")
        for name in sorted(env.keys() & secrets.keys()):
            yield FieldError(
                field=f"secrets.{name}", message="must not be given under env and secrets both"
            )
        yield from _range_order(raw)
        yield from _some_rule(raw)
        probe = _object(raw, "probe")
        if probe.get("status") is not None and probe.get("http") is None:
            yield FieldError(field="probe.status", message="must come with probe.http")
        yield from _login_fits(_object(raw, "source"), "source")
        kind = _object(raw, "source").get("type")
        if kind in ("image", "version"):
            for name in ("dockerfile", "build_dir", "build_args", "build_secrets", "target"):
                if raw.get(name) is not None:
                    message = "must be left out: an image is not built"
                    yield FieldError(field=name, message=message)
        if kind != "version" and not raw.get("inherit"):
            yield from _nothing_to_take_out(raw)


class Login(Body):
    """What visitors have to know; the password is stored as a hash and never shown."""

    user: UserName
    password: Annotated[Text, Field(min_length=1, max_length=500, repr=False)]


class Idle(Body):
    """Seconds; 0 = never, null = the host's own setting."""

    freeze_after: SecondsOrNever | None = None
    stop_after: SecondsOrNever | None = None


class IgnoreRule(Body):
    """Requests that are no traffic, by path, user agent, or both. `status` is what they
    are answered while the version sleeps.
    """

    path_prefix: PathPrefix | None = None
    user_agent: AgentPart | None = None
    status: StandInStatus = 200


class Repository(Body):
    """What pushes deploy: those to `branch` (empty: the default one), and of tags those
    like the pattern `tags` (empty: none). Without `credentials` those of the same URL stay.
    """

    url: RepositoryUrl
    branch: BranchName = ""
    tags: TagPattern = ""
    subdir: GitSubdir = ""
    submodules: bool = False
    lfs: bool = False
    credentials: RepositoryLogin | None = None


class ServiceChanges(Body):
    """What is left out stays as it is."""

    auto_prune: bool = False
    idle: Idle = Idle()
    sticky: bool = False
    redirect_https: bool = False
    hsts: Annotated[int, Field(ge=0, le=2 * 366 * 86400)] = 0
    main_domain: HostName | None = None
    basic_auth: Login | None = None
    allow: Annotated[list[AllowedNetwork], Field(max_length=1000)] = []
    maintenance: Literal["off", "page", "hold"] = "off"
    body_limit: Annotated[int, Field(ge=0, le=2**50)] = 0
    request_log: bool = False
    ignore: Annotated[list[IgnoreRule], Field(max_length=50)] = []
    repository: Repository | None = None
    branch: Branch | None = None

    @classmethod
    def across(cls, raw: Mapping[str, object]) -> Iterator[FieldError]:
        yield from _login_fits(_object(raw, "repository"), "repository")
        rules = raw.get("ignore")
        for number, rule in enumerate(rules if isinstance(rules, list) else ()):
            conditions = ("path_prefix", "user_agent")
            if isinstance(rule, dict) and all(rule.get(one) is None for one in conditions):
                message = "must have path_prefix, user_agent or both"
                yield FieldError(field=f"ignore.{number}", message=message)


class NewService(ServiceChanges):
    name: Name


class VersionChanges(Body):
    """What is left out stays as it is; of `scaling` the rules are replaced altogether."""

    replicas: ReplicaRange = ReplicaRange()
    scaling: ScalingRules | None = None
    concurrency: Concurrency | None = None
    note: Note | None = None

    @classmethod
    def across(cls, raw: Mapping[str, object]) -> Iterator[FieldError]:
        yield from _range_order(raw)
        yield from _some_rule(raw)
        if not raw.keys() & cls.model_fields.keys():
            names = ", ".join(cls.model_fields)
            yield FieldError(field="", message=f"must have at least one of {names}")


class NewSplit(Body):
    """Whole percentages by version name: they sum to 100, or all are 0."""

    split: Annotated[dict[Name, int], Field(max_length=1000)]


class RollbackTo(Body):
    """Without a version: back to the previous split."""

    version: Name | None = None


class NewDomain(Body):
    domain: Name


def _object(raw: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = raw.get(name)
    return value if isinstance(value, dict) else {}


def _nothing_to_take_out(raw: Mapping[str, object]) -> Iterator[FieldError]:
    for section in ("env", "secrets", "build_args", "build_secrets"):
        for name, value in _object(raw, section).items():
            if value is None:
                message = "must be text; null takes out what inherit would bring"
                yield FieldError(field=f"{section}.{name}", message=message)


def _login_fits(source: Mapping[str, object], place: str) -> Iterator[FieldError]:
    """A repository's login is of the kind that its URL takes."""
    login, url = source.get("credentials"), source.get("url")
    ours = source.get("type", "git") == "git"
    if not ours or not isinstance(login, dict) or not isinstance(url, str):
        return
    web = url.lower().startswith("http")
    needed = ("user", "password") if web else ("ssh_key",)
    wrong = ("ssh_key", "host_key") if web else ("user", "password")
    for name in needed:
        if login.get(name) is None:
            yield FieldError(field=f"{place}.credentials.{name}", message="must be given")
    for name in wrong:
        if login.get(name) is not None:
            message = f"must be left out: it is not for {'https' if web else 'ssh'}"
            yield FieldError(field=f"{place}.credentials.{name}", message=message)


def _range_order(raw: Mapping[str, object]) -> Iterator[FieldError]:
    wanted = _object(raw, "replicas")
    low, high = wanted.get("min"), wanted.get("max")
    if isinstance(low, int) and isinstance(high, int) and low > high:
        message = f"must be at most replicas.max, which is {high}"
        yield FieldError(field="replicas.min", message=message)


def _some_rule(raw: Mapping[str, object]) -> Iterator[FieldError]:
    """A version needs a rule; what is no rule may be changed without them."""
    scaling = raw.get("scaling")
    if not isinstance(scaling, dict):
        return
    rules = {name: value for name, value in scaling.items() if name != DELAY}
    if all(value is None for value in rules.values()) and (rules or scaling.get(DELAY) is None):
        names = ", ".join(name for name in ScalingRules.model_fields if name != DELAY)
        yield FieldError(field="scaling", message=f"must have at least one of {names}")
