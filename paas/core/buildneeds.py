"""What a Dockerfile asks for that only BuildKit can do, and which builder takes it. Pure.

The look is a shallow one, in the Dockerfile's own order: comments, continued lines and the
escape directive are understood, nothing is evaluated. What it misses fails in the build
with the engine's own words.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from paas.errors import Invalid

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_INSTRUCTION = re.compile(r"\s*(?:ONBUILD\s+)?([A-Za-z]+)\s+(.*)", re.DOTALL | re.IGNORECASE)
_FLAG = re.compile(r"--([a-z][a-z-]*)(?:=\S*)?\s*")
_HEREDOC = re.compile(r"(?:^|\s)[0-9]*<<-?([\"']?)([A-Za-z_][A-Za-z0-9_]*)\1")
_OWN_FRONTEND = re.compile(r"(?:(?:docker\.io/)?docker/dockerfile(?:[:@].*)?)?")
_CLASSIC_FLAGS: Mapping[str, frozenset[str]] = {
    "RUN": frozenset(),
    "COPY": frozenset({"from", "chown"}),
    "ADD": frozenset({"chown"}),
}


class BuilderKind(StrEnum):
    """The engine's two builders."""

    BUILDKIT = "buildkit"
    CLASSIC = "classic"


class BuilderChoice(StrEnum):
    """The setting: which builder to take."""

    AUTO = "auto"
    BUILDKIT = "buildkit"
    CLASSIC = "classic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """`flag` and `heredoc` name the first line that needs BuildKit, `syntax` is the frontend
    image that the Dockerfile names. Empty: there is none.
    """

    flag: str = ""
    heredoc: str = ""
    syntax: str = ""

    @property
    def reason(self) -> str:
        """What only BuildKit can do; empty when there is nothing. Docker's own frontend alone
        is no reason: to the classic builder it is a comment, and BuildKit would pull it.
        """
        foreign = "" if _OWN_FRONTEND.fullmatch(self.syntax) else f"# syntax={self.syntax}"
        return self.flag or self.heredoc or foreign


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The builder to take. `fallback`: when BuildKit cannot be used, the classic builder can
    build this too; `why` is what needs BuildKit, for people.
    """

    kind: BuilderKind
    fallback: bool = False
    why: str = ""


def choose(wanted: BuilderChoice, needs: Needs, *, secrets: bool, limited: bool) -> Choice:
    """The builder for a Dockerfile and a setting. `secrets`: the build has some; `limited`:
    memory or processors of builds are limited, which the classic builder alone enforces.
    Raises `Invalid` (`needs_buildkit`).
    """
    must = needs.reason or ("a build secret" if secrets else "")
    if wanted is BuilderChoice.CLASSIC:
        if must:
            raise needs_buildkit(must, "builds.builder is classic")
        return Choice(kind=BuilderKind.CLASSIC)
    if wanted is BuilderChoice.BUILDKIT:
        return Choice(kind=BuilderKind.BUILDKIT, why=must or "builds.builder is buildkit")
    if must or not limited:
        return Choice(kind=BuilderKind.BUILDKIT, fallback=not must, why=must)
    return Choice(kind=BuilderKind.CLASSIC)


def needs_buildkit(what: str, why: str) -> Invalid:
    """The refusal of what the classic builder would have to build."""
    return Invalid(
        f"This build needs BuildKit for {what}, but {why}.",
        code="needs_buildkit",
        advice="Take it out of the Dockerfile and the request, or let builds.builder be auto "
        "on an engine with BuildKit.",
    )


def needs_newer_engine(what: str) -> Invalid:
    """The refusal of what this engine's BuildKit would not understand by itself."""
    return Invalid(
        f"This engine's BuildKit does not know heredocs by itself: {what}.",
        code="needs_newer_engine",
        advice="Write the lines with && and \\, begin the Dockerfile with "
        "`# syntax=docker/dockerfile:1`, or use Docker Engine 23 or newer.",
    )


def read_needs(dockerfile: str) -> Needs:
    """What this Dockerfile needs."""
    lines = dockerfile.removeprefix("\ufeff").splitlines()
    directives = _directives(lines)
    escape = "`" if directives.get("escape") == "`" else "\\"
    flag = heredoc = ""
    for number, text in _instructions(lines, escape):
        match = _INSTRUCTION.fullmatch(text)
        word, rest = (match[1].upper(), match[2]) if match else ("", "")
        if word not in _CLASSIC_FLAGS:
            continue
        used = _flags(rest) - _CLASSIC_FLAGS[word]
        found = _HEREDOC.search(rest)
        if used and not flag:
            flag = f"{word} --{min(used)} (line {number})"
        if found and not heredoc:
            heredoc = f"{word} <<{found[2]} (line {number})"
    return Needs(flag=flag, heredoc=heredoc, syntax=directives.get("syntax", ""))


def _directives(lines: list[str]) -> dict[str, str]:
    """The `# name=value` lines before anything else."""
    found: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            break
        found.setdefault(match[1].lower(), match[2])
    return found


def _instructions(lines: list[str], escape: str) -> Iterator[tuple[int, str]]:
    """Each instruction as one line, with the number of its first."""
    parts: list[str] = []
    first = 0
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        first = first if parts else number
        parts.append(text.removesuffix(escape))
        if not text.endswith(escape):
            yield first, " ".join(parts)
            parts = []
    if parts:
        yield first, " ".join(parts)


def _flags(rest: str) -> set[str]:
    """The names of the flags that an instruction begins with."""
    found: set[str] = set()
    place = 0
    while match := _FLAG.match(rest, place):
        found.add(match[1])
        place = match.end()
    return found
