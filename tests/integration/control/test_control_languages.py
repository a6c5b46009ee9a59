"""Sources without a Dockerfile, and the hello image, over the whole control plane."""

from paas.core.model import DeploymentStatus, VersionStatus
from paas.core.spec import ImageSource
from paas.errors import Failed
from tests.integration.control.world import DOCKERFILE, World

PORT = 8080
PYTHON = {"main.py": "print()"}


async def test_a_dockerfile_is_made_shown_used_and_kept(world: World) -> None:
    done = await world.deploy(files=PYTHON, port=None)
    version = world.version("shop-001")
    made = version.generated_dockerfile
    assert "FROM python:" in made
    log = await world.log(done)
    assert any(line.startswith("There is no Dockerfile. This is Python") for line in log)
    assert {f"  {line}" for line in made.splitlines()} <= set(log)
    assert version.port == PORT
    await world.restart()
    assert world.version("shop-001").generated_dockerfile == made
    assert world.rubbish() == []


async def test_it_is_kept_of_a_build_that_fails_too(world: World) -> None:
    world.fake_builder.error = Failed("The build failed.", code="build_failed")
    done = await world.deploy(files=PYTHON)
    assert done.status is DeploymentStatus.FAILED
    version = world.version("shop-001")
    assert version.status is VersionStatus.FAILED
    assert "FROM python:" in version.generated_dockerfile


async def test_a_dockerfile_of_the_source_wins(world: World) -> None:
    await world.deploy(files=PYTHON | DOCKERFILE)
    assert world.version("shop-001").generated_dockerfile == ""


async def test_a_dockerfile_that_was_named_must_be_there(world: World) -> None:
    done = await world.deploy(files=PYTHON, dockerfile="Other")
    assert done.error is not None
    assert (done.error.code, world.version("shop-001").generated_dockerfile) == (
        "no_dockerfile",
        "",
    )


async def test_a_source_that_needs_a_word_more(world: World) -> None:
    done = await world.deploy(files={"package.json": "{}"})
    assert done.error is not None
    assert done.error.code == "unclear_source"
    assert "start" in done.error.advice


async def test_the_hello_image_is_built_here(world: World) -> None:
    done = await world.deploy(image="paas/hello")
    assert done.status is DeploymentStatus.SUCCEEDED, done.error
    version = world.version("shop-001")
    assert version.spec.source == ImageSource(image="paas/hello")
    assert version.image is not None
    assert version.image.reference.startswith("paas/shop:shop-001-")
    assert "Making the hello image for amd64" in await world.log(done)
    assert world.rubbish() == []
