"""What a genuine webhook tells, and what becomes of it.

Text of a payload is for people only: one line, bounded, printable. Of all that it says
only a commit's id is ever acted on, and only for the service's own repository.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs

from paas.core.repositories import Repository, repository_name, same_repository
from paas.core.webhooks import Envelope, GitHost
from paas.errors import Invalid

LONGEST_TEXT = 200
MOST_CHANGES = 20
"""Refs of one delivery that are looked at."""

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_PINGS = frozenset({"ping", "diagnostics:ping"})
_PUSHES = frozenset({"push", "repo:push", "Push Hook", "Tag Push Hook"})
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """One ref that moved. `commit` is what it points to now, empty when it was deleted;
    `urls` are the repository's, `default_branch` its main one, where the host says so.
    """

    ref: str
    before: str = ""
    commit: str = ""
    subject: str = ""
    pusher: str = ""
    default_branch: str = ""
    urls: tuple[str, ...] = ()

    @property
    def branch(self) -> str | None:
        return self.ref.removeprefix(_HEADS) if self.ref.startswith(_HEADS) else None

    @property
    def tag(self) -> str | None:
        return self.ref.removeprefix(_TAGS) if self.ref.startswith(_TAGS) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One delivery as far as it matters: the refs that were pushed, or a ping."""

    kind: str
    pushes: tuple[Push, ...] = ()
    ping: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploy:
    """Deploy that push's commit."""

    push: Push


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignore:
    """Do nothing, for that reason; `push` is the one that it speaks of."""

    reason: str
    push: Push | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong:
    """The host only asks whether anybody is there."""


Verdict = Deploy | Ignore | Pong


def read_notice(found: Envelope, *, content_type: str, body: bytes) -> Notice:
    """The delivery's content. Raises `Invalid` (`malformed_payload`)."""
    if found.kind in _PINGS:
        return Notice(kind=found.kind, ping=True)
    if found.kind not in _PUSHES:
        return Notice(kind=found.kind)
    payload = _payload(content_type, body)
    pushes = _bitbucket(payload) if found.host is GitHost.BITBUCKET else [_push(payload)]
    return Notice(kind=found.kind, pushes=tuple(pushes))


def decide(notice: Notice, repository: Repository | None) -> Verdict:
    """What to do about it. Of several pushes the first one that deploys counts."""
    if notice.ping:
        return Pong()
    if not notice.pushes:
        return Ignore(reason=f"{notice.kind} is no push of commits")
    verdicts = [_decide(push, repository) for push in notice.pushes]
    return next((one for one in verdicts if isinstance(one, Deploy)), verdicts[0])


# ---- private


def _decide(push: Push, repository: Repository | None) -> Deploy | Ignore:
    reason = _objection(push, repository)
    return Ignore(reason=reason, push=push) if reason else Deploy(push=push)


def _objection(push: Push, repository: Repository | None) -> str:
    """Why that push does not deploy; empty when it does."""
    if repository is None:
        return "the service has no repository; set it with `paas hooks setup --repository URL`"
    if not any(same_repository(url, repository.url) for url in push.urls):
        said = ", ".join(sorted({repository_name(url) for url in push.urls} - {""}))
        own = repository_name(repository.url)
        return f"it is about {said or 'no repository'}, and the service deploys {own}"
    if push.tag is not None:
        return _tag_objection(push, push.tag, repository)
    return _branch_objection(push, push.branch or push.ref, repository)


def _branch_objection(push: Push, branch: str, repository: Repository) -> str:
    wanted = repository.branch or push.default_branch
    if not wanted:
        return "the host does not say which branch is the default one; set the branch"
    if push.branch != wanted:
        return f"{branch or 'nothing'} was pushed, and branch {wanted} deploys"
    return "" if push.commit else f"branch {branch} was deleted"


def _tag_objection(push: Push, tag: str, repository: Repository) -> str:
    if not repository.tags or not fnmatchcase(tag, repository.tags):
        kind = f"tags like {repository.tags} deploy" if repository.tags else "tags do not deploy"
        return f"tag {tag} was pushed, and {kind}"
    return "" if push.commit else f"tag {tag} was deleted"


def _payload(content_type: str, body: bytes) -> Mapping[str, Any]:
    try:
        if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
            form = parse_qs(body.decode("ascii"), max_num_fields=10, strict_parsing=True)
            body = form["payload"][0].encode()
        payload = json.loads(body)
    except (ValueError, KeyError, RecursionError):
        raise _malformed("it is no JSON object") from None
    if not isinstance(payload, dict):
        raise _malformed("it is no JSON object")
    return payload


def _push(payload: Mapping[str, Any]) -> Push:
    """GitHub, Gitea, Forgejo and GitLab. What a tag points to is the commit, not its object."""
    repository = _object(payload, "repository")
    project = _object(payload, "project")
    head = _object(payload, "head_commit") or _last_commit(payload)
    deleted = payload.get("deleted") is True or not _real(_text(payload, "after"))
    commit = _text(payload, "checkout_sha") or _text(head, "id") or _text(payload, "after")
    pusher = _object(payload, "pusher")
    names = (_text(pusher, "login"), _text(pusher, "username"), _text(pusher, "name"))
    return Push(
        ref=_ref(payload),
        before=_sha(_text(payload, "before")),
        commit="" if deleted else _commit(commit),
        subject=_text(head, "message"),
        pusher=next(filter(None, names), "") or _text(payload, "user_username"),
        default_branch=_text(repository, "default_branch") or _text(project, "default_branch"),
        urls=_urls(repository, project),
    )


def _bitbucket(payload: Mapping[str, Any]) -> Iterator[Push]:
    repository = _object(payload, "repository")
    urls = _urls(_object(_object(repository, "links"), "html"))
    actor = _object(payload, "actor")
    changes = _object(payload, "push").get("changes")
    for change in changes[:MOST_CHANGES] if isinstance(changes, list) else ():
        if not isinstance(change, dict):
            continue
        new, old = _object(change, "new"), _object(change, "old")
        now = new or old
        target = _object(new, "target")
        prefix = _TAGS if now.get("type") == "tag" else _HEADS
        yield Push(
            ref=prefix + _text(now, "name"),
            before=_sha(_text(_object(old, "target"), "hash")),
            commit=_commit(_text(target, "hash")) if new else "",
            subject=_text(target, "message"),
            pusher=_text(actor, "nickname") or _text(actor, "display_name"),
            urls=urls,
        )


def _ref(payload: Mapping[str, Any]) -> str:
    """Raises `Invalid` for what cannot be the whole name of a ref."""
    ref = payload.get("ref")
    if not isinstance(ref, str) or len(ref) > LONGEST_TEXT or not ref.isprintable():
        raise _malformed("it names no ref")
    return ref


def _last_commit(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The newest of `commits`: GitLab has no `head_commit`, and lists the newest last."""
    commits = payload.get("commits")
    last = commits[-1] if isinstance(commits, list) and commits else {}
    return last if isinstance(last, dict) else {}


def _urls(*places: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("clone_url", "ssh_url", "html_url", "git_http_url", "git_ssh_url", "web_url", "href")
    found = (place.get(name) for place in places for name in names)
    texts = [one for one in found if isinstance(one, str) and len(one) <= 2000]
    return tuple(dict.fromkeys(one for one in texts if one.isprintable()))


def _object(place: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = place.get(name)
    return value if isinstance(value, dict) else {}


def _text(place: Mapping[str, Any], name: str) -> str:
    """The first line, printable and bounded; empty when there is no such text."""
    value = place.get(name)
    line = value.strip().partition("\n")[0][:LONGEST_TEXT] if isinstance(value, str) else ""
    return "".join(one if one.isprintable() else "\ufffd" for one in line)


def _real(sha: str) -> bool:
    """A ref that is gone, or was not there, is all zeros."""
    return bool(sha.strip("0"))


def _sha(text: str) -> str:
    return text if _COMMIT.fullmatch(text) else ""


def _commit(text: str) -> str:
    if not _COMMIT.fullmatch(text):
        raise _malformed("it names no commit")
    return text


def _malformed(problem: str) -> Invalid:
    return Invalid(
        f"The delivery is genuine, but {problem}.",
        code="malformed_payload",
        advice="Let the host send pushes as JSON.",
    )
