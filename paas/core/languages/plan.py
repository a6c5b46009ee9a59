"""A plan: which language, why, and the Dockerfile for it. Also how its text is written.

What every generated Dockerfile keeps: it builds with both builders of the engine (no
heredoc, no `# syntax=`, no mounts), its last stage runs as a user without rights and
EXPOSEs the one port that the program gets as `PORT`, and the program is the process that
gets the signals: words where no shell is needed, else a shell that `exec`s it.
"""

import json
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, replace

from paas.errors import FieldError, Invalid

PORT = 8080
"""A user without rights may not be able to listen on 80."""

USER = "10001:10001"
IGNORED = (".git", ".gitignore", "Dockerfile", ".dockerignore", ".env", "*.log")
"""What no image needs, where the source has no `.dockerignore` of its own."""

_SHELL = re.compile(r"[$`\"'\\|&;<>()*?\[\]#~=%{}!]")
_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\]*\"")
_COMPOUND = re.compile(r"[|&;<>()`]|^\s*\w+=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`reason` says what was seen; `ignore` are lines for a `.dockerignore` where there is
    none; `hints` are for the one who deploys.
    """

    language: str
    reason: str
    dockerfile: str
    framework: str = ""
    port: int = PORT
    ignore: tuple[str, ...] = IGNORED
    hints: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """`Python (Flask)`."""
        return f"{self.language} ({self.framework})" if self.framework else self.language


def with_hints(plan: Plan, *hints: str) -> Plan:
    """The plan with more hints."""
    return replace(plan, hints=(*plan.hints, *hints))


def words(*command: str) -> str:
    """A command as the JSON list that Dockerfiles take."""
    return json.dumps(list(command), ensure_ascii=False)


def run(*command: str) -> str:
    return f"RUN {words(*command)}"


def start(command: str) -> str:
    """The `CMD` for a command line as a person writes it: its words where it has no need
    of a shell, else a shell which becomes the program.
    """
    if not needs_shell(command):
        return f"CMD {words(*shlex.split(command))}"
    compound = _COMPOUND.search(_QUOTED.sub("", command))
    return f"CMD {words('sh', '-c', command if compound else f'exec {command}')}"


def needs_shell(command: str) -> bool:
    """Whether anything outside of quotes is for a shell."""
    return bool(_SHELL.search(_QUOTED.sub("", command)))


def last(image: str, *lines: str, command: str, user: str = USER) -> tuple[str, ...]:
    """The last stage: `lines` on top of `image`, then what all of them have."""
    return (f"FROM {image}", *lines, f"USER {user}", f"EXPOSE {PORT}", command)


def dockerfile(title: str, *stages: Iterable[str]) -> str:
    """The text of a Dockerfile; an empty line goes between stages."""
    head = f"# {title}. Made by paas; `paas deploy --eject` writes it out to be changed."
    return "\n\n".join(["\n".join([head, *stages[0]]), *map("\n".join, stages[1:])]) + "\n"


def unclear(message: str, advice: str) -> Invalid:
    """A source that is known but cannot be built without being told more."""
    return Invalid(
        message,
        code="unclear_source",
        advice=f"{advice} A Dockerfile of your own always wins (docs/languages.md).",
        fields=(FieldError(field="dockerfile", message="cannot be made from this source"),),
    )
