import pytest

from paas.core.repositories import Repository, repository_name, repository_of, same_repository
from paas.core.spec import GitSource
from tests.payloads import COMMIT

SAME = [
    "https://git.example/acme/shop.git",
    "https://git.example/acme/shop",
    "https://Git.Example/Acme/Shop/",
    "https://user@git.example:8443/acme/shop.git",
    "ssh://git@git.example:2222/acme/shop.git",
    "git@git.example:acme/shop.git",
    "git.example:/acme/shop.git",
    " https://git.example/acme/shop.git\n",
]


@pytest.mark.parametrize("url", SAME)
def test_all_urls_of_a_repository_name_it(url: str) -> None:
    assert repository_name(url) == "git.example/acme/shop"
    assert same_repository(url, SAME[0])


@pytest.mark.parametrize(
    "url",
    [
        "https://git.example/acme/shop2.git",
        "https://git.example.evil.example/acme/shop.git",
        "https://evil.example/git.example/acme/shop.git",
        "https://git.example@evil.example/acme/shop.git",
        "git@evil.example:git.example/acme/shop.git",
    ],
)
def test_others_do_not(url: str) -> None:
    assert not same_repository(url, SAME[0])


@pytest.mark.parametrize(
    "url",
    ["", "shop", "/srv/shop.git", "https://", "https://git.example/", "https://[::1", "ext::sh"],
)
def test_what_is_none_names_none(url: str) -> None:
    assert repository_name(url) == ""
    assert not same_repository(url, url)


def test_a_deployment_says_which_repository_it_came_from() -> None:
    source = GitSource(url=SAME[0], ref="refs/heads/next", subdir="web", lfs=True)
    own = Repository(url=SAME[0], branch="next", subdir="web", lfs=True)
    assert repository_of(source) == own


@pytest.mark.parametrize("ref", ["", COMMIT, COMMIT[:7]])
def test_a_commit_says_nothing_of_a_branch(ref: str) -> None:
    assert repository_of(GitSource(url=SAME[0], ref=ref)).branch == ""
