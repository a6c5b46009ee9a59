"""The texts of a service's repository. Rules are as in `schema`: "must be …"."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from paas.core.repositories import repository_name

URL_RULE = (
    "an https or ssh URL of a repository, such as https://git.example/shop.git, without password"
)
REF_RULE = "the plain name of a branch, such as main"
TAGS_RULE = "a pattern of tag names, such as v*"
SUBDIR_RULE = 'a relative path inside the repository, without ".."'

_PLAIN = re.compile(r"[!-~]+", re.ASCII)
_REF = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]*")
_TAGS = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9*?._/+-]*", re.ASCII)


def _url(value: str) -> str:
    wrong = not _PLAIN.fullmatch(value) or value.startswith("-") or "::" in value
    if wrong or not repository_name(value) or ("://" in value and not _plain_url(value)):
        raise ValueError(URL_RULE)
    return value


def _plain_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        return False
    user = parts.username is None or parts.scheme == "ssh"
    return parts.scheme in ("https", "ssh") and user and parts.password is None


def _ref(value: str) -> str:
    plain = not value or _REF.fullmatch(value)
    if not plain or ".." in value or value.startswith("refs/") or not value.isprintable():
        raise ValueError(REF_RULE)
    return value


def _tags(value: str) -> str:
    if value and not _TAGS.fullmatch(value):
        raise ValueError(TAGS_RULE)
    return value


def _subdir(value: str) -> str:
    parts = value.split("/")
    if value.startswith(("/", "-")) or ".." in parts or "\\" in value or not value.isprintable():
        raise ValueError(SUBDIR_RULE)
    return value


RepositoryUrl = Annotated[str, AfterValidator(_url), Field(min_length=1, max_length=2000)]
BranchName = Annotated[str, AfterValidator(_ref), Field(max_length=200)]
TagPattern = Annotated[str, AfterValidator(_tags), Field(max_length=100)]
Subdirectory = Annotated[str, AfterValidator(_subdir), Field(max_length=1000)]
