import pytest

from paas.api import schema, to_core
from paas.api.fields import checked
from paas.core.spec import ArchiveSource, Probe, ReplicaRange, ScalingRules
from paas.errors import Invalid
from paas.settings import Defaults, Replicas, Scaling

IMAGE = {"source": {"type": "image", "image": "shop:1"}}


def wrong(body: object, model=schema.NewDeployment) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        checked(model, body)
    return {error.field: error.message for error in refused.value.fields}


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
    spec = to_core.version_spec(checked(schema.NewDeployment, IMAGE), defaults)
    assert spec.port is None
    assert (spec.cpu, spec.memory) == (2.0, 2**30)
    assert spec.replicas == ReplicaRange(min=1, max=5)
    assert spec.scaling == ScalingRules(cpu=60.0)
    assert spec.probe == Probe()
    assert spec.command is None


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
    spec = to_core.version_spec(checked(schema.NewDeployment, body), Defaults(), filename="src.zip")
    assert spec.source == ArchiveSource(filename="src.zip")
    assert (spec.port, spec.concurrency, spec.args) == (1, 0, ("a",))
    assert spec.dockerfile == "docker/Dockerfile"
    assert spec.replicas == ReplicaRange(min=2, max=10)
    assert spec.scaling == ScalingRules(memory=80)
    assert spec.timeouts.drain == 0
    assert spec.probe == Probe(http="/up", status=(200, 204))


def test_a_minimum_above_the_default_maximum_is_refused() -> None:
    wanted = checked(schema.NewDeployment, IMAGE | {"replicas": {"min": 11}})
    with pytest.raises(Invalid) as refused:
        to_core.version_spec(wanted, Defaults())
    assert refused.value.fields[0].field == "replicas.min"


def test_credentials_are_kept_out_of_reprs() -> None:
    login = {"user": "me", "password": "hunter2"}
    body = {"source": {"type": "image", "image": "x", "credentials": login}}
    wanted = checked(schema.NewDeployment, body | {"secrets": {"A": "hunter2"}})
    found = to_core.credentials(wanted.source)
    assert found is not None
    assert found.password == "hunter2"
    assert "hunter2" not in repr(wanted) + repr(found)
