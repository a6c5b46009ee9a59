"""What a push means, and what an SSH client may ask for."""

import pytest

from paas.core.pushing import (
    RefUpdate,
    check_branch,
    parse_updates,
    plan,
    receives,
    service_of,
)
from paas.errors import Denied, Invalid

OLD, NEW, ZERO = "a" * 40, "1a2b3c4" + "b" * 33, "0" * 40


def update(ref: str, *, old: str = OLD, new: str = NEW) -> RefUpdate:
    return RefUpdate(old=old, new=new, ref=f"refs/{ref}")


def test_updates_of_a_hook() -> None:
    found = parse_updates([f"{OLD} {NEW} refs/heads/main\n", f"{ZERO} {NEW} refs/tags/v 1"])
    assert found == [update("heads/main"), update("tags/v 1", old=ZERO)]
    assert found[0].source == "main@1a2b3c4"
    assert found[1].branch == ""


@pytest.mark.parametrize("text", ["", "x", f"{OLD} {NEW}", f"{OLD} {NEW} HEAD", f"x {NEW} refs/a"])
def test_what_no_hook_reads(text: str) -> None:
    with pytest.raises(Invalid):
        parse_updates([text])


class TestPlan:
    @pytest.mark.parametrize("branch", ["main", "master"])
    def test_the_first_usual_branch_is_deployed(self, branch: str) -> None:
        wanted = update(f"heads/{branch}", old=ZERO)
        assert plan([wanted], service="shop", branch="").deploy is wanted

    def test_main_before_master(self) -> None:
        both = [update("heads/master"), update("heads/main")]
        done = plan(both, service="shop", branch="")
        assert done.deploy is both[1]
        assert "shop deploys main" in done.remarks[0]

    def test_another_branch_is_kept_and_told_how(self) -> None:
        done = plan([update("heads/try/1")], service="shop", branch="main")
        assert done.deploy is None
        assert not done.refusals
        (remark,) = done.remarks
        assert "git push <remote> try/1:main" in remark
        assert "paas services set shop branch=try/1" in remark

    def test_another_branch_before_any(self) -> None:
        (remark,) = plan([update("heads/dev")], service="shop", branch="").remarks
        assert "git push <remote> dev:main" in remark

    def test_the_setting_decides(self) -> None:
        done = plan([update("heads/main"), update("heads/v2")], service="shop", branch="v2")
        assert done.deploy == update("heads/v2")

    def test_the_deployed_branch_is_not_deleted(self) -> None:
        gone = update("heads/main", new=ZERO)
        done = plan([gone], service="shop", branch="main")
        assert done.deploy is None
        assert "cannot be deleted" in done.refusals[0]

    def test_others_may_be_deleted_and_tags_are_silent(self) -> None:
        updates = [update("heads/old", new=ZERO), update("tags/v1", old=ZERO)]
        done = plan(updates, service="shop", branch="main")
        assert (done.deploy, done.remarks, done.refusals) == (None, (), ())
        assert plan([update("heads/main", new=ZERO)], service="shop", branch="").refusals == ()


@pytest.mark.parametrize("name", ["main", "release/2", "über", "a.b", "x-y_z"])
def test_branches(name: str) -> None:
    assert check_branch(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-f",
        "/a",
        "a/",
        "a..b",
        "a b",
        "a~1",
        "a:b",
        "x.lock",
        "x.lock/y",
        ".a",
        "a/.b",
        "a@{1}",
        "a\n",
        "a\\b",
        "a?",
        "a*",
        "[a",
        "a.",
        "x" * 201,
    ],
)
def test_no_branches(name: str) -> None:
    with pytest.raises(ValueError, match="the name of a branch"):
        check_branch(name)


def test_repositories_of_services() -> None:
    assert service_of("shop.git") == service_of("shop") == "shop"
    for name in ("../shop.git", "Shop.git", ".git", "a", "shop-001.git", "api.git", "shop.git.git"):
        with pytest.raises(Invalid):
            service_of(name)


class TestSsh:
    @pytest.mark.parametrize(
        "command",
        [
            "git-receive-pack 'shop.git'",
            "git-receive-pack '/shop.git'",
            "git-receive-pack '/shop'",
            "git receive-pack 'shop.git'",
            "git-receive-pack shop.git",
        ],
    )
    def test_a_push(self, command: str) -> None:
        assert receives(command) == "shop"

    @pytest.mark.parametrize(
        "command",
        [
            "",
            "sh",
            "git-receive-pack 'shop.git'; id",
            "git-receive-pack 'shop.git' 'x'",
            "git-receive-pack 'shop.git'\nid",
            "git-receive-pack --help",
            "git-receive-pack $(id)",
            "/usr/bin/git-receive-pack 'shop.git'",
            "git-receive-pack '../../etc'",
            "git-receive-pack '~root/shop.git'",
            "git-receive-pack '//shop.git'",
        ],
    )
    def test_anything_else(self, command: str) -> None:
        with pytest.raises((Denied, Invalid)):
            receives(command)

    def test_a_fetch_is_told_what_to_do(self) -> None:
        with pytest.raises(Denied) as refused:
            receives("git-upload-pack 'shop.git'")
        assert refused.value.code == "no_fetch"
