"""The types of single settings, each with its rule.

A rule that fails raises `ValueError` with the end of the sentence "must be …".
"""

from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from paas.core.addresses import is_host_name, parse_address
from paas.core.networks import parse_network
from paas.core.sizes import SIZE_RULE, format_size, parse_size

SMALLEST_MEMORY = 6 * 1024**2
"""The engine refuses containers with less."""

Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86400 * 366, allow_inf_nan=False)]
SecondsOrNever = Annotated[float, Field(ge=0, le=86400 * 366, allow_inf_nan=False)]
Percent = Annotated[float, Field(gt=0, le=100)]
Target = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Cores = Annotated[float, Field(gt=0, le=1024)]
Count = Annotated[int, Field(ge=1, le=10_000_000)]
ByteCount = Annotated[int, Field(ge=1)]


def one_or_many(value: object) -> object:
    return [value] if isinstance(value, str) else value


def whole_numbers(value: object) -> object:
    """One or many; as text where they come from an environment variable."""
    many = value if isinstance(value, list) else [value]
    return [int(one) if isinstance(one, str) and one.isdecimal() else one for one in many]


def address(value: str) -> str:
    parse_address(value)
    return value


def _host_name(value: str) -> str:
    name = value.lower().rstrip(".")
    if not is_host_name(name):
        raise ValueError("a host name such as apps.example.com")
    return name


def docker_host(value: str) -> str:
    parts = urlsplit(value)
    rule = "empty, unix:///path/to/docker.sock or tcp://host:port"
    if parts.scheme == "unix":
        if parts.netloc or not parts.path.startswith("/"):
            raise ValueError(rule)
    elif parts.scheme == "tcp":
        if not parts.netloc or parts.path or not _names_a_port(parts.netloc):
            raise ValueError(rule)
    elif value:
        raise ValueError(rule)
    return value


def _names_a_port(netloc: str) -> bool:
    try:
        return bool(parse_address(netloc)[0])
    except ValueError:
        return False


def _memory(value: str) -> str:
    if parse_size(value) < SMALLEST_MEMORY:
        raise ValueError(f"{SIZE_RULE}, at least {format_size(SMALLEST_MEMORY)}")
    return value


def _size(value: str) -> str:
    parse_size(value)
    return value


def _bytes_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _inside(value: str) -> str:
    parts = value.split("/")
    if not value or value.startswith(("/", "-")) or ".." in parts or not value.isprintable():
        raise ValueError('a relative path inside the source, without ".."')
    return value


def path(value: object) -> object:
    if value == ".":
        raise ValueError("a path other than the plain dot, or empty for the usual place")
    return Path(value) if isinstance(value, str) else value


def lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


def off(value: object) -> object:
    """YAML reads a plain `off` as false."""
    return "off" if value is False else lower(value)


def files(value: object) -> object:
    """`chain:key` as an environment variable gives it; one name alone stands for both."""
    if not isinstance(value, str):
        return value
    chain, _, key = value.partition(":")
    return {"certificate": chain, "key": key or chain}


def notification(value: object) -> object:
    """A URL alone as an environment variable gives it; `slack+` before it is the format."""
    if not isinstance(value, str):
        return value
    slack = value.startswith("slack+")
    return {"url": value.removeprefix("slack+"), "format": "slack" if slack else "generic"}


Address = Annotated[str, AfterValidator(address)]
Addresses = Annotated[list[Address], BeforeValidator(one_or_many)]
HostName = Annotated[str, AfterValidator(_host_name)]
NoneOrHost = Annotated[str, AfterValidator(lambda value: value and _host_name(value))]
Memory = Annotated[str, BeforeValidator(_bytes_as_text), AfterValidator(_memory)]
Size = Annotated[str, BeforeValidator(_bytes_as_text), AfterValidator(_size)]
TrustedNetwork = Annotated[str, AfterValidator(lambda value: str(parse_network(value)))]
SourcePath = Annotated[str, AfterValidator(_inside)]
