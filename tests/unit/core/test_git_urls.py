"""Repository URLs, refs and directories: what is safe behind `--`, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.core.git_urls import (
    check_ref,
    check_subdir,
    is_commit,
    parse_url,
    relative_url,
    service_of,
)

INJECTIONS = [
    ";",
    "$(",
    "`",
    "|",
    "&",
    "\n",
    "--",
    "ext::",
    "../",
    "%00",
    "'",
    '"',
    "\0",
    "\x1b",
    " ",
]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://host.example/a/b.git", ("https", "host.example", 443, "/a/b.git", "")),
        ("HTTPS://Host.example:8443/a", ("https", "host.example", 8443, "/a", "")),
        ("https://[2001:db8::1]:8443/a", ("https", "2001:db8::1", 8443, "/a", "")),
        ("https://192.0.2.1/a%20b", ("https", "192.0.2.1", 443, "/a%20b", "")),
        ("ssh://git@host.example:2222/~/a", ("ssh", "host.example", 2222, "/~/a", "git")),
        ("ssh://host.example/a", ("ssh", "host.example", 22, "/a", "")),
        ("git@host.example:team/shop.git", ("ssh", "host.example", 22, "team/shop.git", "git")),
        ("host.example:/srv/shop", ("ssh", "host.example", 22, "/srv/shop", "")),
    ],
)
def test_good_urls(text: str, parts: tuple[object, ...]) -> None:
    url = parse_url(text)
    assert (url.scheme, url.host, url.port, url.path, url.user) == parts
    assert url.origin == parts[:3]
    assert url.text.lower() == text.lower()
    assert url.text.startswith(("https:", "ssh:", "git@", "host"))


@pytest.mark.parametrize(
    ("text", "root"),
    [
        ("https://host.example/a", "https://host.example"),
        ("https://[2001:db8::1]:8443/a", "https://[2001:db8::1]:8443"),
        ("ssh://git@host.example:2222/a", "ssh://host.example:2222"),
    ],
)
def test_root(text: str, root: str) -> None:
    assert parse_url(text).root == root


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-u",
        "--upload-pack=touch /tmp/x",
        "ext::sh -c whoami",
        "ext::sh",
        "fd::17/foo",
        "file:///etc",
        "/etc",
        "./here",
        "../there",
        "git://host.example/a",
        "http://host.example/a",
        "ftp://host.example/a",
        "https://",
        "https:///a",
        "https://host.example",
        "https://host.example/",
        "https://host.example/a?b",
        "https://host.example/a?",
        "https://host.example/a#b",
        "https://host.example:0/a",
        "https://host.example:99999/a",
        "https://host.example:x/a",
        "https://[::1/a",
        "https://[fe80::1%25eth0]/a",
        "https://user:pass@host.example/a",
        "https://token@host.example/a",
        "ssh://git:pass@host.example/a",
        "ssh://-oProxyCommand=x@host.example/a",
        "ssh://%2doProxyCommand=x@host.example/a",
        "ssh://@host.example/a",
        "ssh://-oProxyCommand=x/a",
        "ssh://host.example/-a",
        "-oProxyCommand=x@host.example:a",
        "git@-oProxyCommand=x:a",
        "git@host.example:-a",
        "git@host.example:",
        "git@host..example:a",
        "git@[::1]:a",
        "https://host.example/../a",
        "https://host.example/%2e%2e/a",
        "https://host.example/a%00b",
        "https://host.example/a%0ab",
        "https://host.example/a\\b",
        "https://host.example/a b",
        "https://host.example/a\n",
        "https://hóst.example/a",
        "https://host.example/" + "a" * 1000,
        "host",
    ],
)
def test_bad_urls(text: str) -> None:
    with pytest.raises(ValueError, match=r"URL|http"):
        parse_url(text)


def test_plain_http_is_for_those_who_allow_it() -> None:
    assert parse_url("http://host.example/a", allow_http=True).port == 80
    with pytest.raises(ValueError, match="not allowed"):
        parse_url("http://host.example/a")


@given(st.text(max_size=40), st.sampled_from(INJECTIONS), st.text(max_size=40))
def test_whatever_passes_is_harmless(before: str, injected: str, after: str) -> None:
    for text in (
        before + injected + after,
        f"https://{before}{injected}{after}",
        f"https://host.example/{before}{injected}{after}",
        f"git@host.example:{before}{injected}{after}",
    ):
        try:
            url = parse_url(text)
        except ValueError:
            continue
        assert url.text.isascii()
        assert url.text.isprintable()
        assert not url.text.startswith("-")
        assert not set(url.text) & set(" \"'`\\\n\0")
        assert url.scheme in {"https", "ssh"}
        assert "::" not in url.text.partition("://")[0]


@given(st.text(max_size=20), st.sampled_from(INJECTIONS), st.text(max_size=20))
def test_refs_and_directories_that_pass_are_harmless(before: str, one: str, after: str) -> None:
    text = before + one + after
    for check in (check_ref, check_subdir):
        try:
            passed = check(text)
        except ValueError:
            continue
        assert passed.isprintable()
        assert not passed.startswith(("-", "/"))
        assert ".." not in passed.split("/")


@pytest.mark.parametrize(
    "ref", ["main", "v1.2", "refs/heads/a", "feature/x-1", "ümlaut", "0123456"]
)
def test_good_refs(ref: str) -> None:
    assert check_ref(ref) == ref


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "-a",
        "--upload-pack=x",
        "a..b",
        "a b",
        "a:b",
        "a^",
        "a~1",
        "a*",
        "a?",
        "a[",
        "a\\b",
        "@",
        "a@{1}",
        "/a",
        "a/",
        "a//b",
        ".a",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "a.",
        "a\x7f",
        "a\n",
        "\u202ea",
        "a" * 251,
    ],
)
def test_bad_refs(ref: str) -> None:
    with pytest.raises(ValueError, match="branch or tag"):
        check_ref(ref)


def test_commits() -> None:
    assert is_commit("0123abc")
    assert is_commit("a" * 40)
    assert not is_commit("abc")
    assert not is_commit("main")


@pytest.mark.parametrize(
    ("text", "path"), [("", ""), (".", ""), ("./a//b/", "a/b"), ("a", "a"), ("a..b", "a..b")]
)
def test_good_directories(text: str, path: str) -> None:
    assert check_subdir(text) == path


@pytest.mark.parametrize(
    "text", ["/a", "..", "a/../b", "-a", "a/-b", "a\\b", "a:b", "a\n", ".git", "x/.GIT/y"]
)
def test_bad_directories(text: str) -> None:
    with pytest.raises(ValueError, match="relative path"):
        check_subdir(text)


@pytest.mark.parametrize(
    ("parent", "text", "whole"),
    [
        ("https://host.example/team/shop.git", "../lib.git", "https://host.example/team/lib.git"),
        ("https://host.example/team/shop.git", "./lib", "https://host.example/team/shop.git/lib"),
        ("https://host.example/team/shop", "../../x/.//lib", "https://host.example/x/lib"),
        ("ssh://git@host.example:22/a/b", "../c", "ssh://git@host.example/a/c"),
        ("git@host.example:team/shop.git", "../lib.git", "git@host.example:team/lib.git"),
        ("git@host.example:team/shop.git", "https://other.example/x", "https://other.example/x"),
    ],
)
def test_relative_urls(parent: str, text: str, whole: str) -> None:
    assert relative_url(parse_url(parent), text).text == whole


@pytest.mark.parametrize("text", ["../../../x", "../..", "file:///x", "ext::sh", "-x", "../-x", ""])
def test_relative_urls_that_lead_astray(text: str) -> None:
    with pytest.raises(ValueError, match="URL"):
        relative_url(parse_url("https://host.example/team/shop"), text)


@pytest.mark.parametrize(
    ("text", "name"),
    [("https://h/a/Shop.git", "Shop"), ("git@h:shop.git/", "shop"), ("ssh://h/~/x", "x")],
)
def test_the_repositorys_name(text: str, name: str) -> None:
    assert service_of(text) == name
