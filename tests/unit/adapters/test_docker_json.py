"""What we send to the engine, and what we read out of its answers."""

import pytest

from paas.adapters.docker_config import network_config, replica_config, replica_name
from paas.adapters.docker_errors import explain_exit, login_failed, pull_failed, start_failed
from paas.adapters.docker_facts import (
    engine_time,
    image_fact,
    inspected_replica,
    is_reference,
    is_replica,
    listed_replica,
    repository,
    sampled_usage,
)
from paas.core.spec import PinnedImage
from paas.errors import Denied, Failed, NotFound, PaasError
from paas.ports import ContainerState, ReplicaSpec, Usage

INSTALLATION = "0123456789abcdef"
NETWORK = "paas-01234567"
LABELS = {
    "paas.kind": "replica",
    "paas.installation": INSTALLATION,
    "paas.service": "hello",
    "paas.version": "hello-001",
    "paas.version-id": "v1",
}


def spec(**changes: object) -> ReplicaSpec:
    values: dict[str, object] = {
        "service": "hello",
        "version": "hello-001",
        "version_id": "v1",
        "image": PinnedImage(reference="shop:1", id="sha256:abc"),
        "port": 80,
        "cpu": 0.25,
        "memory": 1 << 20,
        "env": {"A": "1", "B": "x=y z"},
    }
    return ReplicaSpec(**(values | changes))  # type: ignore[arg-type]


def test_a_replica_is_hardened() -> None:
    config = replica_config(spec(), installation=INSTALLATION)
    assert config["Image"] == "sha256:abc"
    assert config["Labels"] == LABELS
    assert config["Env"] == ["A=1", "B=x=y z"]
    assert config["NetworkingConfig"] == {"EndpointsConfig": {NETWORK: {}}}
    assert "Entrypoint" not in config
    assert "Cmd" not in config
    host = config["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert "NET_RAW" not in host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["Memory"] == host["MemorySwap"] == 1 << 20
    assert host["NanoCpus"] == 250_000_000
    assert host["PidsLimit"] == 256
    assert host["Init"] is True
    assert host["Privileged"] is False
    assert host["RestartPolicy"] == {"Name": "no"}
    assert (host["ReadonlyRootfs"], host["Tmpfs"]) == (False, {})
    assert not {"Binds", "PortBindings", "Devices", "Mounts"} & host.keys()


def test_a_read_only_replica_has_scratch_that_fits_into_its_memory() -> None:
    config = replica_config(spec(read_only=True, memory=64 << 20), installation=INSTALLATION)
    host = config["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["Tmpfs"].keys() == {"/run", "/tmp", "/var/tmp"}
    for options in host["Tmpfs"].values():
        assert {"noexec", "nosuid", "nodev", f"size={16 << 20}"} <= set(options.split(","))


def test_command_and_args_mean_what_kubernetes_means() -> None:
    command = replica_config(spec(command=("a", "b")), installation=INSTALLATION)
    assert command["Entrypoint"] == ["a", "b"]
    assert "Cmd" not in command
    args = replica_config(spec(args=("c",)), installation=INSTALLATION)
    assert args["Cmd"] == ["c"]
    assert "Entrypoint" not in args


@pytest.mark.parametrize(("boost", "nano"), [(2.0, 2_000_000_000), (0.1, 250_000_000)])
def test_a_boost_takes_the_limits_place_when_it_is_higher(boost: float, nano: int) -> None:
    host = replica_config(spec(boost=boost), installation=INSTALLATION)["HostConfig"]
    assert host["NanoCpus"] == nano


def test_names_and_network() -> None:
    assert replica_name("hello-001", "0a1b2c") == "paas-hello-001-0a1b2c"
    fresh = network_config(NETWORK, INSTALLATION)
    assert fresh["Name"] == NETWORK
    assert fresh["Options"] == {"com.docker.network.bridge.enable_icc": "false"}
    assert fresh["EnableIPv6"] is False
    assert "IPAM" not in fresh
    again = network_config(NETWORK, INSTALLATION, subnet="10.0.0.0/24", gateway="10.0.0.1")
    assert again["IPAM"] == {"Config": [{"Subnet": "10.0.0.0/24", "Gateway": "10.0.0.1"}]}


@pytest.mark.parametrize(
    ("status", "state", "host"),
    [
        ("created", ContainerState.CREATED, None),
        ("running", ContainerState.RUNNING, "10.0.0.2"),
        ("paused", ContainerState.PAUSED, "10.0.0.2"),
        ("exited", ContainerState.EXITED, None),
        ("dead", ContainerState.EXITED, None),
        ("removing", ContainerState.EXITED, None),
    ],
)
def test_a_listed_replica(status: str, state: ContainerState, host: str | None) -> None:
    networks = {
        "Networks": {NETWORK: {"IPAddress": "10.0.0.2"}, "bridge": {"IPAddress": "9.9.9.9"}}
    }
    item = {"Id": "c1", "State": status, "Labels": LABELS, "NetworkSettings": networks}
    fact = listed_replica(item, network=NETWORK)
    assert (fact.id, fact.version_id, fact.state, fact.host) == ("c1", "v1", state, host)


@pytest.mark.parametrize(("nano", "cpu"), [(250_000_000, 0.25), (0, None)])
def test_an_inspected_replica(nano: int, cpu: float | None) -> None:
    state = {
        "Status": "exited",
        "ExitCode": 137,
        "OOMKilled": True,
        "Error": "",
        "StartedAt": "2026-01-02T03:04:05.123456789Z",
    }
    item = {
        "Id": "c1",
        "State": state,
        "Config": {"Labels": LABELS},
        "HostConfig": {"NanoCpus": nano},
        "Path": "/app",
    }
    fact = inspected_replica(item, network=NETWORK)
    assert (fact.exit_code, fact.oom_killed, fact.error, fact.host) == (137, True, "", None)
    assert fact.started == pytest.approx(1767323045.123456)
    assert fact.cpu == cpu


@pytest.mark.parametrize("cache", ["total_inactive_file", "inactive_file"])
def test_a_sampled_use(cache: str) -> None:
    cpu = {"cpu_usage": {"total_usage": 1_500_000_000}}
    said = {"memory_stats": {"usage": 5000, "stats": {cache: 1000}}, "cpu_stats": cpu}
    assert sampled_usage(said) == Usage(cpu=1.5, memory=4000)
    said["cpu_stats"] = cpu | {"throttling_data": {"throttled_periods": 7}}
    assert sampled_usage(said) == Usage(cpu=1.5, memory=4000, throttled=7)


def test_a_sampled_use_of_what_does_not_run() -> None:
    assert sampled_usage({"memory_stats": {}, "cpu_stats": {}}) is None


def test_whose_container_it_is() -> None:
    assert is_replica(LABELS, INSTALLATION)
    assert not is_replica(LABELS, "other")
    assert not is_replica(None, INSTALLATION)
    assert not is_replica({"paas.installation": INSTALLATION}, INSTALLATION)


def test_an_image() -> None:
    item = {
        "Id": "sha256:abc",
        "RepoDigests": ["other@sha256:1", "reg.example/shop@sha256:2"],
        "Config": {"ExposedPorts": {"80/tcp": {}, "53/udp": {}, "9": {}}, "Labels": None},
        "Size": 5,
    }
    fact = image_fact(item, reference="reg.example/shop:1.4")
    assert fact.ports == (9, 80)
    assert fact.pin.digest == "reg.example/shop@sha256:2"
    assert image_fact({"Id": "x"}, reference="a").pin.digest is None


@pytest.mark.parametrize(
    ("reference", "name", "tag"),
    [
        ("shop", "shop", "latest"),
        ("shop:1", "shop", "1"),
        ("localhost:5000/shop", "localhost:5000/shop", "latest"),
        ("localhost:5000/a/shop:1", "localhost:5000/a/shop", "1"),
        ("shop@sha256:12", "shop", "sha256:12"),
        ("reg:5/shop:1@sha256:12", "reg:5/shop", "sha256:12"),
    ],
)
def test_references(reference: str, name: str, tag: str) -> None:
    assert is_reference(reference)
    assert repository(reference) == (name, tag)


@pytest.mark.parametrize(
    "text", ["", "-a", "../containers/json", "a/../b", "a?x=1", "a#b", "a b", "a\n", "a%2e", "a//b"]
)
def test_what_is_no_reference(text: str) -> None:
    assert not is_reference(text)


def test_times() -> None:
    assert engine_time("0001-01-01T00:00:00Z") is None
    assert engine_time("") is None
    assert engine_time("yesterday") is None
    assert engine_time("1970-01-01T00:00:01Z") == 1.0


OCI = "failed to create shim task: OCI runtime create failed: runc create failed: "


@pytest.mark.parametrize(
    ("message", "part"),
    [
        (OCI + 'exec: "nope": executable file not found in $PATH: unknown', "no program nope"),
        (OCI + 'exec: "/app": stat /app: no such file or directory: unknown', "no program /app"),
        (OCI + 'exec: "/app": permission denied: unknown', "/app"),
        (OCI + "exec /app: exec format error", "processor"),
        ('exec: "docker-init": executable file not found in $PATH', "docker-init"),
        ("No command specified", "what to run"),
        (OCI + "something odd: unknown", "replica: something odd"),
    ],
)
def test_why_a_start_failed(message: str, part: str) -> None:
    error = start_failed(message)
    assert (type(error), error.code) == (Failed, "start_failed")
    assert part in error.message
    assert error.advice
    assert "OCI" not in error.message


@pytest.mark.parametrize(
    ("message", "kind", "code"),
    [
        ("pull access denied for x, repository does not exist", Denied, "pull_denied"),
        ("unauthorized: authentication required", Denied, "pull_denied"),
        ("manifest for x:1 not found: manifest unknown", NotFound, "image_not_found"),
        ('Get "https://r/v2/": dial tcp: lookup r: no such host', Failed, "pull_failed"),
        ("toomanyrequests: slow down", Failed, "pull_failed"),
    ],
)
def test_why_a_pull_failed(message: str, kind: type[PaasError], code: str) -> None:
    error = pull_failed("x:1", message)
    assert (type(error), error.code) == (kind, code)
    assert "x:1" in error.message
    assert error.advice


def test_exit_codes_of_init() -> None:
    assert "/app" in explain_exit(127, "/app")
    assert "/app" in explain_exit(126, "/app")
    assert explain_exit(1, "/app") == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Denied("unauthorized: incorrect username or password"), "login_refused"),
        (
            Failed("login attempt to http://r/v2/ failed with status: 401 Unauthorized"),
            "login_refused",
        ),
        (Failed('Get "https://r/v2/": dial tcp: connection refused'), "registry_unreachable"),
    ],
)
def test_why_a_login_failed(error: PaasError, code: str) -> None:
    told = login_failed("r.example", error)
    assert told.code == code
    assert "r.example" in told.message
    assert told.advice
