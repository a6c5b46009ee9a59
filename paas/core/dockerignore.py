"""Which files of a build context a `.dockerignore` leaves out. Pure; the engine's rules.

Patterns are anchored at the context's root (`*.txt` is the top level only), `*` and `?`
stay within a path component, `**` spans them, `!` takes back, and the last pattern that
matches a path or one of its parents decides. Matching costs at most the product of the
lengths of pattern and path, whatever the pattern: uploads cannot make it explode.
"""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass

from paas.errors import Invalid

MAX_PATTERNS = 1000
_CODE = "bad_dockerignore"


@dataclass(frozen=True, slots=True)
class Verdict:
    """On one path: whether it is left out, and which patterns matched (a bit for each).

    The verdict on a directory is needed for those on what it holds.
    """

    ignored: bool
    hits: int


ROOT = Verdict(ignored=False, hits=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One line: `glob` in its normal form; `keep` when it was marked with `!`."""

    glob: str
    keep: bool
    matches: Callable[[str], bool]

    @property
    def fixed(self) -> str:
        """The start of the glob that is plain text."""
        return self.glob[: _plain_length(self.glob)]


@dataclass(frozen=True, slots=True, kw_only=True)
class IgnoreRules:
    """The patterns of a file in their order."""

    patterns: tuple[Pattern, ...] = ()

    def judge(self, path: str, parent: Verdict = ROOT) -> Verdict:
        """On a path relative to the context, with `/` between its components.

        `parent` is the verdict on the directory that holds it.
        """
        hits = parent.hits
        for number, pattern in enumerate(self.patterns):
            bit = 1 << number
            if not hits & bit and pattern.matches(path):
                hits |= bit
        ignored = bool(hits) and not self.patterns[hits.bit_length() - 1].keep
        return Verdict(ignored=ignored, hits=hits)

    def may_keep_below(self, directory: str) -> bool:
        """Whether something in an ignored directory can be taken back by a `!` pattern."""
        inside = directory + "/"
        return any(
            pattern.fixed.startswith(inside)
            or (pattern.fixed != pattern.glob and inside.startswith(pattern.fixed))
            for pattern in self.patterns
            if pattern.keep
        )


def parse(text: str) -> IgnoreRules:
    """The rules of a `.dockerignore`. Raises `Invalid` (`bad_dockerignore`), with the line."""
    patterns: list[Pattern] = []
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if line.startswith("#") or not line.strip():
            continue
        patterns.append(_parse_line(line.strip(), number))
        if len(patterns) > MAX_PATTERNS:
            raise _bad(number, f"has more than {MAX_PATTERNS} patterns")
    return IgnoreRules(patterns=tuple(patterns))


def _parse_line(line: str, number: int) -> Pattern:
    keep = line.startswith("!")
    written = line[1:].strip() if keep else line
    if not written:
        raise _bad(number, "has a `!` without a pattern")
    glob = posixpath.normpath(written).lstrip("/") or "/"
    return Pattern(glob=glob, keep=keep, matches=_matcher(glob, number))


def _bad(line: int, problem: str) -> Invalid:
    return Invalid(
        f"The .dockerignore {problem} (line {line}).",
        code=_CODE,
        advice="Correct that line.",
    )


# ---- one pattern

_SPECIAL = "*?[\\"


def _plain_length(glob: str) -> int:
    found = (place for place, letter in enumerate(glob) if letter in _SPECIAL)
    return next(found, len(glob))


def _matcher(glob: str, line: int) -> Callable[[str], bool]:
    """A test for whole paths. Cheap tests of plain text go before the general one."""
    start = _plain_length(glob)
    if start == len(glob):
        return glob.__eq__
    end = _plain_end(glob)
    general = _Automaton(_tokens(glob, line))

    def matches(path: str) -> bool:
        return path.startswith(glob[:start]) and path.endswith(end) and general.accepts(path)

    return matches


def _plain_end(glob: str) -> str:
    """Plain text that every match ends in; empty when that is not simply told."""
    if "\\" in glob or "[" in glob:
        return ""
    tail = glob[max(glob.rfind("*"), glob.rfind("?")) + 1 :]
    return tail.removeprefix("/")  # `**/` matches nothing at all, too


@dataclass(frozen=True, slots=True)
class _One:
    """One character that the test accepts."""

    accepts: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Some:
    """`*`: any number of characters of one component."""


@dataclass(frozen=True, slots=True)
class _All:
    """`**` at the end: anything."""


@dataclass(frozen=True, slots=True)
class _Deep:
    """`**` elsewhere: nothing, or whole directories with their slash."""


_Token = _One | _Some | _All | _Deep


def _tokens(glob: str, line: int) -> list[_Token]:
    tokens: list[_Token] = []
    place = 0
    while place < len(glob):
        letter = glob[place]
        if glob.startswith("**", place):
            place, token = _double_star(glob, place)
        elif letter == "*":
            place, token = place + 1, _Some()
        elif letter == "?":
            place, token = place + 1, _One("/".__ne__)
        elif letter == "[":
            place, token = _class(glob, place, line)
        else:
            place, plain = _character(glob, place, line)
            token = _One(plain.__eq__)
        tokens.append(token)
    return tokens


def _double_star(glob: str, place: int) -> tuple[int, _Token]:
    rest = glob[place + 2 :]
    after = place + 2 + rest.startswith("/")
    if after >= len(glob):
        return after, _All()
    # `**name` is any path that ends in `name`, if nothing else in it is special.
    if place == 0 and after == 2 and _plain_length(rest) == len(rest):
        return after, _All()
    return after, _Deep()


def _character(glob: str, place: int, line: int) -> tuple[int, str]:
    """The character at that place, which a backslash may make plain."""
    if glob[place] != "\\":
        return place + 1, glob[place]
    if place + 1 >= len(glob):
        raise _bad(line, "ends a pattern with a backslash")
    return place + 2, glob[place + 1]


def _class(glob: str, place: int, line: int) -> tuple[int, _Token]:
    """`[a-z]`, `[^a-z]`; backslashes make `-` and `]` plain."""
    place += 1
    negated = glob.startswith("^", place)
    place += negated
    ranges: list[tuple[str, str]] = []
    while not (ranges and glob.startswith("]", place)):
        place, low = _class_character(glob, place, line)
        high = low
        if glob.startswith("-", place):
            place, high = _class_character(glob, place + 1, line)
        ranges.append((low, high))

    def accepts(letter: str) -> bool:
        return any(low <= letter <= high for low, high in ranges) is not negated

    return place + 1, _One(accepts)


def _class_character(glob: str, place: int, line: int) -> tuple[int, str]:
    if place >= len(glob) or glob[place] in "-]":
        raise _bad(line, "has a malformed [ ]")
    return _character(glob, place, line)


class _Automaton:
    """All ways to match at once: bit n of the state says that n tokens are behind us."""

    __slots__ = ("_all", "_deep", "_end", "_optional", "_some", "_start", "_steps", "_tokens")

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._some = self._bits(_Some)
        self._all = self._bits(_All)
        self._deep = self._bits(_Deep)
        self._optional = self._some | self._all | self._deep
        self._end = 1 << len(tokens)
        self._start = self._skipped(1)
        self._steps: dict[str, int] = {}

    def accepts(self, path: str) -> bool:
        state = self._start
        steps = self._steps
        for letter in path:
            if letter not in steps:
                steps[letter] = self._step(letter)
            inside = state & (self._all if letter == "/" else self._some | self._all)
            # Within `**/` only a slash leads on; it can be followed by more of it.
            state = self._skipped((state & steps[letter]) << 1 | inside) | state & self._deep
            if not state:
                return False
        return bool(state & self._end)

    def _step(self, letter: str) -> int:
        """The tokens that this character completes."""
        bits = self._deep if letter == "/" else 0
        for number, token in enumerate(self._tokens):
            if isinstance(token, _One) and token.accepts(letter):
                bits |= 1 << number
        return bits

    def _skipped(self, state: int) -> int:
        """The state with every token passed over that may match nothing."""
        while (wider := state | (state & self._optional) << 1) != state:
            state = wider
        return state

    def _bits(self, kind: type[_Token]) -> int:
        return sum(1 << n for n, token in enumerate(self._tokens) if isinstance(token, kind))
