"""What a Docker Engine keeps on its disk: images of every owner, and BuildKit's cache.

Removal is by id or by tag, never by force and never with what lies below: the engine
refuses what a container uses, what other images were made on top of, and what has names
in several repositories.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from paas.adapters.docker_api import DockerApi
from paas.adapters.docker_config import INSTALLATION
from paas.adapters.docker_facts import engine_time
from paas.adapters.docker_images import checked
from paas.core.stock import CacheRecord, Stock, StoredImage
from paas.errors import Conflict, Failed, NotFound

LIST_SECONDS = 60.0
COUNT_SECONDS = 300.0
BUSY_PAUSE = 0.2
REMOVE_SECONDS = 120.0
_BUSY = "already running"
_NONE = "<none>"
_LOCAL = "unix://"


class DockerStorage:
    """The `Storage` of one engine, as one installation sees it."""

    def __init__(self, api: DockerApi, installation: str) -> None:
        self._api = api
        self._installation = installation

    async def root(self) -> Path | None:
        if not self._api.host.startswith(_LOCAL):
            return None
        said = await self._api.call("GET", "info")
        return Path(said["DockerRootDir"]) if said.get("DockerRootDir") else None

    async def stock(self, *, sizes: bool = False) -> Stock:
        images = await self._api.call(
            "GET", "images/json", params={"all": "1"}, deadline=LIST_SECONDS
        )
        containers = await self._api.call("GET", "containers/json", params={"all": "1"})
        counted: Mapping[str, Any] = {}
        if sizes:
            counted = await self._count()
        shared = {
            item["Id"]: max(0, item.get("SharedSize", 0)) for item in counted.get("Images") or ()
        }
        return Stock(
            images=tuple(self._image(item, shared.get(item["Id"])) for item in images),
            cache=tuple(_record(item) for item in counted.get("BuildCache") or ()),
            in_use=frozenset(item["ImageID"] for item in containers),
        )

    async def _count(self) -> Mapping[str, Any]:
        """Engine 20.10 counts for one caller at a time, whoever that is, and refuses others."""
        now = asyncio.get_running_loop().time
        deadline = now() + COUNT_SECONDS
        while True:
            try:
                counted: Mapping[str, Any] = await self._api.call(
                    "GET", "system/df", deadline=COUNT_SECONDS
                )
            except Failed as error:
                if _BUSY not in error.message or now() > deadline:
                    raise
            else:
                return counted
            await asyncio.sleep(BUSY_PAUSE)

    async def discard(self, image: str) -> bool:
        try:
            await self._api.call(
                "DELETE",
                f"images/{checked(image)}",
                params={"noprune": "1"},
                deadline=REMOVE_SECONDS,
            )
        except NotFound:
            return True
        except Conflict:
            return False
        return True

    async def prune(self, record: str) -> int | None:
        filters = json.dumps({"id": {record: True}})
        try:
            said = await self._api.call(
                "POST",
                "build/prune",
                params={"all": "1", "filters": filters},
                deadline=REMOVE_SECONDS,
            )
        except (Failed, Conflict, NotFound):
            return None
        went = record in (said.get("CachesDeleted") or ())
        return int(said.get("SpaceReclaimed", 0)) if went else None

    def _image(self, item: Mapping[str, Any], shared: int | None) -> StoredImage:
        labels = item.get("Labels") or {}
        return StoredImage(
            id=item["Id"],
            created=float(item["Created"]),
            size=item["Size"],
            parent=item.get("ParentId") or "",
            names=_named(item.get("RepoTags")),
            digests=_named(item.get("RepoDigests")),
            ours=labels.get(INSTALLATION) == self._installation,
            shared=shared,
        )


def _named(references: Iterable[str] | None) -> tuple[str, ...]:
    """Without the engine's placeholders for none."""
    return tuple(one for one in references or () if not one.startswith(_NONE))


def _record(item: Mapping[str, Any]) -> CacheRecord:
    """Older engines tell one parent, newer ones all of them."""
    single = item.get("Parent")
    return CacheRecord(
        id=item["ID"],
        size=item["Size"],
        parents=tuple(item.get("Parents") or ([single] if single else [])),
        created=engine_time(item.get("CreatedAt", "")) or 0.0,
        used=engine_time(item.get("LastUsedAt") or "") or 0.0,
        in_use=bool(item.get("InUse")),
        shared=bool(item.get("Shared")),
    )
