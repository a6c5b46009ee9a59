"""What the control plane needs from outside, as small protocols.

Each has one adapter per client library and, where the real thing is costly, a
fake in `tests/fakes` that passes the same contract suite. Every method raises
only `paas.errors`; every method that waits for something outside has a
deadline of its own inside the adapter.
"""

from paas.ports.access import MasterKey
from paas.ports.backing import Backups, ImageSaver
from paas.ports.building import (
    Builder,
    BuildSpec,
    Sources,
    Unpacker,
)
from paas.ports.certifying import (
    Authority,
    Forge,
    KeptCertificate,
    Keyring,
    NameServers,
    Notes,
    Office,
    Order,
    PendingOrder,
    Proof,
    Request,
    Zone,
)
from paas.ports.draining import LineSink
from paas.ports.engine import (
    Address,
    ContainerState,
    Credentials,
    Engine,
    EngineFact,
    ImageFact,
    Prober,
    ReplicaFact,
    ReplicaSpec,
    Usage,
    nothing,
)
from paas.ports.fetching import GitLogin, Repositories, RepositorySpec
from paas.ports.figures import FigureStore
from paas.ports.keeping import (
    Deliveries,
    Journal,
    Store,
    Vault,
)
from paas.ports.machine import (
    Clock,
    Doors,
    Host,
    HostMemory,
)
from paas.ports.notifying import Messenger
from paas.ports.remotes import Receiving, Remotes
from paas.ports.storage import (
    Disk,
    Folder,
    Storage,
)

__all__ = [
    "Address",
    "Authority",
    "Backups",
    "BuildSpec",
    "Builder",
    "Clock",
    "ContainerState",
    "Credentials",
    "Deliveries",
    "Disk",
    "Doors",
    "Engine",
    "EngineFact",
    "FigureStore",
    "Folder",
    "Forge",
    "GitLogin",
    "Host",
    "HostMemory",
    "ImageFact",
    "ImageSaver",
    "Journal",
    "KeptCertificate",
    "Keyring",
    "LineSink",
    "MasterKey",
    "Messenger",
    "NameServers",
    "Notes",
    "Office",
    "Order",
    "PendingOrder",
    "Prober",
    "Proof",
    "Receiving",
    "Remotes",
    "ReplicaFact",
    "ReplicaSpec",
    "Repositories",
    "RepositorySpec",
    "Request",
    "Sources",
    "Storage",
    "Store",
    "Unpacker",
    "Usage",
    "Vault",
    "Zone",
    "nothing",
]
