"""What of this installation takes room, whose it is, and what of it may go.

Facts are gathered before it is looked at who needs them: what comes meanwhile is not among
the facts, and what is needed meanwhile is seen to be.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from paas.control.catalog import Catalog
from paas.control.holdings import Holdings
from paas.control.logs import deployment_log, version_log
from paas.core.disposal import Kind, Leftover, Needs, awaited, gone, unneeded
from paas.core.holdings import Held, Holding
from paas.core.model import Deployment, VersionStatus
from paas.core.registries import familiar
from paas.core.spec import ImageSource, VersionSource
from paas.core.stock import Stock, built_service, is_built, short_id
from paas.ports import Clock, Disk, Folder, Journal, Storage, Store

UNFINISHED_LIMIT = 10_000
FORGOTTEN = 3600.0
"""Seconds after which an upload that no deployment names is nobody's: none takes that long
without growing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What one service has of one kind. Of images, `shared` are bytes that other images have
    too; each of them counts them.
    """

    service: str
    kind: Kind
    count: int
    bytes: int
    shared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How much is kept: bytes of build cache, and deployments of each service."""

    cache: int
    deployments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """All facts of one moment. `names` are those of the services by their ids."""

    stock: Stock
    counted: bool
    holdings: list[Holding]
    needs: Needs
    logs: Mapping[str, int]
    records: Mapping[str, tuple[str, int]]
    building: bool
    surplus: list[Deployment]
    unfinished: list[Deployment]
    uploads: Folder
    builds: Folder
    repositories: Folder
    names: Mapping[str, str]
    now: float

    def leftovers(self, bounds: Bounds) -> list[Leftover]:
        """All that may go, in the order in which it can."""
        return [
            *unneeded(
                self.stock,
                self.holdings,
                self.needs,
                cache_limit=None if self.building else bounds.cache,
            ),
            *self._logs(),
            *self._files(),
        ]

    @property
    def waiting(self) -> bool:
        """Whether more may go as soon as containers have ended."""
        return awaited(self.stock, self.needs)

    @property
    def vanished(self) -> list[Holding]:
        return gone(self.stock, self.holdings, with_cache=self.counted)

    def uses(self) -> list[Use]:
        """What takes room, by service and kind, the most first."""
        sums = _Sums()
        self._count_images(sums)
        self._count_cache(sums)
        for key, size in self.logs.items():
            sums.add(self._log_service(key), Kind.LOG, size)
        for service, size in self.records.values():
            sums.add(service, Kind.DEPLOYMENT, size)
        owners = {one.upload or "": one.service for one in self.unfinished}
        for name, size in self.uploads.sizes.items():
            sums.add(owners.get(name, ""), Kind.UPLOAD, size)
        owners = {one.id: one.service for one in self.unfinished}
        for name, size in self.builds.sizes.items():
            sums.add(owners.get(name, ""), Kind.BUILD, size)
        for name, size in self.repositories.sizes.items():
            service = self.names.get(name.removesuffix(".git"), "")
            sums.add(service, Kind.REPOSITORY, size)
        return sums.uses()

    def _count_images(self, sums: "_Sums") -> None:
        pulled = {one.id: one.service for one in self.holdings if one.kind is Held.PULLED}
        for image in self.stock.images:
            services = {built_service(name) for name in image.names if is_built(name)}
            owned = services if image.ours else set()
            if not owned and image.id in pulled:
                owned = {self.needs.images.get(image.id, pulled[image.id])}
            for service in owned:
                shared = image.shared or 0
                sums.add(service, Kind.IMAGE, image.size - shared, shared=shared)

    def _count_cache(self, sums: "_Sums") -> None:
        layers = {one.id: one.service for one in self.holdings if one.kind is Held.LAYER}
        records = {one.id: one.service for one in self.holdings if one.kind is Held.CACHE}
        below = {image.parent for image in self.stock.images}
        sizes = {image.id: image.size for image in self.stock.images}
        for image in self.stock.images:
            if short_id(image.id) in layers and not image.names and image.id not in below:
                known = sizes.get(image.parent, image.shared or 0)
                sums.add(layers[short_id(image.id)], Kind.LAYER, max(0, image.size - known))
        for record in self.stock.cache:
            if record.id in records and not record.shared:
                sums.add(records[record.id], Kind.CACHE, record.size)

    def _log_service(self, key: str) -> str:
        folder, _, ident = key.partition("/")
        if folder == "versions":
            return self.needs.versions.get(ident, "")
        return self.records.get(ident, ("", 0))[0]

    def _logs(self) -> Iterable[Leftover]:
        old = {deployment_log(one.id): one for one in self.surplus}
        kept = {version_log(ident) for ident in self.needs.versions}
        kept |= {deployment_log(ident) for ident in self.records} - old.keys()
        for key, size in sorted(self.logs.items()):
            if key not in kept:
                yield Leftover(
                    kind=Kind.LOG,
                    id=key,
                    bytes=size,
                    service=self._log_service(key),
                    reason="newer deployments took its place"
                    if key in old
                    else "its owner is gone",
                )
        for one in self.surplus:
            yield Leftover(
                kind=Kind.DEPLOYMENT,
                id=one.id,
                bytes=self.records.get(one.id, ("", 0))[1],
                service=one.service,
                reason="newer deployments took its place",
            )

    def _files(self) -> Iterable[Leftover]:
        uploads = {one.upload for one in self.unfinished}
        builds = {one.id for one in self.unfinished}
        for name, size in sorted(self.uploads.sizes.items()):
            if name not in uploads and self.uploads.changed[name] < self.now - FORGOTTEN:
                yield Leftover(
                    kind=Kind.UPLOAD, id=name, bytes=size, reason="no deployment needs it"
                )
        for name, size in sorted(self.builds.sizes.items()):
            # While it is unpacked, a source is beside its place: `.<deployment>.<random>`.
            if name.removeprefix(".").partition(".")[0] not in builds:
                yield Leftover(
                    kind=Kind.BUILD, id=name, bytes=size, reason="no deployment needs it"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """Gathers the facts. `data_dir` is the daemon's."""

    storage: Storage
    disk: Disk
    journal: Journal
    store: Store
    catalog: Catalog
    holdings: Holdings
    clock: Clock
    data_dir: Path
    bounds: Bounds

    async def survey(self, *, sizes: bool) -> Survey:
        """With `sizes` the engine counts what images share, and its cache. Raises
        `Unavailable`.
        """
        holdings = self.holdings.all()
        counted = sizes or any(one.kind is Held.CACHE for one in holdings)
        stock = await self.storage.stock(sizes=counted)
        logs = await self.journal.sizes()
        uploads = await self.disk.folder(self.data_dir / "uploads")
        builds = await self.disk.folder(self.data_dir / "builds")
        repositories = await self.disk.folder(self.data_dir / "git")
        surplus = await self.store.surplus(keep=self.bounds.deployments)
        records = await self.store.records()
        unfinished = await self.store.deployments(unfinished=True, limit=UNFINISHED_LIMIT)
        return Survey(
            stock=stock,
            counted=counted,
            holdings=holdings,
            needs=self.needs(),
            logs=logs,
            records=records,
            building=self.holdings.building,
            surplus=surplus,
            unfinished=unfinished,
            uploads=uploads,
            builds=builds,
            repositories=repositories,
            names={one.id: one.name for one in self.catalog.services()},
            now=self.clock.time(),
        )

    def needs(self) -> Needs:
        """What versions need at this moment."""
        versions: dict[str, str] = {}
        images: dict[str, str] = {}
        references: set[str] = set()
        for service in self.catalog.services():
            for version in service.versions:
                versions[version.id] = service.name
                source = version.spec.source
                if version.image is not None:
                    images[version.image.id] = service.name
                elif version.status is not VersionStatus.FAILED:
                    if isinstance(source, ImageSource):
                        references.add(familiar(source.image))
                    elif isinstance(source, VersionSource):
                        images[source.image.id] = service.name
        return Needs(versions=versions, images=images, references=frozenset(references))


@dataclass(slots=True)
class _Sums:
    """Counts, bytes and shared bytes by service and kind."""

    found: defaultdict[tuple[str, Kind], list[int]] = field(
        default_factory=lambda: defaultdict(lambda: [0, 0, 0])
    )

    def add(self, service: str, kind: Kind, size: int, *, shared: int = 0) -> None:
        entry = self.found[service, kind]
        entry[0] += 1
        entry[1] += size
        entry[2] += shared

    def uses(self) -> list[Use]:
        uses = [
            Use(service=service, kind=kind, count=count, bytes=size, shared=shared)
            for (service, kind), (count, size, shared) in self.found.items()
        ]
        return sorted(uses, key=lambda one: (-one.bytes, one.service, one.kind))
