"""Sources for the tests, as names and texts."""

from collections.abc import Iterator, Mapping

from paas.core.languages import detect
from paas.core.languages.facts import Facts, Kind, survey
from paas.core.languages.plan import Plan


class Tree:
    """Files by path as a folder; a path that ends in `@` is a link."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = files
        self.read: list[str] = []

    def entries(self, path: str) -> Iterator[tuple[str, Kind]]:
        start = f"{path}/" if path else ""
        inside = (name.removeprefix(start) for name in self._files if name.startswith(start))
        kinds = {name.partition("/")[0]: "/" in name for name in inside}
        for name, folder in sorted(kinds.items()):
            kind = Kind.FOLDER if folder else Kind.OTHER if name.endswith("@") else Kind.FILE
            yield name.removesuffix("@"), kind

    def text(self, path: str, limit: int) -> str:
        self.read.append(path)
        return self._files[path][:limit]


def facts(*names: str, **texts: str) -> Facts:
    """Empty files and, with `__` for a slash and `_` for the dot, files with a text."""
    return survey(Tree({**dict.fromkeys(names, ""), **_paths(texts)}))


def planned(*names: str, **texts: str) -> Plan:
    """The plan of such a source."""
    return detect.choose(facts(*names, **texts))


def lines(plan: Plan) -> list[str]:
    return plan.dockerfile.splitlines()


def _paths(texts: Mapping[str, str]) -> dict[str, str]:
    """`app__main_py` → `app/main.py`; names with a dot, or without an end, stay."""
    known = {"nvmrc": ".nvmrc"}
    found = {}
    for name, text in texts.items():
        stem, end = name.replace("__", "/"), ""
        if "_" in stem:
            stem, _, end = stem.rpartition("_")
        path = name if "." in name else f"{stem}.{end}".rstrip(".")
        found[known.get(name, path)] = text
    return found
