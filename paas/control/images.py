"""From a version's source to a pinned image."""

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from paas.control.build_secrets import reveal_build_secrets
from paas.control.holdings import Holdings
from paas.control.launcher import secret_context
from paas.control.logins import repository_login
from paas.control.registries import Registries
from paas.core.holdings import Held
from paas.core.languages import detect
from paas.core.model import Deployment, Version
from paas.core.registries import familiar
from paas.core.spec import ArchiveSource, GitSource, ImageSource, VersionSource
from paas.core.stock import BUILT, is_built
from paas.errors import Failed, NotFound, PaasError, Unavailable
from paas.ports import (
    Builder,
    BuildSpec,
    Credentials,
    Engine,
    ImageFact,
    Repositories,
    RepositorySpec,
    Sources,
    Unpacker,
    Vault,
)

log = logging.getLogger(__name__)

REGISTRY = "registry"
"""The name under which a version's registry login is sealed."""

HELLO = ("paas/hello", "paas/hello:latest")
"""References that no registry is asked for: the program is part of the daemon, and each
version's image is made of it.
"""

DOCKERFILE = "Dockerfile"

Say = Callable[[str], None]
Revised = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """The stored registry logins, and the list of what we bring onto the engine."""

    registries: Registries
    holdings: Holdings


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Where builds happen, how much they may take, and what is kept of them."""

    uploads: Path
    builds: Path
    timeout: float
    memory: int | None
    cpu: float | None
    upkeep: Upkeep


@dataclass(frozen=True, slots=True, kw_only=True)
class Origins:
    """Who brings a source to this machine, and looks at it here."""

    unpacker: Unpacker
    repositories: Repositories
    sources: Sources


class Images:
    """Fetches sources, builds and pulls. What it makes on disk is under `workshop`."""

    def __init__(
        self,
        *,
        engine: Engine,
        builder: Builder,
        origins: Origins,
        vault: Vault,
        workshop: Workshop,
    ) -> None:
        self._engine = engine
        self._builder = builder
        self._origins = origins
        self._vault = vault
        self._workshop = workshop
        self._upkeep = workshop.upkeep

    async def fetch(
        self, deployment: Deployment, version: Version, say: Say, *, revised: Revised
    ) -> ImageFact | None:
        """The image of an image source, or None when there is now a source to build;
        `revised` is told the commit that it is.
        """
        source = version.spec.source
        match source:
            case ImageSource(image=image) if image in HELLO:
                await self._hello(deployment, say)
                return None
            case ImageSource():
                return await self._image(deployment, version, source, say)
            case VersionSource():
                return await self._again(deployment, version, source, say)
            case GitSource():
                await revised(await self._clone(deployment, version, source, say))
                return None
            case ArchiveSource():
                await self._unpack(deployment, source, say)
                return None

    async def prepare(self, deployment: Deployment, version: Version, say: Say) -> str:
        """The Dockerfile that was added to what `fetch` left; empty when it had one, or one
        was named. Raises `Invalid` (`no_dockerfile`, `unclear_source`, …), `Failed`.
        """
        spec, root = version.spec, self._root(deployment)
        if spec.dockerfile != DOCKERFILE:
            return ""
        facts = await self._origins.sources.survey(root, build_dir=spec.build_dir)
        if facts is None:
            return ""
        plan = await asyncio.to_thread(detect.choose, facts)
        for line in detect.told(plan):
            say(line)
        files = {DOCKERFILE: plan.dockerfile, ".dockerignore": detect.ignore_file(plan)}
        await self._origins.sources.add(root, files, build_dir=spec.build_dir)
        return plan.dockerfile

    async def build(self, deployment: Deployment, version: Version, say: Say) -> ImageFact:
        """The image built from what `fetch` left. Raises as `Builder.build`."""
        spec = BuildSpec(
            root=self._root(deployment),
            dockerfile=version.spec.dockerfile,
            build_dir=version.spec.build_dir,
            tag=image_tag(deployment.service, version),
            timeout=self._workshop.timeout,
            args=version.spec.build_args,
            target=version.spec.target,
            secrets=reveal_build_secrets(self._vault, version),
            memory=self._workshop.memory,
            cpu=self._workshop.cpu,
            registries=self._upkeep.registries.all(),
        )
        async with self._upkeep.holdings.build(deployment.service, say) as heard:
            return await self._builder.build(spec, progress=heard)

    async def clean(self, deployment: Deployment) -> None:
        """Remove the deployment's upload and its unpacked source, in a thread: to give a
        large file's blocks back takes the kernel long enough to be felt by requests.
        """
        await asyncio.to_thread(shutil.rmtree, self._root(deployment), ignore_errors=True)
        if deployment.upload:
            await asyncio.to_thread(self._upload(deployment.upload).unlink, missing_ok=True)

    async def clean_all(self, kept: set[str]) -> None:
        """At start: remove the work of a former daemon but the uploads named in `kept`."""
        await asyncio.to_thread(shutil.rmtree, self._workshop.builds, ignore_errors=True)
        await self._origins.repositories.clean()
        for upload in self._workshop.uploads.glob("*"):
            if upload.name not in kept:
                await asyncio.to_thread(upload.unlink, missing_ok=True)

    async def _unpack(self, deployment: Deployment, source: ArchiveSource, say: Say) -> None:
        archive = self._upload(deployment.upload or "")
        if not deployment.upload or not archive.is_file():
            raise Failed(
                "The uploaded source is no longer there.",
                code="upload_lost",
                advice="Deploy it again.",
            )
        root = self._root(deployment)
        await asyncio.to_thread(shutil.rmtree, root, ignore_errors=True)
        root.parent.mkdir(parents=True, exist_ok=True)
        say(f"Unpacking {source.filename} ({archive.stat().st_size} bytes)")
        await self._origins.unpacker.unpack(archive, root)

    async def _clone(
        self, deployment: Deployment, version: Version, source: GitSource, say: Say
    ) -> str:
        root = self._root(deployment)
        await asyncio.to_thread(shutil.rmtree, root, ignore_errors=True)
        wanted = RepositorySpec(
            url=source.url,
            ref=source.ref,
            subdir=source.subdir,
            submodules=source.submodules,
            lfs=source.lfs,
            login=repository_login(self._vault, version),
        )
        return await self._origins.repositories.fetch(wanted, root, progress=say)

    async def _hello(self, deployment: Deployment, say: Say) -> None:
        root = self._root(deployment)
        await asyncio.to_thread(shutil.rmtree, root, ignore_errors=True)
        architecture = (await self._engine.info()).architecture
        say(f"Making the hello image for {architecture}")
        await self._origins.sources.hello(root, architecture=architecture)

    async def _image(
        self, deployment: Deployment, version: Version, source: ImageSource, say: Say
    ) -> ImageFact:
        """A local image that never came from a registry is taken as it is; others are
        refreshed, and the local one serves when the registry cannot be reached.
        """
        local = await self._engine.image(source.image)
        if local is not None and (local.pin.digest is None or "@sha256:" in source.image):
            say(f"Using the local image {source.image}")
            return local
        try:
            pulled = await self._engine.pull(
                source.image, credentials=self._credentials(version, source), progress=say
            )
        except (Unavailable, Failed, NotFound) as error:
            if local is None:
                raise
            say(f"Could not refresh {source.image} ({error.message}); using the local image")
            return local
        if local is None or local.pin.id != pulled.pin.id:
            name = familiar(source.image)
            self._upkeep.holdings.note(
                Held.PULLED, pulled.pin.id, name=name, service=deployment.service
            )
        return pulled

    async def refetch(self, version: Version) -> bool:
        """Pull the very image of the version that somebody removed; False for one that was
        built here, or that its registry does not give.
        """
        image, source = version.image, version.spec.source
        if image is None or image.digest is None:
            return False
        if isinstance(source, ImageSource):
            login = self._credentials(version, source)
        else:
            login = self._upkeep.registries.login_for(image.reference)
        log.info("image is gone, pulling it again", extra={"version": version.name})
        try:
            await self._engine.pull(image.digest, credentials=login, progress=lambda _line: None)
        except PaasError as error:
            fields = {"version": version.name, "problem": error.message}
            log.warning("image cannot be pulled again", extra=fields)
            return False
        self._upkeep.holdings.note(Held.PULLED, image.id, name=familiar(image.reference))
        return True

    async def _again(
        self, deployment: Deployment, version: Version, source: VersionSource, say: Say
    ) -> ImageFact:
        """The image of an earlier version. One that we built gets a tag of this version's
        own, so that it stays when the earlier one is deleted.
        """
        held = await self._engine.image(source.image.id)
        if held is None:
            raise NotFound(
                f"The image of {source.version} is no longer there.",
                code="image_gone",
                advice="Deploy its source again.",
            )
        say(f"Using the image of {source.version}")
        if not is_built(source.image.reference):
            return replace(held, pin=source.image)
        tag = image_tag(deployment.service, version)
        await self._engine.tag_image(source.image.id, tag)
        return replace(held, pin=replace(source.image, reference=tag))

    def _credentials(self, version: Version, source: ImageSource) -> Credentials | None:
        if source.credentials is None:
            return self._upkeep.registries.login_for(source.image)
        login = self._vault.unseal(secret_context(version.id, REGISTRY), source.credentials)
        user, _, password = login.partition(":")
        return Credentials(user=user, password=password)

    def _root(self, deployment: Deployment) -> Path:
        return self._workshop.builds / deployment.id

    def _upload(self, name: str) -> Path:
        return self._workshop.uploads / name


def image_tag(service: str, version: Version) -> str:
    """The tag of an image that we build; identical sources give one image several."""
    return f"{BUILT}{service}:{version.name}-{version.id}"


def error_lines(error: PaasError) -> list[str]:
    """An error as the last lines of a log."""
    lines = [f"Error: {error.message}"]
    return [*lines, error.advice] if error.advice else lines
