"""Each command's calls and what it shows."""

import json
from pathlib import Path

from paas.cli.main import COMMANDS, paas
from paas.errors import FieldError, Invalid
from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded, listening

V1 = "/v1/services/shop"


def test_traffic_takes_short_numbers(cli: Cli, daemon: Recorded) -> None:
    split = {"shop-001": 90, "shop-002": 10}
    daemon.on(f"PUT {V1}/traffic", {"split": split})
    ran = cli("traffic", "shop", "set", "001=90", "2=10%")
    assert daemon.seen[0].json() == {"split": split}
    assert ran.out.splitlines() == [" 10 %  shop-002", " 90 %  shop-001"]


def test_traffic_mistakes(cli: Cli, daemon: Recorded) -> None:
    for words in (["1=90"], ["set"], ["set", "1=x"], ["set", "1=1", "001=9"], ["set", "1"]):
        assert cli("traffic", "shop", *words).code == 2
    assert daemon.seen == []


def test_an_offline_service(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {V1}/traffic", {"split": {"shop-001": 0}})
    assert "offline" in cli("traffic", "shop").out


def test_rollback(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"POST {V1}/rollback", {"split": {"shop-001": 100}})
    assert cli("rollback", "shop").code == 0
    assert cli("rollback", "shop", "1").code == 0
    assert [seen.json() for seen in daemon.seen] == [{}, {"version": "shop-001"}]


def test_settings(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"PATCH {V1}", {"name": "shop", "auto_prune": True})
    ran = cli("services", "set", "shop", "auto_prune=true", "stop_after=0", "freeze_after=default")
    assert daemon.seen[0].json() == {
        "auto_prune": True,
        "idle": {"stop_after": 0.0, "freeze_after": None},
    }
    assert "auto_prune       on" in ran.out
    for wrong in ("auto_prune=yes", "stop_after=x", "colour=red"):
        assert cli("services", "set", "shop", wrong).code == 2


def test_versions_show_notes_without_control_characters(cli: Cli, daemon: Recorded) -> None:
    item = {"name": "shop-001", "status": "ready", "note": "发布\x1b[2J\u202e"}
    daemon.on("GET /v1/services", {"items": [{"name": "shop"}]})
    daemon.on(f"GET {V1}/versions", {"items": [item]})
    ran = cli("versions", terminal=True)
    assert "发布\\x1b[2J\\u202e" in ran.out
    assert json.loads(cli("versions", "shop", "--json").out)["items"] == [item]


def test_one_version_with_replicas(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {V1}/versions/shop-003", {"name": "shop-003", "status": "ready", "port": 80})
    replica = {"id": "0123456789abcdef", "state": "ready", "cpu": 75.0, "memory": 5 << 20}
    daemon.on(f"GET {V1}/versions/shop-003/replicas", {"items": [replica]})
    ran = cli("versions", "shop", "3")
    assert "0123456789ab  ready" in ran.out
    assert "1 min 15 s" in ran.out
    assert "5.0 MiB" in ran.out


def test_logs(cli: Cli, daemon: Recorded) -> None:
    line = {"time": "2026-05-01T12:00:00Z", "text": "\x07hi", "version": "shop-001", "replica": "r"}
    daemon.on(f"GET {V1}/logs", {"items": [line]})
    ran = cli("logs", "shop", "--since", "10m", "--version", "1", "--limit", "5")
    assert ran.out.endswith("shop-001 r  \\x07hi\n")
    assert "version=shop-001" in daemon.seen[0].path
    assert "since=20" in daemon.seen[0].path
    assert "limit=5" in daemon.seen[0].path
    assert cli("logs", "shop", "--since", "soon").code == 2
    assert cli("logs").code == 2


def test_following_a_deployment_log(cli: Cli, daemon: Recorded) -> None:
    events = ('id: 1\ndata: {"text": "a"}\n\n: ping\n\n', "event: end\ndata: {}\n\n")
    daemon.on("GET /v1/deployments/d1/log", Answer(events=events))
    assert cli("logs", "--deployment", "d1", "-f").out == "a\n"
    assert cli("logs", "--deployment", "d1", "-f", "--json").out == '{"text": "a"}\n'
    assert daemon.seen[0].headers["Accept"] == "text/event-stream"


def test_a_stream_that_fails_says_why(cli: Cli, daemon: Recorded) -> None:
    told = json.dumps(
        {"code": "unavailable", "detail": "The disk is full.", "advice": "Make room."}
    )
    daemon.on(f"GET {V1}/logs", Answer(events=(f"event: error\ndata: {told}\n\n",)))
    ran = cli("logs", "shop", "-f")
    assert (ran.code, ran.err) == (5, "error: The disk is full.\nMake room.\n")
    assert len(daemon.seen) == 1


def test_a_refused_stream_is_an_error(cli: Cli, daemon: Recorded) -> None:
    assert cli("logs", "shop", "-f").code == 4
    assert len(daemon.seen) == 1


def test_events_are_shown_oldest_first(cli: Cli, daemon: Recorded) -> None:
    items = [
        {"id": n, "time": "2026-05-01T12:00:00Z", "kind": "traffic.set", "message": f"m{n}"}
        for n in (2, 1)
    ]
    daemon.on("GET /v1/events", {"items": items})
    out = cli("events").out
    assert out.index("m1") < out.index("m2")


def test_domains(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {V1}/domains", {"items": [{"domain": "shop.example.com"}]})
    daemon.on(f"POST {V1}/domains", Answer(status=201, body={}))
    daemon.on(f"DELETE {V1}/domains/shop.example.com", Answer(status=204))
    assert "shop.example.com" in cli("domains", "shop", "add", "shop.example.com").out
    assert daemon.seen[0].json() == {"domain": "shop.example.com"}
    assert cli("domains", "shop", "remove", "shop.example.com").code == 0
    assert cli("domains", "shop", "add").code == 2


def test_certificates(cli: Cli, daemon: Recorded, tmp_path: Path) -> None:
    problem = {"code": "dns_unresolved", "message": "No address.", "advice": "Add one."}
    certificate = {"state": "failed", "problem": problem, "next_try": "2026-01-01T00:00:00Z"}
    issued = {"state": "valid", "source": "acme", "issuer": "R3", "expires": "2026-01-01T00:00:00Z"}
    items = [
        {"domain": "a.example", "certificate": certificate},
        {"domain": "b.example", "certificate": issued},
    ]
    daemon.on(f"GET {V1}/domains", {"items": items})
    daemon.on(f"PUT {V1}/domains/a.example/certificate", issued)
    daemon.on(f"DELETE {V1}/domains/a.example/certificate", Answer(status=204))
    wild = {"host": "*.apps.example", "service": None, "certificate": issued}
    daemon.on("GET /v1/certificates", {"items": [wild]})
    assert "*.apps.example" in cli("domains").out
    shown = cli("domains", "shop").out
    assert "No address. Add one. Tried again 2026-" in shown
    assert "issued by R3" in shown
    pair = [f"--certificate={tmp_path / 'c'}", f"--key={tmp_path / 'k'}"]
    assert cli("domains", "shop", "certificate", "a.example", *pair).code == 2
    for name in "ck":
        (tmp_path / name).write_text(name)
    assert cli("domains", "shop", "certificate", "a.example", *pair).code == 0
    assert daemon.calls("PUT")[0].json() == {"certificate": "c", "key": "k"}
    assert cli("domains", "shop", "certificate", "a.example", pair[0]).code == 2
    assert cli("domains", "shop", "certificate", "a.example", "--remove").code == 0
    assert len(daemon.calls("DELETE")) == 1


def test_deleting_needs_a_yes(cli: Cli, daemon: Recorded) -> None:
    daemon.on(f"GET {V1}", {"name": "shop"})
    daemon.on(f"GET {V1}/versions/shop-002", {"name": "shop-002"})
    daemon.on(f"DELETE {V1}", Answer(status=204))
    daemon.on(f"DELETE {V1}/versions/shop-002", Answer(status=204))
    assert cli("delete", "shop").code == 2
    assert daemon.calls("DELETE") == []
    assert cli("delete", "shop", "2", "--yes").code == 0
    assert json.loads(cli("delete", "shop", "--yes", "--json").out) == {"deleted": "shop"}
    assert daemon.calls("DELETE")[1].path == f"{V1}?confirm=shop"


def test_names_cannot_leave_their_place_in_the_path(cli: Cli, daemon: Recorded) -> None:
    assert cli("traffic", "../x?y").code == 4
    assert daemon.seen[0].path == "/v1/services/..%2Fx%3Fy/traffic"


def test_cancel_deployments_open_version(cli: Cli, daemon: Recorded) -> None:
    item = {"id": "d1", "version": "shop-001", "status": "failed", "error": {"message": "boom"}}
    daemon.on("POST /v1/deployments/d1/cancel", item)
    daemon.on(f"GET {V1}/deployments", {"items": [item]})
    daemon.on(f"GET {V1}", {"name": "shop", "urls": ["http://shop.localhost/"]})
    daemon.on("GET /v1/health", {"version": "9.9", "engine_version": "20.10"})
    assert "shop-001 is being cancelled" in cli("cancel", "d1").out
    assert "boom" in cli("deployments", "shop").out
    assert cli("open", "shop").out == "http://shop.localhost/\n"
    assert "daemon  9.9" in cli("version").out


def test_serve_hands_over_the_configuration(cli: Cli, data: Path) -> None:
    config = data / "config.yaml"
    config.write_text("")
    assert cli("serve").code == 0
    assert cli("serve", "--config", str(config)).code == 0
    assert cli.served == [None, config]
    assert cli("serve", "--config", str(data / "none.yaml")).code == 2


def test_help_examples_and_completion(cli: Cli) -> None:
    for name in COMMANDS:
        command = paas.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert "\b\nExample" in (command.help or ""), name
    assert cli("--help").code == 0


def test_doctor_without_and_with_a_daemon(cli: Cli, data: Path) -> None:
    cli.settings = {"docker": {"host": f"unix://{data}/none.sock"}, "proxy": {"http": [":0"]}}
    ran = cli("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(ran.out)["checks"]}
    assert ran.code == 1
    assert checks["engine"]["level"] == "fail"
    assert "docker.io" in checks["engine"]["advice"]
    assert checks["daemon"]["level"] == "warn"
    cli.settings = Invalid(
        "The settings are wrong.", fields=(FieldError(field="proxy.http", message="not a port"),)
    )
    ran = cli("doctor")
    assert "proxy.http: not a port" in ran.out


def test_doctor_with_a_recorded_engine(cli: Cli, data: Path) -> None:
    key = data / "secrets.key"
    key.write_text("k")
    key.chmod(0o644)
    with (
        listening(data / "api.sock") as (daemon, _),
        listening(data / "docker.sock") as (engine, _),
    ):
        daemon.on(
            "GET /v1/health",
            {
                "version": "1.0",
                "engine": True,
                "uptime": 5.0,
                "docker_host": f"unix://{data}/docker.sock",
                "data_dir": str(data),
                "proxy": ["0.0.0.0:8080"],
                "gateway": "127.0.0.1",
            },
        )
        engine.on("GET /version", {"Version": "20.10.24", "ApiVersion": "1.41"})
        engine.on("GET /info", {"Driver": "vfs", "MemoryLimit": False, "DockerRootDir": "/"})
        ran = cli("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(ran.out)["checks"]}
    assert checks["engine"]["level"] == checks["daemon"]["level"] == "ok"
    assert checks["engine's storage"]["level"] == "warn"
    assert checks["engine's limits"]["level"] == "warn"
    assert checks["network"]["level"] == "ok"
    assert "held by the running daemon" in checks["port 0.0.0.0:8080"]["message"]
    assert checks["secrets"]["level"] == "fail"
    assert ran.code == 1
