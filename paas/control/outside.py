"""All that the control plane needs from outside, in one value."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from paas.control.showcase import MakeCertificate
from paas.ports import (
    Backups,
    Builder,
    Clock,
    Deliveries,
    Disk,
    Doors,
    Engine,
    FigureStore,
    Host,
    ImageSaver,
    Journal,
    LineSink,
    Messenger,
    Office,
    Prober,
    Remotes,
    Repositories,
    Sources,
    Storage,
    Store,
    Unpacker,
    Vault,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Every port of the control plane, with what stands behind it today."""

    engine: Engine
    storage: Storage
    saver: ImageSaver
    backups: Backups
    builder: Builder
    unpacker: Unpacker
    repositories: Repositories
    sources: Sources
    prober: Prober
    vault: Vault
    journal: Journal
    store: Store
    figures: FigureStore
    deliveries: Deliveries
    clock: Clock
    host: Host
    disk: Disk
    doors: Doors
    remotes: Remotes
    office: Office
    use_certificate: MakeCertificate
    drain: LineSink | None = None
    messenger: Messenger | None = None
    engine_calls: Callable[[], Mapping[tuple[str, str], int]] = dict
