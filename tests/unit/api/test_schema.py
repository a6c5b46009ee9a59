from dataclasses import replace

import pytest

from paas.api import schema, to_core
from paas.api.fields import checked
from paas.control.usual import usual_spec
from paas.core.model import Version
from paas.core.spec import (
    ArchiveSource,
    PinnedImage,
    Probe,
    ReplicaRange,
    ScalingRules,
    VersionSource,
)
from paas.errors import Invalid
from paas.settings import Defaults, Replicas, Scaling
from tests.builders import spec, version

PIN = PinnedImage(reference="paas/shop:1", id="sha256:1")
IMAGE = {"source": {"type": "image", "image": "shop:1"}}


def wrong(body: object, model=schema.NewDeployment) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        checked(model, body)
    return {error.field: error.message for error in refused.value.fields}


def asked(body: object, defaults: Defaults | None = None, base: Version | None = None):
    wanted = checked(schema.NewDeployment, body)
    source = to_core.source(wanted, filename="src.zip", base=base)
    return to_core.version_spec(wanted, usual_spec(base, defaults or Defaults(), source))


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        "nginx:1.27",
        "registry.example:5000/team/shop_a.b--c:1.4",
        "localhost/x",
        "[::1]:5000/x",
        "x@sha256:" + "a" * 64,
        "x:1@sha256:" + "a" * 64,
        "sha256:" + "a" * 64,
    ],
)
def test_image_references(image: str) -> None:
    assert checked(schema.NewDeployment, {"source": {"type": "image", "image": image}})


@pytest.mark.parametrize(
    "image",
    [
        "",
        "-x",
        "--privileged",
        "a b",
        "a\n",
        "A",
        "x:",
        "x:-1",
        "x@sha256:1",
        "http://x/y",
        "x;id",
        "$(id)",
        "a/../b",
        "x" * 500,
        "ｘ",
        "x\0",
    ],
)
def test_what_is_no_image_reference(image: str) -> None:
    body = {"source": {"type": "image", "image": image}}
    assert "source.image" in wrong(body)


@pytest.mark.parametrize("path", ["/Dockerfile", "../x", "a/../../b", "", "-f", "a\0b", "a\nb"])
def test_paths_stay_inside_the_source(path: str) -> None:
    body = {"source": {"type": "archive"}, "dockerfile": path, "build_dir": path}
    assert wrong(body).keys() == {"dockerfile", "build_dir"}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"port": True}, "port"),
        ({"port": 65536}, "port"),
        ({"port": 10**400}, "port"),
        ({"port": "80"}, "port"),
        ({"cpu": 0.05}, "cpu"),
        ({"cpu": "1"}, "cpu"),
        ({"memory": "1MiB"}, "memory"),
        ({"memory": True}, "memory"),
        ({"memory": -1}, "memory"),
        ({"memory": 10**30}, "memory"),
        ({"env": {"A-B": "x"}}, "env.A-B"),
        ({"env": {"K_SERVICE": "x"}}, "env.K_SERVICE"),
        ({"env": {"A": "a\0b"}}, "env.A"),
        ({"env": {"A": "\ud800"}}, "env.A"),
        ({"env": {"A": 1}}, "env.A"),
        ({"secrets": {"PORT": "x"}}, "secrets.PORT"),
        ({"args": ["a", 1]}, "args.1"),
        ({"args": "a b"}, "args"),
        ({"args": []}, "args"),
        ({"replicas": {"max": 0}}, "replicas.max"),
        ({"scaling": {"rps": 0}}, "scaling.rps"),
        ({"scaling": {"cpu": 101}}, "scaling.cpu"),
        ({"scaling": {"rps": None}}, "scaling"),
        ({"probe": {"http": "healthz"}}, "probe.http"),
        ({"probe": {"http": "/a b"}}, "probe.http"),
        ({"probe": {"http": "/", "status": 99}}, "probe.status.0"),
        ({"probe": {"status": 200}}, "probe.status"),
        ({"timeouts": {"start": 0}}, "timeouts.start"),
        ({"traffic": "some"}, "traffic"),
        ({"note": "x" * 1001}, "note"),
        ({"dockerfile": "D"}, "dockerfile"),
        (
            {"source": {"type": "image", "image": "x", "credentials": {"user": "a:b"}}},
            "source.credentials.user",
        ),
        (
            {"source": {"type": "image", "image": "x", "credentials": {"user": "a"}}},
            "source.credentials.password",
        ),
        ({"source": None}, "source"),
        ({"source": "shop:1"}, "source"),
        ({"source": {"type": 1}}, "source.type"),
    ],
)
def test_wrong_fields_are_named(body: dict[str, object], field: str) -> None:
    found = wrong(IMAGE | body)
    assert field in found
    assert found[field].startswith(("must", "is"))


def test_a_message_never_repeats_what_was_sent() -> None:
    body = IMAGE | {"secrets": {"A": "hunter2\0", "PORT": "hunter2"}}
    assert "hunter2" not in str(wrong(body))


def test_many_mistakes_are_bounded() -> None:
    body = {"split": {f"v{index}": "x" for index in range(900)}}
    assert len(wrong(body, schema.NewSplit)) == 100


def test_what_is_silent_gets_the_host_s_defaults() -> None:
    defaults = Defaults(
        cpu=2.0, memory="1GiB", replicas=Replicas(min=1, max=5), scaling=Scaling(rps=None, cpu=60.0)
    )
    made = asked(IMAGE, defaults)
    assert made.port is None
    assert (made.cpu, made.memory) == (2.0, 2**30)
    assert made.replicas == ReplicaRange(min=1, max=5)
    assert made.scaling == ScalingRules(cpu=60.0)
    assert made.probe == Probe()
    assert made.command is None


def test_what_is_given_wins() -> None:
    body = {
        "source": {"type": "archive"},
        "port": 1,
        "concurrency": 0,
        "dockerfile": "docker/Dockerfile",
        "args": ["a"],
        "replicas": {"min": 2},
        "scaling": {"memory": 80},
        "timeouts": {"drain": 0},
        "probe": {"http": "/up", "status": [200, 204]},
    }
    made = asked(body)
    assert made.source == ArchiveSource(filename="src.zip")
    assert (made.port, made.concurrency, made.args) == (1, 0, ("a",))
    assert made.dockerfile == "docker/Dockerfile"
    assert made.replicas == ReplicaRange(min=2, max=10)
    assert made.scaling == ScalingRules(memory=80)
    assert made.timeouts.drain == 0
    assert made.probe == Probe(http="/up", status=(200, 204))


def test_a_minimum_above_the_default_maximum_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        asked(IMAGE | {"replicas": {"min": 11}})
    assert refused.value.fields[0].field == "replicas.min"


def test_what_is_silent_is_as_in_the_version_before() -> None:
    before = spec(
        port=8080,
        command=("run",),
        env={"A": "1", "B": "2", "C": "3"},
        secrets={"S": b"sealed"},
        cpu=2.0,
        memory=2**28,
        concurrency=7,
        replicas=ReplicaRange(min=2, max=3),
        scaling=ScalingRules(cpu=50),
        probe=Probe(http="/up"),
        note="first",
    )
    again = asked(
        {
            "source": {"type": "version", "version": "shop-001"},
            "env": {"B": None, "D": "4"},
            "secrets": {"C": "x", "S": None},
            "replicas": {"max": 5},
        },
        base=version(spec=before, image=PIN),
    )
    source = VersionSource(version="shop-001", image=PIN)
    same = replace(before, source=source, secrets={}, note="", env={"A": "1", "D": "4"})
    assert again == replace(same, replicas=ReplicaRange(min=2, max=5))


def test_secrets_are_new_ones_and_those_to_leave_behind() -> None:
    body = {"inherit": True, "env": {"A": "1"}, "secrets": {"B": "x", "C": None}}
    found = to_core.secrets(checked(schema.NewDeployment, IMAGE | body))
    assert found == ({"B": "x"}, frozenset({"A", "C"}))


def test_null_needs_something_to_be_taken_from() -> None:
    said = wrong(IMAGE | {"env": {"A": None}, "secrets": {"B": None}})
    assert said.keys() == {"env.A", "secrets.B"}
    assert checked(schema.NewDeployment, IMAGE | {"inherit": True, "env": {"A": None}}).inherit


def test_an_earlier_version_is_not_built() -> None:
    body = {"source": {"type": "version", "version": "shop-001"}, "dockerfile": "Dockerfile"}
    assert wrong(body).keys() == {"dockerfile"}


def test_credentials_are_kept_out_of_reprs() -> None:
    login = {"user": "me", "password": "hunter2"}
    body = {"source": {"type": "image", "image": "x", "credentials": login}}
    wanted = checked(schema.NewDeployment, body | {"secrets": {"A": "hunter2"}})
    found = to_core.credentials(wanted)
    assert found is not None
    assert found.password == "hunter2"
    assert "hunter2" not in repr(wanted) + repr(found)
