"""The texts of a service's repository. Rules are as in `schema`: "must be …"."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from paas.core.git_urls import check_ref

BRANCH_RULE = "the plain name of a branch, such as main"
TAGS_RULE = "a pattern of tag names, such as v*"

_TAGS = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9*?._/+-]*", re.ASCII)


def _branch(value: str) -> str:
    if value.startswith("refs/"):
        raise ValueError(BRANCH_RULE)
    return check_ref(value) if value else value


def _tags(value: str) -> str:
    if value and not _TAGS.fullmatch(value):
        raise ValueError(TAGS_RULE)
    return value


BranchName = Annotated[str, AfterValidator(_branch)]
TagPattern = Annotated[str, AfterValidator(_tags), Field(max_length=100)]
