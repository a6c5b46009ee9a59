"""The types of single values in request bodies, each with its rule.

A rule that fails raises `ValueError` with the end of the sentence "must be …".
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from paas.core.git_urls import check_ref, check_subdir, parse_url
from paas.core.networks import parse_network
from paas.core.pushing import check_branch
from paas.core.schedules import parse_cron, parse_zone
from paas.core.sizes import SIZE_RULE, format_size, parse_size
from paas.settings.values import SMALLEST_MEMORY

LONGEST_VALUE = 100_000
NAME_RULE = "a name of letters, digits and underscores that does not start with a digit"
IMAGE_RULE = "an image reference such as registry.example/shop:1.4"
PATH_RULE = "a path that starts with / and holds no spaces or control characters"
ID_RULE = "an id of letters, digits, dots, hyphens and underscores, such as npm_token"
STAGE_RULE = "a stage of the Dockerfile: letters, digits, dots, hyphens and underscores"
LIST_RULE = 'a list of texts, one per argument, such as ["sh", "-c", "exec ./run"]'

_ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_HOST_KEY = re.compile(r"[a-z0-9@.-]{3,60} [A-Za-z0-9+/]{16,}={0,2}", re.ASCII)
_SECRET_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}", re.ASCII)
_STAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}", re.ASCII)
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


def _arg_name(value: str) -> str:
    if not _ENV_NAME.fullmatch(value) or len(value) > 200:
        raise ValueError(NAME_RULE)
    return value


def _secret_id(value: str) -> str:
    if not _SECRET_ID.fullmatch(value):
        raise ValueError(ID_RULE)
    return value


def _stage(value: str) -> str:
    if not _STAGE.fullmatch(value):
        raise ValueError(STAGE_RULE)
    return value


def _image(value: str) -> str:
    if len(value) > 400 or not _IMAGE.fullmatch(value):
        raise ValueError(IMAGE_RULE)
    return value


def _user(value: str) -> str:
    if ":" in value or not value.isprintable():
        raise ValueError("a user name without colon or control characters")
    return value


def _repository(value: str) -> str:
    """Whether http is allowed is the host's to say, later."""
    return parse_url(value, allow_http=True).text


def _host_key(value: str) -> str:
    if len(value) > 5000 or not _HOST_KEY.fullmatch(value):
        raise ValueError("a public host key such as ssh-ed25519 AAAAC3…")
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
SecretText = Annotated[Text, Field(min_length=1, max_length=10_000)]
Note = Annotated[Text, Field(max_length=1000)]
EnvName = Annotated[str, AfterValidator(_env_name)]
EnvValue = Annotated[Text, Field(max_length=LONGEST_VALUE)]
Environment = Annotated[dict[EnvName, EnvValue], Field(max_length=1000)]
EnvironmentChanges = Annotated[dict[EnvName, EnvValue | None], Field(max_length=1000)]
"""null takes out what would be taken over from an earlier version."""
BuildArgs = Annotated[
    dict[Annotated[str, AfterValidator(_arg_name)], EnvValue | None], Field(max_length=1000)
]
BuildSecrets = Annotated[
    dict[Annotated[str, AfterValidator(_secret_id)], EnvValue | None], Field(max_length=100)
]
StageName = Annotated[str, AfterValidator(_stage)]
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
Branch = Annotated[str, AfterValidator(check_branch)]
Cron = Annotated[str, Field(max_length=200), AfterValidator(parse_cron)]
Zone = Annotated[str, Field(max_length=100), AfterValidator(parse_zone)]
StatusCode = Annotated[int, Field(ge=100, le=599)]
StatusCodes = Annotated[
    list[StatusCode],
    BeforeValidator(_one_or_many),
    Field(min_length=1, max_length=100),
]
RepositoryUrl = Annotated[str, AfterValidator(_repository)]
GitRef = Annotated[str, AfterValidator(lambda value: check_ref(value) if value else value)]
GitSubdir = Annotated[str, AfterValidator(check_subdir)]
HostKey = Annotated[str, AfterValidator(_host_key)]
ImageName = Annotated[str, AfterValidator(_image)]
UrlPath = Annotated[str, AfterValidator(_path)]
UserName = Annotated[Text, AfterValidator(_user), Field(min_length=1, max_length=200)]
