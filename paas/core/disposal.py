"""What of the engine's disk may go: a pure plan over what is there and who needs it.

Nothing is in the plan but images that carry our label and one of our tags, and what is
written down as ours (`holdings`). Of those, nothing that a version needs, that a container
was made from, that bears a name of somebody else, or that an image outside of the plan was
made on top of. The order is that in which it can be carried out.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from paas.core.holdings import Held, Holding
from paas.core.stock import (
    CacheRecord,
    Stock,
    StoredImage,
    built_for,
    built_service,
    is_built,
    short_id,
)

MADE_WITHIN = 600.0
"""Seconds between an image's making and the line of output that told of it, at most."""


class Kind(StrEnum):
    """What takes room. LAYER and CACHE are the cache of builds, together bounded."""

    IMAGE = "image"
    LAYER = "layer"
    CACHE = "cache"
    LOG = "log"
    DEPLOYMENT = "deployment"
    UPLOAD = "upload"
    BUILD = "build"
    REPOSITORY = "repository"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leftover:
    """Something that may go, and why. `bytes` are what that frees; `names` are the references
    that an image was pulled by.
    """

    kind: Kind
    id: str
    bytes: int
    reason: str
    service: str = ""
    names: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What versions need: their ids with their service, the ids of their images, and the
    references of those whose image is still being fetched.
    """

    versions: Mapping[str, str] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    references: frozenset[str] = frozenset()


def unneeded(
    stock: Stock, holdings: Sequence[Holding], needs: Needs, *, cache_limit: int | None
) -> tuple[Leftover, ...]:
    """Everything of ours on the engine that may go. `cache_limit` bytes of cache stay, all of
    it with None.
    """
    planning = _Planning(stock, holdings, needs)
    images = tuple(planning.images())
    return images if cache_limit is None else (*images, *planning.cache(cache_limit))


def gone(stock: Stock, holdings: Iterable[Holding], *, with_cache: bool) -> list[Holding]:
    """Those that the engine has no more."""
    images = {image.id for image in stock.images}
    layers = {short_id(image) for image in images}
    records = {record.id for record in stock.cache}
    known = {Held.LAYER: layers, Held.PULLED: images, Held.CACHE: records}
    return [
        one
        for one in holdings
        if one.id not in known[one.kind] and (with_cache or one.kind is not Held.CACHE)
    ]


def awaited(stock: Stock, needs: Needs) -> bool:
    """Whether an image may go as soon as its last containers have gone."""
    return any(image.id in stock.in_use and _unneeded_tags(image, needs) for image in stock.images)


class _Planning:
    """Takes away what may go, one after the other, as the engine would."""

    def __init__(self, stock: Stock, holdings: Sequence[Holding], needs: Needs) -> None:
        self._stock = stock
        self._needs = needs
        self._images = {image.id: image for image in stock.images}
        self._children: defaultdict[str, set[str]] = defaultdict(set)
        for image in stock.images:
            if image.parent:
                self._children[image.parent].add(image.id)
        self._layers = {one.id: one for one in holdings if one.kind is Held.LAYER}
        self._records = {one.id: one for one in holdings if one.kind is Held.CACHE}
        self._pulled: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for one in holdings:
            if one.kind is Held.PULLED:
                self._pulled[one.id][one.name] = one.service

    def images(self) -> Iterable[Leftover]:
        """Images with names, then what becomes free below them: the newest first."""
        for image in sorted(self._stock.images, key=lambda one: -one.created):
            if image.names or image.digests or image.id in self._pulled:
                yield from self._built(image)
                yield from self._fetched(image)

    def cache(self, limit: int) -> Iterable[Leftover]:
        """What exceeds the limit, the least recently used first, never from below others."""
        leaves: dict[str, _Cached] = {**self._free_layers(), **self._free_records()}
        total = sum(one.bytes for one in leaves.values()) + self._busy_bytes()
        reason = "the cache of builds is full" if limit else "no cache of builds is kept"
        while total > limit and (free := _tops(leaves)):
            oldest = min(free, key=lambda one: (one.age, one.id))
            del leaves[oldest.id]
            total -= oldest.bytes
            yield Leftover(
                kind=oldest.kind,
                id=oldest.id,
                bytes=oldest.bytes,
                service=oldest.service,
                reason=reason,
            )

    def _built(self, image: StoredImage) -> Iterable[Leftover]:
        tags = _unneeded_tags(image, self._needs)
        last_names = set(tags) == set(image.names)
        if last_names and self._is_held(image):
            return
        whole = last_names and not image.digests and self._loose(image)
        for tag in tags:
            last = whole and tag == tags[-1]
            yield Leftover(
                kind=Kind.IMAGE,
                id=tag,
                bytes=self._own(image) if last else 0,
                service=built_service(tag),
                reason="no version needs it",
            )
        if tags and whole:
            self._take(image)

    def _fetched(self, image: StoredImage) -> Iterable[Leftover]:
        names = self._pulled.get(image.id, {})
        repositories = {_repository(name) for name in names}
        foreign = set(image.names) - names.keys() or [
            digest for digest in image.digests if _repository(digest) not in repositories
        ]
        needed = image.id in self._needs.images or self._needs.references & names.keys()
        if not names or foreign or needed or not self._loose(image):
            return
        yield Leftover(
            kind=Kind.IMAGE,
            id=image.id,
            bytes=self._own(image),
            service=next(iter(names.values())),
            names=frozenset(names),
            reason=f"no version needs {min(names)} any more, which was pulled for one",
        )
        self._take(image)

    def _loose(self, image: StoredImage) -> bool:
        """Whether nobody stands on it."""
        return not self._is_held(image) and not self._children[image.id]

    def _is_held(self, image: StoredImage) -> bool:
        return image.id in self._stock.in_use or image.id in self._needs.images

    def _take(self, image: StoredImage) -> None:
        self._children[image.parent].discard(image.id)
        self._images.pop(image.id)

    def _own(self, image: StoredImage) -> int:
        """What its removal frees while what it was made on top of stays."""
        below = self._images.get(image.parent)
        shared = below.size if below is not None else image.shared or 0
        return max(0, image.size - shared)

    def _free_layers(self) -> dict[str, "_Cached"]:
        """Layers of our builds with nothing but such layers above them."""
        ours = {image.id: image for image in self._images.values() if self._is_layer(image)}
        free = dict(ours)
        while bound := [one for one in free if self._children[one] - free.keys()]:
            for one in bound:
                del free[one]
        return {
            image.id: _Cached(
                kind=Kind.LAYER,
                id=image.id,
                bytes=self._own(image),
                age=self._layers[short_id(image.id)].noted,
                service=self._layers[short_id(image.id)].service,
                above=frozenset(self._children[image.id]),
            )
            for image in free.values()
        }

    def _is_layer(self, image: StoredImage) -> bool:
        noted = self._layers.get(short_id(image.id))
        if noted is None or image.names or image.digests:
            return False
        return not self._is_held(image) and abs(noted.noted - image.created) <= MADE_WITHIN

    def _free_records(self) -> dict[str, "_Cached"]:
        """Records of our builds with nothing but such records above them."""
        above: defaultdict[str, set[str]] = defaultdict(set)
        for record in self._stock.cache:
            for parent in record.parents:
                above[parent].add(record.id)
        free = {one.id: one for one in self._stock.cache if self._is_free(one)}
        while bound := [one for one in free if above[one] - free.keys()]:
            for one in bound:
                del free[one]
        return {
            record.id: _Cached(
                kind=Kind.CACHE,
                id=record.id,
                bytes=_record_bytes(record),
                age=record.used or record.created,
                service=self._records[record.id].service,
                above=frozenset(above[record.id]),
            )
            for record in free.values()
        }

    def _is_free(self, record: CacheRecord) -> bool:
        return record.id in self._records and not record.in_use

    def _busy_bytes(self) -> int:
        """Records of ours that a build uses at this moment."""
        busy = (one for one in self._stock.cache if one.id in self._records and one.in_use)
        return sum(_record_bytes(one) for one in busy)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cached:
    """Something that makes builds faster and may go; `above` stands on it."""

    kind: Kind
    id: str
    bytes: int
    age: float
    service: str
    above: frozenset[str]


def _unneeded_tags(image: StoredImage, needs: Needs) -> list[str]:
    """Our tags of an image of ours that were made for versions that are gone."""
    if not image.ours:
        return []
    return [
        name for name in image.names if is_built(name) and built_for(name) not in needs.versions
    ]


def _tops(cached: Mapping[str, _Cached]) -> list[_Cached]:
    """Those that nothing stands on any more."""
    return [one for one in cached.values() if not one.above & cached.keys()]


def _record_bytes(record: CacheRecord) -> int:
    return 0 if record.shared else record.size


def _repository(reference: str) -> str:
    """A reference without tag and digest."""
    name = reference.partition("@")[0]
    head, slash, last = name.rpartition("/")
    return head + slash + last.partition(":")[0]
