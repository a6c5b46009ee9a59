"""What a program is given and what it is kept from: secrets, limits, privileges."""

from tests.e2e import apps
from tests.e2e.waiting import until
from tests.e2e.world import World

SECRET = "s3cret-value-0d9f4b77"
MIB = 1024 * 1024


def test_a_secret_reaches_the_program_and_nobody_else(shared: World, service: str) -> None:
    source = apps.web("x", before="echo my password is $DB_PASSWORD, truly; echo $DB_PASSWORD >&2")
    ended = shared.succeed(service, source, env={"MODE": "prod"}, secrets={"DB_PASSWORD": SECRET})
    version = f"{service}-001"
    seen = shared.body(service, "/cgi-bin/env").splitlines()
    assert f"DB_PASSWORD={SECRET}" in seen
    assert "MODE=prod" in seen
    assert "PORT=80" in seen
    read = shared.api.version(version)
    assert read["env"] == {"MODE": "prod"}
    assert read["secrets"] == ["DB_PASSWORD"]
    logs = f"/v1/services/{service}/logs"
    until(
        lambda: (
            {"my password is ***, truly", "***"}
            <= {line["text"] for line in shared.api.items(logs)}
        ),
        "masked lines in the log",
    )
    for path in (
        "/v1/services",
        f"/v1/services/{service}",
        f"/v1/services/{service}/versions",
        f"/v1/services/{service}/events",
        f"/v1/services/{service}/deployments",
        f"/v1/deployments/{ended['id']}/log",
        logs,
    ):
        assert SECRET not in shared.api.get(path).text
    assert SECRET not in shared.engine.run("history", "--no-trunc", read["image_id"])
    assert SECRET not in shared.engine.run("inspect", read["image_id"])
    _kept_nowhere(shared)


def test_a_secret_is_masked_in_the_last_lines_of_a_failure(shared: World, service: str) -> None:
    source = apps.program("echo cannot log in with $TOKEN; exit 1")
    ended = shared.fail(service, source, secrets={"TOKEN": SECRET})
    assert "cannot log in with ***" in ended["error"]["log"]
    assert SECRET not in shared.api.get(f"/v1/services/{service}/events").text
    _kept_nowhere(shared)


def test_each_version_keeps_its_own_environment(shared: World, service: str) -> None:
    shared.deploy(service, "x", env={"MODE": "old"})
    shared.deploy(service, "x", env={"MODE": "new"})
    assert "MODE=new" in shared.body(service, "/cgi-bin/env").splitlines()
    assert "MODE=old" in shared.body(f"{service}-001", "/cgi-bin/env").splitlines()


def test_the_platforms_own_variables_cannot_be_given(shared: World, service: str) -> None:
    answer = shared.api.upload(service, apps.web("x").targz(), env={"PORT": "1"})
    assert answer.status == 422
    assert [error["field"] for error in answer.json["errors"]] == ["env.PORT"]


def test_limits_and_hardening_of_a_replica(shared: World, service: str) -> None:
    shared.deploy(service, "x", cpu=0.25, memory="64MiB", port=8080)
    found = shared.engine.inspect(shared.replica(f"{service}-001"))
    host = found["HostConfig"]
    assert host["NanoCpus"] == 250_000_000
    assert host["Memory"] == host["MemorySwap"] == 64 * MIB
    assert host["PidsLimit"] == 256
    assert host["CapDrop"] == ["ALL"]
    assert "CAP_NET_RAW" not in host["CapAdd"]
    assert "NET_RAW" not in host["CapAdd"]
    assert any(option.startswith("no-new-privileges") for option in host["SecurityOpt"])
    assert not host["Privileged"]
    assert not host["PublishAllPorts"]
    assert not host["PortBindings"]
    assert host["RestartPolicy"]["Name"] == "no"
    assert not host["Binds"]
    assert found["Mounts"] == []
    assert host["LogConfig"]["Config"].keys() >= {"max-size", "max-file"}
    assert not any(found["NetworkSettings"]["Ports"].values())
    labels = found["Config"]["Labels"]
    assert labels["paas.installation"] == shared.daemon.installation
    assert shared.body(service) == "x"


def test_a_read_only_replica_writes_to_scratch_only(shared: World, service: str) -> None:
    said = "can() { if echo x 2>/dev/null >$1/x; then echo $1 yes; else echo $1 no; fi; }"
    brought = "busybox cp /bin/busybox /tmp/; /tmp/busybox true 2>/dev/null || echo no programs"
    tries = f"{said}; for at in / /bin /www /run /tmp /var/tmp; do can $at; done; {brought}"
    shared.succeed(service, apps.web("x", before=tries), read_only=True, memory="64MiB")
    assert shared.body(service) == "x"
    lines = [line["text"] for line in shared.api.items(f"/v1/services/{service}/logs")]
    assert lines[:7] == [
        *("/ no", "/bin no", "/www no", "/run yes", "/tmp yes", "/var/tmp yes", "no programs")
    ]
    host = shared.engine.inspect(shared.replica(f"{service}-001"))["HostConfig"]
    assert host["ReadonlyRootfs"] is True


def test_use_is_reported(shared: World, service: str) -> None:
    shared.deploy(service, "x")
    shared.body(service)
    (replica,) = shared.api.replicas(f"{service}-001")
    assert replica["state"] == "ready"
    assert replica["memory"] > 0
    assert replica["cpu"] >= 0
    assert replica["uptime"] > 0


def test_logs_outlive_their_replica(shared: World, service: str) -> None:
    shared.succeed(service, apps.web("x", before="echo i was here"))
    path = f"/v1/services/{service}/logs"
    until(lambda: "i was here" in shared.api.get(path).text, "the line is kept")
    gone = shared.replica(f"{service}-001")
    shared.engine.run("rm", "-f", gone)
    until(lambda: gone not in shared.containers(service), "the replica is gone")
    lines = shared.api.items(path, replica=gone)
    assert "i was here" in [line["text"] for line in lines]
    with shared.api.stream(path, follow="true") as events:
        assert any("i was here" in event.data for event in events)


def _kept_nowhere(shared: World) -> None:
    """No file of the data directory has the secret in clear text."""
    for path in shared.daemon.data.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
