"""What an engine keeps on its disk, of every owner, and the names of what is ours."""

from dataclasses import dataclass

BUILT = "paas/"
"""Begins the name of every image that we build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image of the engine, whoever owns it; also those without a name.

    `parent` is the image that it was made on top of, where the engine knows; `names` are its
    tags, `digests` the registry digests it is known by. `size` is all of its layers,
    `shared` what of them other images have too (None: not looked up).
    """

    id: str
    created: float
    size: int
    parent: str = ""
    names: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    ours: bool = False
    shared: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRecord:
    """A record of BuildKit's cache; `shared`: its bytes belong to an image, too."""

    id: str
    size: int
    parents: tuple[str, ...] = ()
    used: float = 0.0
    created: float = 0.0
    in_use: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """All of it, at one moment; `in_use` are ids of images that some container was made from."""

    images: tuple[StoredImage, ...] = ()
    cache: tuple[CacheRecord, ...] = ()
    in_use: frozenset[str] = frozenset()


def is_built(reference: str) -> bool:
    """Whether that is the tag of an image that we built."""
    return reference.startswith(BUILT)


def built_for(tag: str) -> str:
    """The id of the version that an image of ours was built for."""
    return tag.rpartition("-")[2]


def built_service(tag: str) -> str:
    """The service that an image of ours was built for."""
    return tag.removeprefix(BUILT).partition(":")[0]


def short_id(image: str) -> str:
    """An image's id as the classic builder tells it."""
    return image.removeprefix("sha256:")[:12]
