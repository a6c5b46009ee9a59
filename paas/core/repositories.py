"""A service's own repository: what its webhooks deploy, and how its URL is recognised.

One repository has several URLs (https, ssh, the scp form); they are the same when host
and path are, whatever scheme, user, port, letter case or trailing `.git` they have.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from paas.core.spec import GitSource

_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[^/:@\[\]]+):(?P<path>[^:].*)")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """Where a service's code lives. `branch` empty: the repository's default branch; `tags`
    is a pattern (`v*`) of the tags that deploy too, empty for none. `credentials` is the
    sealed login for it.
    """

    url: str
    branch: str = ""
    tags: str = ""
    subdir: str = ""
    submodules: bool = False
    lfs: bool = False
    credentials: bytes | None = field(default=None, repr=False)


def same_repository(one: str, other: str) -> bool:
    """Whether both URLs name one repository; what is no URL of one never does."""
    name = repository_name(one)
    return bool(name) and name == repository_name(other)


def repository_name(url: str) -> str:
    """`host/path` of a repository's URL; empty when it is none."""
    host, path = _parts(url.strip())
    path = path.strip("/").removesuffix(".git").rstrip("/")
    return f"{host}/{path}".casefold() if host and path else ""


def repository_of(source: GitSource) -> Repository:
    """The repository that a deployment came from, without its login. A deployment of a
    commit says nothing of a branch.
    """
    branch = "" if _COMMIT.fullmatch(source.ref) else source.ref.removeprefix("refs/heads/")
    return Repository(
        url=source.url,
        branch=branch,
        subdir=source.subdir,
        submodules=source.submodules,
        lfs=source.lfs,
    )


def _parts(url: str) -> tuple[str, str]:
    if "://" not in url:
        found = _SCP.fullmatch(url)
        return (found["host"], found["path"]) if found else ("", "")
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.hostname or "", parts.path
