"""How code comes in: uploads in every form and images, through to the first answer."""

import re
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.e2e import apps
from tests.e2e.engine import Engine
from tests.e2e.waiting import until
from tests.e2e.world import World

STEPS = ["fetch", "build", "start", "check", "release"]


@pytest.mark.parametrize("form", ["zip", "tar", "targz"])
def test_an_upload_becomes_a_service(shared: World, service: str, form: str) -> None:
    source = apps.web(f"from {form}", build='RUN ["echo", "built here"]')
    archive = getattr(source, form)()
    answer = shared.api.upload(service, archive, filename=f"source.{form}", note="first")
    assert answer.status == 202, answer.text
    assert answer.json["status"] in ("queued", "running")
    ended = shared.api.ended(answer.json["id"])
    assert ended["status"] == "succeeded", shared.api.log(ended["id"])
    assert [step["name"] for step in ended["steps"]] == STEPS
    assert {step["status"] for step in ended["steps"]} == {"succeeded"}
    assert all(step["started"] and step["seconds"] >= 0 for step in ended["steps"])
    version = f"{service}-001"
    assert shared.body(service) == shared.body(version) == f"from {form}"
    read = shared.api.version(version)
    assert (read["status"], read["condition"], read["weight"]) == ("ready", "serving", 100)
    assert (read["port"], read["note"]) == (80, "first")
    assert read["urls"] == [f"http://{version}.localhost:{shared.daemon.proxy_port}/"]
    shared.assert_tidy()


def test_the_log_is_json_text_and_a_stream_that_resumes(shared: World, service: str) -> None:
    build = 'RUN ["sh", "-c", "echo early-line; sleep 1; echo late-line"]'
    accepted = shared.submit(service, apps.web("x", build=build))
    path = f"/v1/deployments/{accepted['id']}/log"
    with shared.api.stream(path) as events:
        live = list(events)
    texts = [event.data for event in live]
    assert any("early-line" in text for text in texts)
    assert any("late-line" in text for text in texts)
    assert live[-1].name == "end"
    assert shared.api.deployment(accepted["id"])["status"] == "succeeded"
    lines = [item["text"] for item in shared.api.items(path)]
    assert "early-line" in lines
    assert shared.api.log(accepted["id"]).splitlines() == lines
    ids = [event.id for event in live if event.id]
    middle = len(ids) // 2
    with shared.api.stream(path, last_id=ids[middle]) as events:
        resumed = [event.id for event in events if event.id]
    assert resumed[: len(ids) - middle - 1] == ids[middle + 1 :]


def test_the_log_streams_while_the_build_runs(shared: World, service: str) -> None:
    build = 'RUN ["sh", "-c", "echo early-line; sleep 3"]'
    accepted = shared.submit(service, apps.web("x", build=build))
    with shared.api.stream(f"/v1/deployments/{accepted['id']}/log") as events:
        seen = next(event for event in islice(events, 100) if "early-line" in event.data)
        assert seen.id
        assert shared.api.deployment(accepted["id"])["status"] == "running"
    assert shared.api.ended(accepted["id"])["status"] == "succeeded"


def test_source_in_a_folder_with_its_own_dockerfile(shared: World, service: str) -> None:
    inner = apps.web("nested")
    files = {f"shop/{name}": content for name, content in inner.files.items()}
    files["shop/Other"] = files.pop("shop/Dockerfile")
    links = {f"shop/{name}": target for name, target in inner.links.items()}
    source = apps.Source(files={"README": b"beside", **files}, links=links)
    shared.succeed(service, source, build_dir="shop", dockerfile="shop/Other")
    assert shared.body(service) == "nested"


def test_ignored_files_stay_out(shared: World, service: str) -> None:
    source = apps.web("x").plus(**{".dockerignore": "*.key\n", "root__www__inner.key": "kept"})
    source = source.plus(**{"top.key": "private"})
    build = "COPY top.key /www/top.key\n"
    dockerfile = source.files["Dockerfile"].decode().replace("CMD", build + "CMD")
    failed = shared.fail(service, source.plus(Dockerfile=dockerfile))
    assert failed["error"]["code"] == "build_failed"
    assert "top.key" in shared.api.log(failed["id"])


@pytest.fixture
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A local image under a name of its own."""
    name = f"paas-e2e-{apps.RUN}/pinned:1"
    build_image(Engine(), name, apps.web("the pinned one").folder(tmp_path_factory.mktemp("one")))
    yield name
    Engine().run("rmi", "-f", name, check=False)


def build_image(engine: Engine, name: str, folder: object) -> None:
    engine.run("build", "-q", "-t", name, str(folder))


def test_a_version_pins_its_image(
    shared: World, service: str, image: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    request = {"create": True, "source": {"type": "image", "image": image}}
    answer = shared.api.post(f"/v1/services/{service}/deployments", request)
    assert answer.status == 202, answer.text
    ended = shared.api.ended(answer.json["id"])
    assert ended["status"] == "succeeded", ended
    version = f"{service}-001"
    read = shared.api.version(version)
    assert read["image"] == image
    assert re.fullmatch("sha256:[0-9a-f]{64}", read["image_id"])
    other = apps.web("another one").folder(tmp_path_factory.mktemp("two"))
    build_image(shared.engine, image, other)
    before = shared.replica(version)
    shared.engine.run("rm", "-f", before)
    until(lambda: before not in shared.containers(service), "the keeper sees it gone")
    until(lambda: shared.get(service).status == 200, "it is repaired")
    assert shared.body(service) == "the pinned one"
    after = shared.replica(version)
    assert after != before
    assert shared.engine.inspect(after)["Image"] == read["image_id"]
