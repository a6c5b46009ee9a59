"""What a deployment asks for, as frozen values: source, build, resources, scaling.

Durations are seconds, sizes bytes. Sealed values open with the version's id only.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from paas.core.schedules import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveSource:
    """An uploaded zip, tar or tar.gz; `filename` is what the uploader called it."""

    filename: str = "archive"
    type: Literal["archive"] = "archive"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """An image reference; `credentials` is sealed `user:password` for its registry."""

    image: str
    credentials: bytes | None = field(default=None, repr=False)
    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class GitSource:
    """A repository over https or ssh. `ref` is a branch, tag or commit (empty: the remote's
    HEAD), `subdir` the directory to take. `credentials` is the sealed login for it.
    """

    url: str
    ref: str = ""
    subdir: str = ""
    submodules: bool = False
    lfs: bool = False
    credentials: bytes | None = field(default=None, repr=False)
    type: Literal["git"] = "git"


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedImage:
    """The exact image a version runs.

    `reference` is what people read, `id` the engine's content id (`sha256:…`),
    `digest` the registry digest `name@sha256:…` when it was pulled from one.
    """

    reference: str
    id: str
    digest: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSource:
    """The image of an earlier version of the same service, by that version's name."""

    version: str
    image: PinnedImage
    type: Literal["version"] = "version"


Source = ArchiveSource | GitSource | ImageSource | VersionSource


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicaRange:
    """`schedules` raise the minimum at certain times."""

    min: int = 0
    max: int = 10
    schedules: tuple[Schedule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingRules:
    """Targets per replica; None switches a rule off, the largest answer wins. The highest
    answer of the last `scale_down_delay` seconds counts.
    """

    rps: float | None = None
    concurrency: float | None = None
    cpu: float | None = None
    memory: float | None = None
    scale_down_delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    idle: float = 60.0
    start: float = 60.0
    drain: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """TCP connect when `http` is None, else GET of that path answering one of `status`."""

    http: str | None = None
    status: tuple[int, ...] = (200, 201, 202, 203, 204, 301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionSpec:
    """All that one deployment asks for. `secrets` maps names to sealed values, and so does
    `build_secrets`, which only the build sees. `target` is a stage of the Dockerfile. With
    `read_only` a program can write to nothing but temporary folders.
    """

    source: Source
    port: int | None = None
    dockerfile: str = "Dockerfile"
    build_dir: str = "."
    build_args: Mapping[str, str] = field(default_factory=dict)
    build_secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    target: str = ""
    command: tuple[str, ...] | None = None
    args: tuple[str, ...] | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    cpu: float = 0.5
    memory: int = 512 * 1024 * 1024
    concurrency: int = 80
    read_only: bool = False
    replicas: ReplicaRange = ReplicaRange()
    scaling: ScalingRules = ScalingRules(rps=50)
    timeouts: Timeouts = Timeouts()
    probe: Probe = Probe()
    note: str = ""
