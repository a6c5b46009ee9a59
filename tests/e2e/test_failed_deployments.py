"""Deployments that cannot succeed: why, with what to do, and nothing else is harmed."""

import pytest

from tests.e2e import apps
from tests.e2e.waiting import until
from tests.e2e.world import World

QUICK = {"timeouts": {"start": 2}}


def test_without_a_dockerfile_the_error_lists_the_files(shared: World, service: str) -> None:
    source = apps.Source(files={"shop.py": b"print()", "docs/readme": b"x"})
    ended = shared.fail(service, source)
    error = ended["error"]
    assert error["code"] == "no_dockerfile"
    assert "shop.py" in error["message"] + error["advice"]
    shared.assert_tidy()


def test_a_failing_build_keeps_its_log_and_the_traffic(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    ended = shared.fail(service, _broken_build())
    assert ended["error"]["code"] == "build_failed", ended
    assert ended["version"] == f"{service}-002"
    assert "before it broke" in ended["error"]["log"]
    assert "before it broke" in shared.api.log(ended["id"])
    steps = {step["name"]: step["status"] for step in ended["steps"]}
    assert (steps["fetch"], steps["build"], steps["start"]) == ("succeeded", "failed", "skipped")
    assert shared.body(service) == "one"
    assert shared.api.get(f"/v1/services/{service}/traffic").json["split"] == {
        f"{service}-001": 100
    }
    assert shared.deploy(service, "three")["version"] == f"{service}-003"
    assert shared.body(service) == "three"
    assert len(shared.events(service, "deployment.failed")) == 1
    shared.assert_tidy()


def test_a_number_is_not_used_again(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    shared.fail(service, _broken_build())
    path = f"/v1/services/{service}/versions/{service}-002"
    assert shared.api.delete(path).status == 204
    assert shared.fail(service, _broken_build())["version"] == f"{service}-003"


def test_a_dockerfile_with_a_mistake(shared: World, service: str) -> None:
    ended = shared.fail(service, apps.web("x").plus(Dockerfile="FROM scratch\nBANANA\n"))
    assert ended["error"]["code"] == "bad_dockerfile", ended
    assert "BANANA" in ended["error"]["message"]


def test_a_program_that_ends_at_once(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    ended = shared.fail(service, apps.program("echo last words; exit 7"))
    assert ended["error"]["code"] == "replica_exited", ended
    assert "exit code 7" in ended["error"]["message"]
    assert "last words" in ended["error"]["log"]
    _only_the_old_one_runs(shared, service)


def test_a_command_that_is_not_there(shared: World, service: str) -> None:
    ended = shared.fail(service, apps.web("x"), command=["/no/such/program"])
    assert ended["error"]["code"] in ("start_failed", "replica_exited")
    assert "/no/such/program" in ended["error"]["message"] + ended["error"]["advice"]


def test_a_program_on_another_port(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    source = apps.program("exec httpd -f -p 9999")
    ended = shared.fail(service, source, port=8000, **QUICK)
    assert ended["error"]["code"] == "not_listening", ended
    assert "8000" in ended["error"]["message"]
    assert "9999" in ended["error"]["message"]
    _only_the_old_one_runs(shared, service)


def test_a_program_that_never_listens(shared: World, service: str) -> None:
    shared.deploy(service, "one")
    ended = shared.fail(service, apps.program("echo i wait; exec sleep 1000"), **QUICK)
    assert ended["error"]["code"] == "not_listening", ended
    assert "2 s" in ended["error"]["message"]
    assert "i wait" in ended["error"]["log"]
    check = next(step for step in ended["steps"] if step["name"] == "check")
    assert check["status"] == "failed"
    assert 1.5 < check["seconds"] < 6
    _only_the_old_one_runs(shared, service)


def test_a_probe_that_never_passes(shared: World, service: str) -> None:
    ended = shared.fail(service, apps.web("x"), probe={"http": "/missing"}, **QUICK)
    assert ended["error"]["code"] == "probe_failed", ended
    assert "/missing" in ended["error"]["message"]


def test_an_http_probe_that_passes(shared: World, service: str) -> None:
    shared.deploy(service, "probed", probe={"http": "/index.html"})
    assert shared.body(service) == "probed"


def test_too_much_memory(shared: World, service: str) -> None:
    hungry = "exec dd if=/dev/zero of=/dev/null bs=64M count=1"
    ended = shared.fail(service, apps.program(hungry), memory="16MiB")
    assert ended["error"]["code"] == "out_of_memory", ended
    assert "16MiB" in ended["error"]["message"].replace(" ", "")


def test_an_image_that_nobody_has(shared: World, service: str) -> None:
    request = {"create": True, "source": {"type": "image", "image": "127.0.0.1:9/none:1"}}
    answer = shared.api.post(f"/v1/services/{service}/deployments", request)
    assert answer.status == 202, answer.text
    ended = shared.api.ended(answer.json["id"])
    assert (ended["status"], ended["error"]["code"]) == ("failed", "pull_failed")
    assert ended["error"]["advice"]


@pytest.mark.parametrize("dockerfile", ["../Dockerfile", "/etc/passwd"])
def test_a_dockerfile_outside_the_source(shared: World, service: str, dockerfile: str) -> None:
    answer = shared.api.upload(service, apps.web("x").targz(), dockerfile=dockerfile)
    assert answer.status == 422, answer.text
    assert [error["field"] for error in answer.json["errors"]] == ["dockerfile"]
    shared.assert_tidy()


def _broken_build() -> apps.Source:
    return apps.web("x", build='RUN ["sh", "-c", "echo before it broke; exit 3"]')


def _only_the_old_one_runs(shared: World, service: str) -> None:
    assert shared.body(service) == "one"
    until(lambda: len(shared.containers(service)) == 1, "the failed replica is removed")
    assert shared.api.version(f"{service}-001")["weight"] == 100
