"""What a repository's server lists, and what its `.gitmodules` says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from paas.core.git_urls import check_subdir

HEADS = "refs/heads/"
TAGS = "refs/tags/"
MOST_NAMED = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Submodule:
    """A repository inside of another: its place there, its URL as written, its commit."""

    path: str
    url: str
    commit: str


def candidates(ref: str) -> tuple[str, ...]:
    """The full names that `ref` can stand for, best first; a branch goes before a tag."""
    if ref in {"", "HEAD"}:
        return ("HEAD",)
    full = (ref,) if ref.startswith("refs/") else ()
    return (*full, HEADS + ref, TAGS + ref)


def parse_listed(text: str) -> dict[str, str]:
    """The lines of `git ls-remote` as commit by ref."""
    pairs = (line.partition("\t") for line in text.splitlines())
    return {name: commit for commit, tab, name in pairs if tab}


def named(refs: Iterable[str]) -> str:
    """Some branches for an error's text."""
    names = sorted(ref.removeprefix(HEADS) for ref in refs if ref.startswith(HEADS))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def parse_links(listed: str) -> dict[str, str]:
    """The gitlinks of `git ls-tree -r -z` as commit by path."""
    links = {}
    for entry in listed.split("\0"):
        head, _, path = entry.partition("\t")
        if head.startswith("160000 "):
            links[path] = head.split(" ")[2]
    return links


def submodules(config: str, links: Mapping[str, str], *, below: str) -> list[Submodule]:
    """The submodules at or under the directory `below`, with paths relative to it.

    `config` is `git config -z --list` of `.gitmodules`. Gitlinks that it does not name are
    passed over, as git does. Raises `ValueError` whose text completes "must be …".
    """
    values: dict[str, dict[str, str]] = {}
    for entry in config.split("\0"):
        key, _, value = entry.partition("\n")
        section, _, rest = key.partition(".")
        name, _, option = rest.rpartition(".")
        if section == "submodule" and option in {"path", "url"}:
            values.setdefault(name, {})[option] = value
    found = []
    for one in values.values():
        path = one.get("path", "")
        if path not in links or not _is_below(path, below):
            continue
        check_subdir(path)
        inner = path[len(below) :].lstrip("/") if below else path
        found.append(Submodule(path=inner, url=one.get("url", ""), commit=links[path]))
    return sorted(found, key=lambda one: one.path)


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(folder + "/")
