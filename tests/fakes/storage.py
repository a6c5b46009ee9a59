"""A `Storage` over the fake engine's images, and a `Disk` that is as full as the test says."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from paas.adapters.disk import LocalDisk
from paas.core.stock import CacheRecord, Stock, StoredImage, short_id
from paas.core.watermarks import Space
from paas.errors import Unavailable
from paas.ports import Folder, ImageFact
from tests.fakes.engine import OURS, FakeEngine


class FakeStorage:
    """`layers` are images without names, `names` more names of images by id, `cache` the
    records of builds; `discarded` and `pruned` are what went, in order.
    """

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine
        self.layers: dict[str, StoredImage] = {}
        self.names: dict[str, tuple[str, ...]] = {}
        self.created: dict[str, float] = {}
        self.cache: dict[str, CacheRecord] = {}
        self.discarded: list[str] = []
        self.pruned: list[str] = []

    async def root(self) -> Path | None:
        self._check()
        return None

    async def stock(self, *, sizes: bool = False) -> Stock:
        self._check()
        images = [self._stored(fact) for fact in self._engine.images.values()]
        return Stock(
            images=(*images, *self.layers.values()),
            cache=tuple(self.cache.values()) if sizes else (),
            in_use=frozenset(replica.spec.image.id for replica in self._engine.containers.values()),
        )

    async def discard(self, image: str) -> bool:
        stock = await self.stock()
        found = next((one for one in stock.images if _is(one, image)), None)
        if found is None:
            return True
        above = any(one.parent == found.id for one in stock.images)
        if image in found.names and len(found.names) > 1:
            await self._untag(image, found.id)
        elif found.id in stock.in_use or above or len(found.names) > 1:
            return False
        elif self.layers.pop(found.id, None) is None:
            del self._engine.images[found.id]
        self.discarded.append(image)
        return True

    async def prune(self, record: str) -> int | None:
        self._check()
        found = self.cache.get(record)
        above = any(record in one.parents for one in self.cache.values())
        if found is None or found.in_use or above:
            return None
        del self.cache[record]
        self.pruned.append(record)
        return found.size

    async def _untag(self, tag: str, image: str) -> None:
        if tag in self.names.get(image, ()):
            self.names[image] = tuple(one for one in self.names[image] if one != tag)
        elif tag in self._engine.tags:
            del self._engine.tags[tag]
        else:
            await self._engine.remove_image(tag)

    def _stored(self, fact: ImageFact) -> StoredImage:
        ident = fact.pin.id
        tags = [tag for tag, image in self._engine.tags.items() if image == ident]
        return StoredImage(
            id=ident,
            created=self.created.get(ident, 0.0),
            size=fact.size,
            names=(fact.pin.reference, *tags, *self.names.get(ident, ())),
            digests=(fact.pin.digest,) if fact.pin.digest else (),
            ours=OURS.items() <= fact.labels.items(),
            shared=0,
        )

    def _check(self) -> None:
        if self._engine.down:
            raise Unavailable("The Docker Engine cannot be reached.", code="engine_unreachable")


def _is(image: StoredImage, name: str) -> bool:
    return name in (image.id, short_id(image.id), *image.names)


@dataclass(slots=True, kw_only=True)
class FakeDisk:
    """`now` is what it tells of every path; None is a disk that does not answer. Directories
    are the real ones.
    """

    now: Space | None = field(
        default_factory=lambda: Space(path="/", device=1, used=10 << 30, free=90 << 30)
    )
    looks: int = 0
    _files: LocalDisk = field(default_factory=LocalDisk)

    async def space(self, path: Path) -> Space:
        self.looks += 1
        if self.now is None:
            raise Unavailable(f"{path} cannot be looked at.", code="disk_unreadable")
        return replace(self.now, path=str(path))

    async def folder(self, path: Path) -> Folder:
        return await self._files.folder(path)

    async def remove(self, path: Path) -> None:
        await self._files.remove(path)
