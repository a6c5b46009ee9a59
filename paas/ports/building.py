"""From a source to an image."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from paas.core.languages.facts import Facts
from paas.ports.engine import Credentials, ImageFact


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpec:
    """One build: `root` is the unpacked source, paths are inside it, `tag` is ours.

    `labels` come on top of the installation's own; each costs the build a step. `secrets`
    are in clear text, for `RUN --mount=type=secret,id=…` only; `registries` are logins by
    registry host (`docker.io` for Docker Hub), for the images that the Dockerfile names.
    """

    root: Path
    dockerfile: str
    build_dir: str
    tag: str
    timeout: float
    labels: Mapping[str, str] = field(default_factory=dict)
    args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    registries: Mapping[str, Credentials] = field(default_factory=dict, repr=False)
    memory: int | None = None
    cpu: float | None = None


class Builder(Protocol):
    """Turns a source directory into an image of the engine."""

    async def build(self, spec: BuildSpec, *, progress: Callable[[str], None]) -> ImageFact:
        """Build with live output lines. Cancelling ends the build in the engine.
        Raises `Invalid` (`no_dockerfile`, …), `Failed` (`build_failed`), `Unavailable`.
        """


class Unpacker(Protocol):
    """Turns an untrusted upload into a directory."""

    async def unpack(self, archive: Path, into: Path) -> None:
        """Unpack a zip, tar or tar.gz into the new directory `into`; a refusal leaves
        nothing. Raises `Invalid` naming the entry, `TooLarge`, `Unavailable` (`disk_full`).
        """


class Sources(Protocol):
    """Looks at sources and adds to them. Nothing outside of `root` is read or written."""

    async def survey(self, root: Path, *, build_dir: str) -> Facts | None:
        """What tells the language of the source, or None when it has a Dockerfile.
        Raises `Invalid` (`bad_build_dir`, `bad_dockerignore`), `Failed`.
        """

    async def add(self, root: Path, files: Mapping[str, str], *, build_dir: str) -> None:
        """Write files into the build directory; those that are there stay as they are."""

    async def hello(self, root: Path, *, architecture: str) -> None:
        """Make `root` the source of the hello image for an engine's architecture.
        Raises `Failed` (`no_hello`).
        """
