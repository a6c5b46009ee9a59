"""What a genuine webhook tells, and what becomes of it."""

import json
from urllib.parse import urlencode

import pytest

from paas.core.pushes import Deploy, Ignore, Notice, Pong, Push, decide, read_notice
from paas.core.repositories import Repository
from paas.core.webhooks import Envelope, GitHost, envelope
from paas.errors import Invalid
from tests.payloads import BEFORE, COMMIT, HOSTS, REPOSITORY, body, payload, signed

OWN = Repository(url=REPOSITORY, branch="main")


def read(host: str, name: str = "push", *, event: str = "", **changes: object) -> Notice:
    content = body(host, name, **changes)
    found = envelope(signed(host, content, event=event))
    assert found is not None
    return read_notice(found, content_type="application/json; charset=utf-8", body=content)


def reason(notice: Notice, repository: Repository | None = OWN) -> str:
    verdict = decide(notice, repository)
    assert isinstance(verdict, Ignore)
    return verdict.reason


@pytest.mark.parametrize("host", HOSTS)
def test_a_push_of_each_host_deploys_its_commit(host: str) -> None:
    verdict = decide(read(host), OWN)
    assert isinstance(verdict, Deploy)
    push = verdict.push
    assert (push.ref, push.commit, push.before) == ("refs/heads/main", COMMIT, BEFORE)
    assert (push.subject, push.pusher, push.branch) == ("Show prices with tax", "ann", "main")
    assert push.tag is None


@pytest.mark.parametrize("host", [one for one in HOSTS if one != "bitbucket"])
def test_without_a_branch_the_default_one_deploys(host: str) -> None:
    anywhere = Repository(url="git@git.example:acme/shop.git")
    assert isinstance(decide(read(host), anywhere), Deploy)
    assert "refs/heads/idea was pushed" in reason(read(host, ref="refs/heads/idea"), anywhere) or (
        "idea was pushed" in reason(read(host, ref="refs/heads/idea"), anywhere)
    )


def test_bitbucket_does_not_say_which_branch_is_the_default_one() -> None:
    assert "set the branch" in reason(read("bitbucket"), Repository(url=REPOSITORY))


def test_the_reason_is_that_of_the_first_push_when_none_deploys() -> None:
    told = reason(read("bitbucket"), Repository(url=REPOSITORY, branch="next"))
    assert told == "old-idea was pushed, and branch next deploys"


def test_bitbucket_s_odd_changes_are_passed_over() -> None:
    assert reason(read("bitbucket", push={"changes": "none"})) == "repo:push is no push of commits"
    assert reason(read("bitbucket", push={"changes": [1]})) == "repo:push is no push of commits"
    tag = {"new": {"type": "tag", "name": "v1", "target": {"hash": COMMIT}}, "old": None}
    assert reason(read("bitbucket", push={"changes": [tag]})) == (
        "tag v1 was pushed, and tags do not deploy"
    )


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_deleted_branch_is_ignored(host: str) -> None:
    assert reason(read(host, "delete")) == "branch main was deleted"


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_a_tag_deploys_its_commit_where_tags_do(host: str) -> None:
    event = "Tag Push Hook" if host == "gitlab" else "push"
    tag = read(host, "tag", event=event)
    assert reason(tag) == "tag v1.4 was pushed, and tags do not deploy"
    others = Repository(url=REPOSITORY, tags="release-*")
    assert reason(tag, others) == "tag v1.4 was pushed, and tags like release-* deploy"
    verdict = decide(tag, Repository(url=REPOSITORY, tags="v*"))
    assert isinstance(verdict, Deploy)
    assert verdict.push.commit == COMMIT


def test_a_deleted_tag_is_ignored() -> None:
    gone = read("github", "delete", ref="refs/tags/v1.4")
    assert reason(gone, Repository(url=REPOSITORY, tags="*")) == "tag v1.4 was deleted"


def test_another_repository_is_ignored_and_named() -> None:
    told = reason(read("github"), Repository(url="https://git.example/acme/blog", branch="main"))
    assert (
        told == "it is about git.example/acme/shop, and the service deploys git.example/acme/blog"
    )
    none = reason(read("github", repository={"clone_url": 7, "ssh_url": "x" * 3000}))
    assert none == "it is about no repository, and the service deploys git.example/acme/shop"


def test_without_a_repository_nothing_deploys() -> None:
    assert "no repository" in reason(read("github"), None)


def test_a_ref_that_is_neither_branch_nor_tag_is_ignored() -> None:
    assert "refs/notes/commits was pushed" in reason(read("github", ref="refs/notes/commits"))
    assert "nothing was pushed" in reason(read("github", ref=""))


@pytest.mark.parametrize(("host", "event"), [("github", "ping"), ("bitbucket", "diagnostics:ping")])
def test_a_ping_is_answered(host: str, event: str) -> None:
    name = "ping" if host == "github" else "push"
    assert decide(read(host, name, event=event), None) == Pong()


def test_other_events_are_ignored_unread() -> None:
    found = Envelope(host=GitHost.GITHUB, kind="issues")
    notice = read_notice(found, content_type="", body=b"not even JSON")
    assert reason(notice) == "issues is no push of commits"


def test_a_form_carries_the_same_payload() -> None:
    found = Envelope(host=GitHost.GITHUB, kind="push")
    form = urlencode({"payload": json.dumps(payload("github"))}).encode()
    notice = read_notice(found, content_type="application/x-www-form-urlencoded", body=form)
    assert isinstance(decide(notice, OWN), Deploy)


@pytest.mark.parametrize(
    ("content_type", "content"),
    [
        ("application/json", b""),
        ("application/json", b"[1]"),
        ("application/json", b"\xff"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"ref": 7}'),
        ("application/json", b'{"ref": "refs/heads/a\\nb", "after": "1"}'),
        ("application/json", b'{"ref": "%b"}' % (b"r" * 300)),
        ("application/json", b'{"ref": "refs/heads/main", "after": "--upload-pack=x"}'),
        ("application/x-www-form-urlencoded", b"other=1"),
        ("application/x-www-form-urlencoded", b"payload=%5B%5D"),
    ],
)
def test_a_malformed_payload_is_refused(content_type: str, content: bytes) -> None:
    found = Envelope(host=GitHost.GITHUB, kind="push")
    with pytest.raises(Invalid) as refused:
        read_notice(found, content_type=content_type, body=content)
    assert refused.value.code == "malformed_payload"


def test_texts_are_one_bounded_printable_line() -> None:
    head = {"id": COMMIT, "message": "\x1b[31mred" + "x" * 500 + "\nmore"}
    notice = read("github", head_commit=head, before="nothing")
    (push,) = notice.pushes
    assert push.subject.startswith("\ufffd[31mred")
    assert len(push.subject) == 200
    assert push.before == ""


def test_odd_commits_leave_the_subject_empty() -> None:
    (push,) = read("gitlab", commits=[7]).pushes
    assert push.subject == ""
    assert Push(ref="HEAD").branch is None
