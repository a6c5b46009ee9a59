"""Images of the engine: looking one up, pulling, removing one of ours.

An image is removed only when it carries the label of this installation, and never by
force: one in use stays.
"""

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from paas.adapters.docker_api import DockerApi, documents
from paas.adapters.docker_config import INSTALLATION
from paas.adapters.docker_errors import image_gone, login_failed, pull_failed
from paas.adapters.docker_facts import image_fact, is_reference, repository
from paas.core.registries import HUB
from paas.core.spec import PinnedImage
from paas.errors import Conflict, Failed, Invalid, NotFound, PaasError, Unavailable
from paas.ports import Credentials, ImageFact

OUR_TAGS = "paas/"
PULL_SECONDS = 3600.0
_ANSWER_SECONDS = 120.0
_HUB_ADDRESS = "https://index.docker.io/v1/"
# Repeated many times a second for each layer.
_NOISE = ("Downloading", "Extracting", "Waiting")


class DockerImages:
    """The images of one engine, as one installation sees them."""

    def __init__(self, api: DockerApi, installation: str) -> None:
        self._api = api
        self._installation = installation

    async def find(self, reference: str) -> ImageFact | None:
        """The local image of that reference, id or digest."""
        item = await self._inspect(checked(reference))
        return None if item is None else image_fact(item, reference=reference)

    async def pull(
        self,
        reference: str,
        *,
        credentials: Credentials | None,
        progress: Callable[[str], None],
    ) -> ImageFact:
        """Fetch it from its registry. See `Engine.pull`."""
        name, tag = repository(checked(reference))
        headers = {} if credentials is None else _login(credentials)
        condenser = LayerProgress(progress)
        try:
            async with asyncio.timeout(PULL_SECONDS):
                await self._receive(reference, {"fromImage": name, "tag": tag}, headers, condenser)
        except TimeoutError as error:
            raise pull_failed(reference, "it took longer than an hour") from error
        found = await self.find(reference)
        if found is None:
            raise pull_failed(reference, "the engine does not hold it after pulling")
        return found

    async def built(self) -> list[ImageFact]:
        """What this installation built, by label and tag: images that somebody built on
        top of ours inherit the label, but not the tag.
        """
        params = {"filters": json.dumps({"label": [f"{INSTALLATION}={self._installation}"]})}
        listed = await self._api.call("GET", "images/json", params=params)
        return [
            ImageFact(
                pin=PinnedImage(reference=tag, id=item["Id"]),
                labels=item.get("Labels") or {},
                size=item.get("Size", 0),
            )
            for item in listed
            for tag in item.get("RepoTags") or []
            if tag.startswith(OUR_TAGS)
        ]

    async def check_login(self, host: str, credentials: Credentials) -> None:
        """See `Engine.check_login`."""
        body = {**_words(credentials), "serveraddress": _address(host)}
        try:
            await self._api.call("POST", "auth", body=body, deadline=_ANSWER_SECONDS)
        except Unavailable:
            raise
        except PaasError as error:
            raise login_failed(host, error) from error

    async def tag(self, image: str, tag: str) -> None:
        """See `Engine.tag_image`."""
        name, label = repository(checked(tag))
        params = {"repo": name, "tag": label}
        try:
            await self._api.call("POST", f"images/{checked(image)}/tag", params=params)
        except NotFound as error:
            raise image_gone(image) from error

    async def remove(self, tag: str) -> None:
        """Take a tag of ours off an image that we built, which removes an image without
        other tags; anything else, and an image in use, is left alone.
        """
        item = await self._inspect(checked(tag)) if tag.startswith(OUR_TAGS) else None
        labels = ((item or {}).get("Config") or {}).get("Labels") or {}
        if labels.get(INSTALLATION) == self._installation:
            with suppress(NotFound, Conflict):
                await self._api.call("DELETE", f"images/{tag}", deadline=_ANSWER_SECONDS)

    async def _inspect(self, reference: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = await self._api.call("GET", f"images/{reference}/json")
        except NotFound:
            return None
        return found

    async def _receive(
        self,
        reference: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        condenser: "LayerProgress",
    ) -> None:
        request = self._api.stream(
            "POST", "images/create", params=params, headers=headers, deadline=_ANSWER_SECONDS
        )
        try:
            async with request as response:
                async for document in documents(response):
                    if "error" in document:
                        raise Failed(str(document["error"]))
                    condenser.feed(document)
        except Unavailable:
            raise
        except PaasError as error:
            raise pull_failed(reference, error.message) from error


class LayerProgress:
    """Condenses the engine's pull messages to one line for each change of a layer."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self._progress = progress
        self._layers: dict[str, str] = {}

    def feed(self, document: Mapping[str, Any]) -> None:
        status, layer = str(document.get("status", "")), str(document.get("id", ""))
        if not status or status.startswith(_NOISE) or self._layers.get(layer) == status:
            return
        if layer:
            self._layers[layer] = status
        self._progress(f"{layer}: {status}" if layer else status)


def checked(reference: str) -> str:
    """The reference itself. Raises `Invalid` (`invalid_image`) if it cannot be one."""
    if not is_reference(reference):
        raise Invalid(
            f"{reference!r} cannot name an image.",
            code="invalid_image",
            advice="Write it as registry/name:tag or registry/name@sha256:….",
        )
    return reference


def _login(credentials: Credentials) -> dict[str, str]:
    login = json.dumps(_words(credentials)).encode()
    return {"X-Registry-Auth": base64.urlsafe_b64encode(login).decode()}


def _words(credentials: Credentials) -> dict[str, str]:
    return {"username": credentials.user, "password": credentials.password}


def _address(host: str) -> str:
    """As the engine calls the registry; Docker Hub has an older name there."""
    return _HUB_ADDRESS if host == HUB else host
