"""What servers list, and what `.gitmodules` says."""

import pytest

from paas.core.git_refs import Submodule, candidates, named, parse_links, parse_listed, submodules

LINK = "1" * 40
CONFIG = (
    "submodule.x.path\napp/lib\0submodule.x.url\n../lib.git\0submodule.x.branch\nmain\0"
    "submodule.a.b.path\ndocs\0submodule.a.b.url\nhttps://host.example/d\0"
    "submodule.gone.path\nnowhere\0submodule.gone.url\nx\0core.editor\nvi\0odd\0"
)
LINKS = {"app/lib": LINK, "docs": "2" * 40, "unnamed": "3" * 40}


def test_a_branch_goes_before_a_tag() -> None:
    assert candidates("") == candidates("HEAD") == ("HEAD",)
    assert candidates("v1") == ("refs/heads/v1", "refs/tags/v1")
    assert candidates("refs/tags/v1")[0] == "refs/tags/v1"


def test_listed_refs() -> None:
    assert parse_listed("a\tHEAD\nb\trefs/heads/main\nnonsense\n") == {
        "HEAD": "a",
        "refs/heads/main": "b",
    }


def test_some_branches_are_named() -> None:
    assert named(["refs/heads/b", "refs/heads/a", "refs/tags/t", "HEAD"]) == "a, b"
    assert named(f"refs/heads/b{number:02d}" for number in range(12)).endswith("b09 and 2 more")
    assert named([]) == ""


def test_gitlinks() -> None:
    listed = f"100644 blob {LINK}\ta\0" + f"160000 commit {LINK}\tapp/lib\0"
    assert parse_links(listed) == {"app/lib": LINK}


def test_submodules_that_are_there() -> None:
    found = submodules(CONFIG, LINKS, below="")
    assert found == [
        Submodule(path="app/lib", url="../lib.git", commit=LINK),
        Submodule(path="docs", url="https://host.example/d", commit="2" * 40),
    ]


def test_submodules_below_a_directory() -> None:
    assert [one.path for one in submodules(CONFIG, LINKS, below="app")] == ["lib"]
    assert submodules(CONFIG, LINKS, below="ap") == []


@pytest.mark.parametrize("path", ["../x", "/x", "a/.git/x", "-x"])
def test_submodules_that_lead_out(path: str) -> None:
    config = f"submodule.x.path\n{path}\0submodule.x.url\ny\0"
    with pytest.raises(ValueError, match="relative path"):
        submodules(config, {path: LINK}, below="")
