"""What the engine's JSON says, as our values. Pure."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from paas.adapters.docker_config import INSTALLATION, KIND, REPLICA, SERVICE, VERSION, VERSION_ID
from paas.adapters.docker_errors import explain_exit
from paas.core.spec import PinnedImage
from paas.ports import ContainerState, ImageFact, ReplicaFact, Usage

_STATES = {
    "created": ContainerState.CREATED,
    "running": ContainerState.RUNNING,
    "restarting": ContainerState.RUNNING,
    "paused": ContainerState.PAUSED,
}
_RUNNING = (ContainerState.RUNNING, ContainerState.PAUSED)
_NEVER = "0001-"
_REFERENCE = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/@+-]{0,511}")


def is_replica(labels: Mapping[str, str] | None, installation: str) -> bool:
    """Whether a container with these labels is a replica of this installation."""
    found = labels or {}
    return found.get(INSTALLATION) == installation and found.get(KIND) == REPLICA


def listed_replica(item: Mapping[str, Any], *, network: str) -> ReplicaFact:
    """A replica from `GET /containers/json`: without exit code, error, start time and limit."""
    state = _STATES.get(item["State"], ContainerState.EXITED)
    labels = item["Labels"]
    return ReplicaFact(
        id=item["Id"],
        service=labels.get(SERVICE, ""),
        version=labels.get(VERSION, ""),
        version_id=labels.get(VERSION_ID, ""),
        state=state,
        host=_host(item, network) if state in _RUNNING else None,
    )


def inspected_replica(item: Mapping[str, Any], *, network: str) -> ReplicaFact:
    """A replica from `GET /containers/{id}/json`."""
    found = item["State"]
    state = _STATES.get(found["Status"], ContainerState.EXITED)
    labels = item["Config"]["Labels"] or {}
    return ReplicaFact(
        id=item["Id"],
        service=labels.get(SERVICE, ""),
        version=labels.get(VERSION, ""),
        version_id=labels.get(VERSION_ID, ""),
        state=state,
        host=_host(item, network) if state in _RUNNING else None,
        exit_code=found["ExitCode"] if state is ContainerState.EXITED else None,
        oom_killed=bool(found.get("OOMKilled")),
        started=engine_time(found.get("StartedAt", "")),
        cpu=item["HostConfig"]["NanoCpus"] / 1e9 or None,
        error=found.get("Error") or explain_exit(found["ExitCode"], item.get("Path", "")),
    )


def sampled_usage(said: Mapping[str, Any]) -> Usage | None:
    """A replica's use from `GET /containers/{id}/stats`; None when it does not run."""
    memory = said.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    cpu = said["cpu_stats"]
    return Usage(
        cpu=cpu["cpu_usage"]["total_usage"] / 1e9,
        memory=max(0, memory["usage"] - cache),
        throttled=(cpu.get("throttling_data") or {}).get("throttled_periods", 0),
    )


def image_fact(item: Mapping[str, Any], *, reference: str) -> ImageFact:
    """An image from `GET /images/{name}/json`; `reference` is what people call it."""
    config = item.get("Config") or {}
    exposed = config.get("ExposedPorts") or {}
    ports = (entry.partition("/") for entry in exposed)
    return ImageFact(
        pin=PinnedImage(
            reference=reference,
            id=item["Id"],
            digest=_digest(item.get("RepoDigests") or [], reference),
        ),
        ports=tuple(sorted({int(port) for port, _, kind in ports if kind in ("", "tcp")})),
        labels=dict(config.get("Labels") or {}),
        size=item.get("Size", 0),
    )


def engine_time(text: str) -> float | None:
    """Seconds since the epoch of an RFC 3339 time; None for the engine's "never"."""
    if not text or text.startswith(_NEVER):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def repository(reference: str) -> tuple[str, str]:
    """The name and the tag or digest of a reference; the tag is `latest` by default."""
    name, at, digest = reference.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return head + slash + last, digest if at else tag or "latest"


def is_reference(text: str) -> bool:
    """Whether the text can name an image; nothing else may enter a request's path."""
    return bool(_REFERENCE.fullmatch(text)) and ".." not in text and "//" not in text


def _host(item: Mapping[str, Any], network: str) -> str | None:
    networks = (item.get("NetworkSettings") or {}).get("Networks") or {}
    return (networks.get(network) or {}).get("IPAddress") or None


def _digest(digests: list[str], reference: str) -> str | None:
    """The registry digest under the name it was asked by, else any."""
    name = repository(reference)[0]
    own = (digest for digest in digests if digest.partition("@")[0] == name)
    return next(own, digests[0] if digests else None)
