"""Image registries: how they are named, and which one an image comes from."""

import re
from dataclasses import dataclass, field

from paas.core.addresses import is_host_name

HUB = "docker.io"
"""Docker Hub, which images without a registry in their name come from."""
HOST_RULE = "a registry such as registry.example, registry.example:5000 or docker.io"

_HUB_NAMES = frozenset({HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_IPV6 = re.compile(r"\[[0-9a-f:.]{2,45}\]", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """A stored login; `login` is the sealed `user:password`, `user` alone may be shown."""

    host: str
    user: str
    created: float
    login: bytes = field(repr=False)


def parse_registry(text: str) -> str:
    """The registry's one name: in lower case, Docker Hub's as `docker.io`.

    Raises `ValueError` whose text completes "must be …".
    """
    lower = text.lower()
    host, colon, port = lower.rpartition(":") if not lower.endswith("]") else (lower, "", "")
    host = host if colon else lower
    if not (is_host_name(host) or _IPV6.fullmatch(host)):
        raise ValueError(HOST_RULE)
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ValueError(HOST_RULE)
    return HUB if lower in _HUB_NAMES else lower


def familiar(image: str) -> str:
    """An image reference as the engine lists it: Docker Hub's without its host, and with a
    tag unless it names a digest.
    """
    first, slash, rest = image.partition("/")
    if slash and first.lower() in _HUB_NAMES:
        image = rest.removeprefix("library/")
    elif registry_of(image) == HUB:
        image = image.removeprefix("library/")
    tagged = ":" in image.rpartition("/")[2]
    return image if tagged else f"{image}:latest"


def registry_of(image: str) -> str:
    """The registry of an image reference, as the engine reads it: what stands before the
    first slash, if it looks like a host.
    """
    first, slash, _ = image.partition("/")
    looks_like_host = "." in first or ":" in first or first == "localhost"
    if not slash or not looks_like_host:
        return HUB
    lower = first.lower()
    return HUB if lower in _HUB_NAMES else lower
