"""What callers may send: every request body as a strict model.

Strict means: no text for a number, no unknown field, no NUL in any text. A rule
that fails raises `ValueError` with the end of the sentence "must be …".
Rules over several fields are in `across`, which sees the raw body, so that all
mistakes are told at once.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
)

from paas.api.ignoring import AgentPart, PathPrefix, StandInStatus
from paas.core.networks import parse_network
from paas.core.schedules import parse_cron, parse_zone
from paas.core.sizes import SIZE_RULE, format_size, parse_size
from paas.errors import FieldError
from paas.settings.shapes import SMALLEST_MEMORY, HostName, Port, SecondsOrNever, SourcePath

LONGEST_VALUE = 100_000
DELAY = "scale_down_delay"
"""The one field of `scaling` that is no rule."""
NAME_RULE = "a name of letters, digits and underscores that does not start with a digit"
IMAGE_RULE = "an image reference such as registry.example/shop:1.4"
PATH_RULE = "a path that starts with / and holds no spaces or control characters"
LIST_RULE = 'a list of texts, one per argument, such as ["sh", "-c", "exec ./run"]'

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_IMAGE_NAME = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_IMAGE = re.compile(
    rf"(?:{_REGISTRY}/)?{_IMAGE_NAME}(?:/{_IMAGE_NAME})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+:[0-9a-fA-F]{32,128})?",
    re.ASCII,
)


def _text(value: str) -> str:
    if "\0" in value:
        raise ValueError("text without NUL characters")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("valid Unicode text") from None
    return value


def _env_name(value: str) -> str:
    if not _ENV_NAME.fullmatch(value) or len(value) > 200:
        raise ValueError(NAME_RULE)
    if value == "PORT" or value.startswith("K_"):
        raise ValueError("another name: PORT and names that start with K_ are set by the platform")
    return value


def _image(value: str) -> str:
    if len(value) > 400 or not _IMAGE.fullmatch(value):
        raise ValueError(IMAGE_RULE)
    return value


def _user(value: str) -> str:
    if ":" in value or not value.isprintable():
        raise ValueError("a user name without colon or control characters")
    return value


def _path(value: str) -> str:
    if not value.startswith("/") or not value.isprintable() or " " in value or len(value) > 2000:
        raise ValueError(PATH_RULE)
    return value


def _memory(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(SIZE_RULE)  # noqa: TRY004 - pydantic takes ValueError only
    size = parse_size(value) if isinstance(value, str) else value
    if not SMALLEST_MEMORY <= size < 2**50:
        raise ValueError(f"{SIZE_RULE}, at least {format_size(SMALLEST_MEMORY)}")
    return size


def _arguments(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError(LIST_RULE)  # noqa: TRY004 - pydantic takes ValueError only
    return value


def _one_or_many(value: object) -> object:
    return [value] if isinstance(value, int) else value


Text = Annotated[str, AfterValidator(_text)]
Name = Annotated[Text, Field(min_length=1, max_length=253)]
Note = Annotated[Text, Field(max_length=1000)]
EnvName = Annotated[str, AfterValidator(_env_name)]
EnvValue = Annotated[Text, Field(max_length=LONGEST_VALUE)]
Environment = Annotated[dict[EnvName, EnvValue], Field(max_length=1000)]
Arguments = Annotated[
    list[Annotated[Text, Field(max_length=LONGEST_VALUE)]],
    BeforeValidator(_arguments),
    Field(min_length=1, max_length=1000),
]
Memory = Annotated[
    int,
    BeforeValidator(_memory),
    WithJsonSchema({"type": ["integer", "string"], "examples": ["512MiB", 536870912]}),
]
Cores = Annotated[float, Field(ge=0.1, le=1024)]
Concurrency = Annotated[int, Field(ge=0, le=1_000_000)]
Target = Annotated[float, Field(gt=0, le=1_000_000)]
Percent = Annotated[float, Field(gt=0, le=100)]
AllowedNetwork = Annotated[str, AfterValidator(lambda value: str(parse_network(value)))]
Cron = Annotated[str, Field(max_length=200), AfterValidator(parse_cron)]
Zone = Annotated[str, Field(max_length=100), AfterValidator(parse_zone)]
StatusCode = Annotated[int, Field(ge=100, le=599)]
StatusCodes = Annotated[
    list[StatusCode],
    BeforeValidator(_one_or_many),
    Field(min_length=1, max_length=100),
]


class Body(BaseModel):
    """A JSON object in a request."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    @classmethod
    def across(cls, raw: Mapping[str, object]) -> Iterator[FieldError]:  # noqa: ARG003 - a hook
        """Mistakes between fields; `raw` is checked for nothing else yet."""
        return iter(())


class Nothing(Body):
    """No fields."""


class RegistryLogin(Body):
    user: Annotated[Text, AfterValidator(_user), Field(min_length=1, max_length=200)]
    password: Annotated[Text, Field(min_length=1, max_length=10_000, repr=False)]


class FromArchive(Body):
    """The archive of the same multipart upload."""

    type: Literal["archive"]


class FromImage(Body):
    type: Literal["image"]
    image: Annotated[str, AfterValidator(_image)]
    credentials: RegistryLogin | None = None


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

    http: Annotated[str, AfterValidator(_path)] | None = None
    status: StatusCodes | None = None


class NewDeployment(Body):
    create: bool = False
    source: Annotated[FromArchive | FromImage, Field(discriminator="type")]
    traffic: Literal["all", "none"] = "all"
    port: Port | None = None
    note: Note = ""
    dockerfile: SourcePath | None = None
    build_dir: SourcePath | None = None
    command: Arguments | None = None
    args: Arguments | None = None
    env: Environment = {}
    secrets: Annotated[Environment, Field(repr=False)] = {}
    cpu: Cores | None = None
    memory: Memory | None = None
    concurrency: Concurrency | None = None
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
        if _object(raw, "source").get("type") == "image":
            for name in ("dockerfile", "build_dir"):
                if raw.get(name) is not None:
                    message = "must be left out: an image is not built"
                    yield FieldError(field=name, message=message)


class Login(Body):
    """What visitors have to know; the password is stored as a hash and never shown."""

    user: Annotated[Text, AfterValidator(_user), Field(min_length=1, max_length=200)]
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


class ServiceChanges(Body):
    """What is left out stays as it is."""

    auto_prune: bool = False
    idle: Idle = Idle()
    sticky: bool = False
    redirect_https: bool = False
    main_domain: HostName | None = None
    basic_auth: Login | None = None
    allow: Annotated[list[AllowedNetwork], Field(max_length=1000)] = []
    maintenance: Literal["off", "page", "hold"] = "off"
    body_limit: Annotated[int, Field(ge=0, le=2**50)] = 0
    request_log: bool = False
    ignore: Annotated[list[IgnoreRule], Field(max_length=50)] = []

    @classmethod
    def across(cls, raw: Mapping[str, object]) -> Iterator[FieldError]:
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
