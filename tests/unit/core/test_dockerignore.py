"""`.dockerignore`: the engine's rules (rows taken from the behaviour of moby's matcher)."""

import posixpath
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas.core.dockerignore import MAX_PATTERNS, ROOT, IgnoreRules, parse
from paas.errors import Invalid


def ignored(rules: IgnoreRules, path: str) -> bool:
    """As a walk from the top would judge it."""
    verdict = ROOT
    parts = path.split("/")
    for length in range(1, len(parts) + 1):
        verdict = rules.judge("/".join(parts[:length]), verdict)
    return verdict.ignored


@pytest.mark.parametrize(
    ("text", "path", "expected"),
    [
        # plain text is anchored at the top, and takes what is below with it
        ("a", "a", True),
        ("a", "a/b/c", True),
        ("a", "b/a", False),
        ("a/b", "a/b", True),
        ("a/b", "a", False),
        ("/a", "a", True),
        ("a/", "a/b", True),
        ("./a", "a", True),
        ("a/../b", "b", True),
        ("a//b", "a/b", True),
        ("../a", "a", False),
        (".", "a", False),
        ("/", "a", False),
        ("abc.def", "abcZdef", False),
        ("a(b)c/def", "a(b)c/def", True),
        ("a(b)c/def", "a(b)c/xyz", False),
        ("a.|)$(}+{bc", "a.|)$(}+{bc", True),
        # one star, question mark
        ("*.txt", "a.txt", True),
        ("*.txt", "d/a.txt", False),
        ("*.txt", "a.txt/b", True),
        ("*", "a", True),
        ("*", ".hidden", True),
        ("*", "a/b", True),
        ("*c", "abc", True),
        ("a*", "a", True),
        ("a*/b", "abc/b", True),
        ("a*/b", "a/c/b", False),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", True),
        ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", False),
        ("a*b?c*x", "abxbbxdbxebxczzx", True),
        ("a*b?c*x", "abxbbxdbxebxczzy", False),
        ("a/*.txt", "a/d/file.txt", False),
        ("a?b", "a☺b", True),
        ("a?b", "a/b", False),
        ("abc?def", "abcdef", False),
        (".*", ".foo", True),
        (".*", "foo", False),
        # two stars
        ("**", "file", True),
        ("**", "dir/file", True),
        ("**/", "file", True),
        ("**/**", "dir/file", True),
        ("dir/**", "dir", False),
        ("dir/**", "dir/dir2/file", True),
        ("**/dir", "dir", True),
        ("**/dir", "dir/file", True),
        ("**/dir", "xdir", False),
        ("**/dir2/*", "dir/dir2/file", True),
        ("**/dir2/**", "dir/dir2/dir3/file", True),
        ("**file", "dir/dir/file", True),
        ("**file", "dir/profile", True),
        ("**fi?e", "dir/profile", False),
        ("**/file*txt", "dir/dir/file.txt", True),
        ("**/**/*.txt", "file.txt", True),
        ("**/**/*.txt2", "dir/dir/file.txt", False),
        ("a**/*.txt", "a/dir/dir/file.txt", True),
        ("a/*.txt**", "a/file.txt", True),
        ("a**", "abc/d", True),
        ("**/foo/bar", "dir/dir2/foo/bar", True),
        ("**/foo/bar", "dir/foo/x/bar", False),
        ("**/.foo", "bar.foo", False),
        ("a/**/b", "a/b", True),
        ("a/**/b", "a/x/y/b", True),
        ("a/**/b", "a/xb", False),
        # classes and backslashes
        ("a[b-d]e", "ace", True),
        ("a[b-d]e", "aae", False),
        ("a[^b-d]e", "aze", True),
        ("ab[^c]", "abc", False),
        ("[a-ζ]*", "α", True),
        ("*[a-ζ]", "A", False),
        ("[\\]a]", "]", True),
        ("[x\\-]", "-", True),
        ("[x\\-]", "z", False),
        ("[xy]z", "yz", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "ab", False),
        ("a\\\\", "a\\", True),
        # order, taking back, comments, blanks
        ("docs\n!docs/README.md", "docs/README.md", False),
        ("docs\n!docs/README.md", "docs/other", True),
        ("!docs/README.md\ndocs", "docs/README.md", True),
        ("docs/*\n! /docs/README.md", "docs/README.md", False),
        ("**\n!util/web\nutil/web/foo", "util/web/foo", True),
        ("**\n!util/web\nutil/web/foo", "util/web/bar", False),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", True),
        ("*.md\n!README*.md\nREADME-secret.md", "README-x.md", False),
        ("# a\n\n  \na", "a", True),
        ("# a", "# a", False),
        (" # a", "# a", True),
        ("\ufeffa", "a", True),
        ("  a  \r\nb", "a", True),
        ("", "a", False),
    ],
)
def test_rules(text: str, path: str, *, expected: bool) -> None:
    assert ignored(parse(text), path) is expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n!", 2),
        ("!  ", 1),
        ("[", 1),
        ("a\n\nb[", 3),
        ("[^", 1),
        ("[^bc", 1),
        ("[]a]", 1),
        ("[-]", 1),
        ("[x-]", 1),
        ("[-x]", 1),
        ("[a-b-c]", 1),
        ("[a-", 1),
        ("a\\", 1),
        ("[a\\", 1),
        ("a\n" * (MAX_PATTERNS + 1), MAX_PATTERNS + 1),
    ],
)
def test_mistakes_name_their_line(text: str, line: int) -> None:
    with pytest.raises(Invalid) as raised:
        parse(text)
    assert raised.value.code == "bad_dockerignore"
    assert f"line {line}" in raised.value.message


@pytest.mark.parametrize(
    ("text", "directory", "expected"),
    [
        ("a", "a", False),
        ("a\n!a/b", "a", True),
        ("a\n!a/b/c", "a/b", True),
        ("a\n!ab", "a", False),
        ("*\n!**/keep", "a", True),
        ("*\n!src/**/x", "node_modules", False),
        ("*\n!src/**/x", "src", True),
        ("*\n!src/**/x", "src/deep", True),
        ("*\n!*.txt", "a", True),
    ],
)
def test_where_a_walk_must_go_on(text: str, directory: str, *, expected: bool) -> None:
    assert parse(text).may_keep_below(directory) is expected


def test_hostile_patterns_cost_little() -> None:
    pattern = "**/" + "*a" * 100 + "/**/" * 50 + "?*" * 100 + "[^z]b"
    rules = parse(pattern)
    started = time.perf_counter()
    for number in range(5):
        assert not rules.judge("a/" * 500 + "a" * 500 + str(number)).ignored
    assert time.perf_counter() - started < 5


names = st.text(alphabet="ab.*", min_size=1, max_size=3).filter(
    lambda name: name not in (".", "..")
)
paths = st.lists(names, min_size=1, max_size=4).map("/".join)


@settings(deadline=None)
@given(
    lines=st.lists(st.text(alphabet="ab.*?/!", max_size=8), max_size=5),
    path=paths,
)
def test_skipping_a_directory_loses_nothing(lines: list[str], path: str) -> None:
    try:
        rules = parse("\n".join(lines))
    except Invalid:
        return
    parent = posixpath.dirname(path)
    if parent and ignored(rules, parent) and not ignored(rules, path):
        assert rules.may_keep_below(parent)
