"""Which version of a language a project's own files ask for, and the images we know.

`KNOWN` goes from new to old; the first is the default. An image tag for a version that is
not in the list is used all the same when a file names it exactly: the registry knows best.
"""

import re
from collections.abc import Sequence

PYTHON = ("3.13", "3.14", "3.12", "3.11", "3.10", "3.9")
NODE = ("24", "22", "20", "18")
GO = ("1.25",)
JAVA = ("21", "25", "17", "11", "8")
PHP = ("8.4", "8.5", "8.3", "8.2", "8.1", "8.0", "7.4")

LONGEST = 200
"""Characters of a constraint that count."""

_TERM = re.compile(r"(\^|~=|~>|~|>=|<=|===|==|!=|>|<|=)?\s*v?(\d+(?:\.(?:\d+|\*|x))*)")
_EXACT = re.compile(r"(?:python-|v)?(\d{1,4}(?:\.\d{1,4})*)")
_Number = tuple[int, ...]


def pinned(text: str, parts: int) -> str:
    """The version that a file like `.python-version` or `.nvmrc` names, cut to `parts`
    numbers; empty when it names none.
    """
    found = _EXACT.match(text.strip())
    return ".".join(found[1].split(".")[:parts]) if found else ""


def satisfying(constraint: str, known: Sequence[str]) -> str:
    """The first of `known` that the constraint allows (`>=3.11,<3.13`, `^20.1 || 22.x`);
    where it allows none, the version that it begins with, or the default.
    """
    choices = [_terms(part) for part in constraint[:LONGEST].split("||")]
    for version in known:
        if any(all(_holds(_number(version), *term) for term in terms) for terms in choices):
            return version
    first = choices[0][0][1]  # a choice without terms would have allowed everything
    return ".".join(str(number) for number in first[: known[0].count(".") + 1])


def at_least(wanted: str, known: Sequence[str]) -> str:
    """The smallest of `known` that is not below `wanted`; the default without a wish."""
    if not wanted:
        return known[0]
    fitting = [one for one in known if _number(one) >= _number(wanted)]
    return min(fitting, key=_number, default=wanted)


def _terms(text: str) -> list[tuple[str, _Number]]:
    return [
        (operator or "=", _number(re.sub(r"\.[*x].*", "", number)))
        for operator, number in _TERM.findall(text)
    ]


def _holds(version: _Number, operator: str, wanted: _Number) -> bool:
    """Whether some release of `version` (say 3.12) satisfies the term."""
    cut = wanted[: len(version)]
    have = version[: len(cut)]
    match operator:
        case ">=" | ">":
            return have >= cut
        case "<=":
            return have <= cut
        case "<":
            return have < cut or (have == cut and any(wanted[len(version) :]))
        case "!=":
            return have != wanted
        case "^" | "~=" | "~>" | "~":
            return have >= cut and version[0] == wanted[0] and (operator != "~" or have == cut)
        case _:
            return have == cut


def _number(text: str) -> _Number:
    return tuple(int(part) for part in text.split("."))
