"""What a push means: which ref is deployed, and what is said of the others.

One branch of a service is deployed: the one that its setting `branch` names, or else
`main` or `master`, whichever is pushed first.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paas.core.names import check_service_name
from paas.errors import Denied, Invalid

USUAL = ("main", "master")
HEADS = "refs/heads/"
TAGS = "refs/tags/"
SHORT = 7
LONGEST_BRANCH = 200

_OBJECT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_ORIGINAL = re.compile(r"git[ -](receive-pack|upload-pack|upload-archive) '?/?([^' ]*)'?")
_NO_BRANCH = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|/$|^[-./]|^$")


@dataclass(frozen=True, slots=True, kw_only=True)
class RefUpdate:
    """One change that a push asks for; an id of zeros means that there is nothing."""

    old: str
    new: str
    ref: str

    @property
    def deletes(self) -> bool:
        return not self.new.strip("0")

    @property
    def branch(self) -> str:
        """Empty for what is none."""
        return self.ref.removeprefix(HEADS) if self.ref.startswith(HEADS) else ""

    @property
    def source(self) -> str:
        """How people read what is deployed: `main@1a2b3c4`."""
        return f"{self.branch}@{self.new[:SHORT]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushPlan:
    """What becomes of a push: `deploy` it, say `remarks`, or refuse all for `refusals`."""

    deploy: RefUpdate | None = None
    remarks: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()


def parse_updates(lines: Iterable[str]) -> list[RefUpdate]:
    """As a hook reads them. Raises `Invalid` (`malformed_push`)."""
    found = []
    for text in lines:
        old, _, rest = text.rstrip("\n").partition(" ")
        new, _, ref = rest.partition(" ")
        if not (_OBJECT.fullmatch(old) and _OBJECT.fullmatch(new) and ref.startswith("refs/")):
            raise Invalid(
                "The hook was given no changes of refs.",
                code="malformed_push",
                advice="Run it as the pre-receive hook of a repository.",
            )
        found.append(RefUpdate(old=old, new=new, ref=ref))
    return found


def plan(updates: Sequence[RefUpdate], *, service: str, branch: str) -> PushPlan:
    """What to do; `branch` is the service's setting, "" before the first push."""
    deployed = branch or _first(updates)
    wanted = next((one for one in updates if deployed and one.branch == deployed), None)
    if wanted is not None and wanted.deletes:
        return PushPlan(refusals=(_no_delete(service, deployed),))
    others = [one for one in updates if one is not wanted]
    remarks = tuple(_remark(one, service, deployed) for one in others if _worth_saying(one))
    return PushPlan(deploy=wanted, remarks=remarks)


def check_branch(name: str) -> str:
    """The name itself. Raises `ValueError` with the end of the sentence "must be …"."""
    if len(name) > LONGEST_BRANCH or _NO_BRANCH.search(name):
        raise ValueError('the name of a branch, such as "main"')
    return name


def service_of(repository: str) -> str:
    """`shop.git` → `shop`. Raises `Invalid` (`invalid_name`, `reserved_name`)."""
    return check_service_name(repository.removesuffix(".git"), field="service")


def receives(command: str) -> str:
    """The service that an SSH client wants to push to, by its original command.

    Raises `Denied` (`no_shell`, `no_fetch`), `Invalid`.
    """
    found = _ORIGINAL.fullmatch(command)
    if found is None:
        raise Denied(
            "This key is for git push only.",
            code="no_shell",
            advice="git push ssh://USER@HOST/SERVICE.git main",
        )
    if found[1] != "receive-pack":
        raise no_fetch()
    return service_of(found[2])


def no_fetch() -> Denied:
    """The refusal of a fetch or clone."""
    return Denied(
        "Repositories can be pushed to here, not fetched from.",
        code="no_fetch",
        advice="Keep the code where it is at home, and push from there to deploy it.",
    )


def _first(updates: Sequence[RefUpdate]) -> str:
    pushed = {one.branch for one in updates if not one.deletes}
    return next((name for name in USUAL if name in pushed), "")


def _worth_saying(update: RefUpdate) -> bool:
    return bool(update.branch) and not update.deletes


def _remark(update: RefUpdate, service: str, deployed: str) -> str:
    name = update.branch
    if not deployed:
        return (
            f"{name} is kept, but not deployed: {service} deploys main or master. To deploy this "
            f"branch: git push <remote> {name}:main"
        )
    return (
        f"{name} is kept, but not deployed: {service} deploys {deployed}. To deploy this branch "
        f"once: git push <remote> {name}:{deployed}; always: "
        f"paas services set {service} branch={name}, and push its next commit."
    )


def _no_delete(service: str, branch: str) -> str:
    return (
        f"{branch} is the branch that {service} deploys: it cannot be deleted. "
        f"`paas delete {service}` deletes the service."
    )
