"""What we ask of the engine, as JSON values: replicas, their network, names, labels.

Pure. A replica is unprivileged: it gets a few capabilities, no new privileges,
bounded memory, processor, processes, files and logs, and publishes no port.
"""

from typing import Any

from paas.ports import ReplicaSpec

INSTALLATION = "paas.installation"
SERVICE = "paas.service"
VERSION = "paas.version"
VERSION_ID = "paas.version-id"
# Containers inherit the labels of their image, so that a container somebody runs by hand
# from an image of ours, or a build step on top of one, carries the labels above. This one
# is put on replicas only.
KIND = "paas.kind"
REPLICA = "replica"

PIDS = 256
# Some engines may not raise the limit that they were started with: stay under it.
OPEN_FILES = 16_384
# What an ordinary image needs to begin as root, hand its files to a user, become that
# user, signal its workers and bind port 80. Not here: NET_RAW (spoofing neighbours),
# MKNOD, SETFCAP, SETPCAP, SYS_CHROOT, AUDIT_WRITE, FSETID of the engine's own default.
CAPABILITIES = (
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETUID",
)
# Where programs expect to be able to write, whatever the image says; only with a read-only
# root. Not to run programs from: what an intruder brought along stays data.
SCRATCH = ("/run", "/tmp", "/var/tmp")  # noqa: S108 - inside the container
SCRATCH_PART = 4
"""Each holds at most this part of the memory, of which it is taken: full, it fails a write,
not the replica."""


def replica_config(spec: ReplicaSpec, *, installation: str) -> dict[str, Any]:
    """The body of `POST /containers/create`.

    `command` takes the entrypoint's place and drops the image's own arguments, `args`
    alone replaces only those (as Kubernetes has it). The image's HEALTHCHECK is switched
    off: checks come from the daemon, and each of its runs would start a process.
    """
    network = network_name(installation)
    config: dict[str, Any] = {
        "Image": spec.image.id,
        "Labels": replica_labels(spec, installation=installation),
        "Env": [f"{key}={value}" for key, value in spec.env.items()],
        "Healthcheck": {"Test": ["NONE"]},
        "HostConfig": _host_config(spec, network),
        "NetworkingConfig": {"EndpointsConfig": {network: {}}},
    }
    if spec.command is not None:
        config["Entrypoint"] = list(spec.command)
    if spec.args is not None:
        config["Cmd"] = list(spec.args)
    return config


def replica_labels(spec: ReplicaSpec, *, installation: str) -> dict[str, str]:
    return {
        KIND: REPLICA,
        INSTALLATION: installation,
        SERVICE: spec.service,
        VERSION: spec.version,
        VERSION_ID: spec.version_id,
    }


def replica_filter(installation: str) -> dict[str, list[str]]:
    """The engine's filter for the replicas of this installation."""
    return {"label": [f"{INSTALLATION}={installation}", f"{KIND}={REPLICA}"]}


def replica_name(version: str, suffix: str) -> str:
    """The container's name; `suffix` makes it unique (6 hex digits)."""
    return f"paas-{version}-{suffix}"


def nano_cpus(cpu: float) -> int:
    """A limit in processors as the engine wants it."""
    return round(cpu * 1e9)


def network_name(installation: str) -> str:
    return f"paas-{installation[:8]}"


def build_network_name(installation: str) -> str:
    return f"paas-{installation[:8]}-build"


def network_config(
    name: str, installation: str, *, subnet: str = "", gateway: str = ""
) -> dict[str, Any]:
    """The body of `POST /networks/create`: containers reach the host, not one another.

    With `subnet` and `gateway` a network that was removed by hand comes back where the
    internal addresses already listen.
    """
    config: dict[str, Any] = {
        "Name": name,
        "Driver": "bridge",
        "EnableIPv6": False,  # the firewall's rules are for IPv4
        "CheckDuplicate": True,
        "Labels": {INSTALLATION: installation},
        "Options": {"com.docker.network.bridge.enable_icc": "false"},
    }
    if subnet:
        config["IPAM"] = {"Config": [{"Subnet": subnet, "Gateway": gateway}]}
    return config


def _host_config(spec: ReplicaSpec, network: str) -> dict[str, Any]:
    scratch = f"rw,noexec,nosuid,nodev,mode=1777,size={spec.memory // SCRATCH_PART}"
    return {
        "NetworkMode": network,
        "CapDrop": ["ALL"],
        "CapAdd": list(CAPABILITIES),
        "SecurityOpt": ["no-new-privileges"],
        "Privileged": False,
        "PublishAllPorts": False,
        "Init": True,
        "PidsLimit": PIDS,
        "Memory": spec.memory,
        "MemorySwap": spec.memory,
        "NanoCpus": nano_cpus(max(spec.cpu, spec.boost or 0.0)),
        "Ulimits": [{"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES}],
        "LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "2"}},
        "RestartPolicy": {"Name": "no"},
        "ReadonlyRootfs": spec.read_only,
        "Tmpfs": dict.fromkeys(SCRATCH, scratch) if spec.read_only else {},
    }
