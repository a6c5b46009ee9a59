"""`paas deploy` from the folder to the URL, against a recorded daemon."""

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded, Seen

PATH = "POST /v1/services/shop/deployments"
END = "event: end\ndata: {}\n\n"


def deployment(status: str, **more: Any) -> dict[str, Any]:
    steps = [{"name": "build", "status": status, "seconds": 1.5}]
    base = {"id": "d1", "service": "shop", "version": "shop-001", "status": status, "steps": steps}
    return base | more


@pytest.fixture
def source(data: Path) -> Path:
    folder = data / "shop"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "src" / "main").write_bytes(b"\0" * 300_000)
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("secret history")
    return folder


@pytest.fixture
def succeeding(daemon: Recorded) -> Recorded:
    daemon.on(PATH, Answer(status=202, body=deployment("queued")))
    daemon.on(
        "GET /v1/deployments/d1", deployment("running"), deployment("succeeded", traffic="all")
    )
    line = json.dumps({"text": "Step 1/2 : FROM scratch\x1b[31m"})
    daemon.on("GET /v1/deployments/d1/log", Answer(events=(f"id: 1\ndata: {line}\n\n", END)))
    daemon.on("GET /v1/services/shop/versions/shop-001", {"weight": 100, "urls": ["http://v/"]})
    daemon.on("GET /v1/services/shop", {"urls": ["http://shop.localhost:8080/"]})
    return daemon


def parts(seen: Seen) -> tuple[dict[str, Any], str, bytes]:
    boundary = seen.headers["Content-Type"].partition("boundary=")[2].encode()
    _, spec, archive, end = seen.body.split(b"--" + boundary)
    assert end == b"--\r\n"
    head, _, content = archive.partition(b"\r\n\r\n")
    return json.loads(spec.partition(b"\r\n\r\n")[2]), head.decode(), content[:-2]


def test_a_folder_is_packed_sent_watched_and_its_url_printed(
    cli: Cli, succeeding: Recorded, source: Path
) -> None:
    ran = cli("deploy", str(source), "--env", "MODE=a=b", "--secret", "KEY=s", "--min", "1")
    assert ran.code == 0, ran.err
    assert "Service: shop" in ran.out
    assert "  | Step 1/2 : FROM scratch\\x1b[31m" in ran.out
    assert "build: succeeded (1.5 s)" in ran.out
    assert ran.out.endswith("shop-001 is ready after 1.5 s.\n  http://shop.localhost:8080/\n")
    spec, head, archive = parts(succeeding.calls("POST")[0])
    assert spec == {
        "create": True,
        "source": {"type": "archive"},
        "traffic": "all",
        "env": {"MODE": "a=b"},
        "secrets": {"KEY": "s"},
        "replicas": {"min": 1},
    }
    assert 'filename="source.tar.gz"' in head
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        assert packed.getnames() == ["Dockerfile", "src", "src/main"]


def test_json_is_one_object_alone_on_stdout(cli: Cli, succeeding: Recorded, source: Path) -> None:
    ran = cli("deploy", str(source), "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["status"] == "succeeded"


def test_a_failure_shows_message_log_and_advice(cli: Cli, daemon: Recorded, source: Path) -> None:
    error = {"code": "build_failed", "message": "No main.c.", "advice": "Add it.", "log": ["cc: x"]}
    daemon.on(PATH, Answer(status=202, body=deployment("queued")))
    daemon.on("GET /v1/deployments/d1", deployment("failed", error=error))
    daemon.on("GET /v1/deployments/d1/log", Answer(events=(END,)))
    ran = cli("deploy", str(source))
    assert ran.code == 1
    assert ran.err == "error: No main.c.\n  | cc: x\nAdd it.\n"
    assert "build: failed" in ran.out
    ran = cli("deploy", str(source), "--json")
    assert json.loads(ran.out)["error"]["code"] == "build_failed"
    assert json.loads(ran.err)["exit_code"] == ran.code == 1


def test_without_traffic_the_version_and_the_next_step_are_shown(
    cli: Cli, succeeding: Recorded, source: Path
) -> None:
    succeeding.on("GET /v1/services/shop/versions/shop-001", {"weight": 0, "urls": ["http://v/"]})
    ran = cli("deploy", str(source), "--traffic", "none", terminal=True)
    assert ran.code == 0
    assert "  http://v/\n" in ran.out
    assert "paas traffic shop set shop-001=100" in ran.out
    assert "\x1b[31m" not in ran.out.replace("\x1b[31m✗", "")


def test_an_archive_goes_as_it_is(cli: Cli, succeeding: Recorded, data: Path) -> None:
    archive = data / "Shop.zip"
    archive.write_bytes(b"PK\x05\x06" + bytes(18))
    assert cli("deploy", str(archive)).code == 0
    _, head, content = parts(succeeding.calls("POST")[0])
    assert 'filename="Shop.zip"' in head
    assert content == archive.read_bytes()


def test_an_image_with_credentials(cli: Cli, succeeding: Recorded) -> None:
    cli.environ["PAAS_REGISTRY_PASSWORD"] = "pw"
    ran = cli("deploy", "--image", "registry.example/team/shop:1.4", "--registry-user", "ci")
    assert ran.code == 0, ran.err
    body = succeeding.calls("POST")[0].json()
    assert body["source"]["image"] == "registry.example/team/shop:1.4"
    assert body["source"]["credentials"] == {"user": "ci", "password": "pw"}


def test_detach_does_not_wait(cli: Cli, succeeding: Recorded, source: Path) -> None:
    ran = cli("deploy", str(source), "--detach")
    assert "paas logs --deployment d1 -f" in ran.out
    assert succeeding.calls("GET") == []


def test_an_early_refusal_of_the_upload_is_told(cli: Cli, daemon: Recorded, source: Path) -> None:
    (source / "big").write_bytes(bytes(range(256)) * 40_000)
    problem = {"code": "version_limit", "detail": "There are 10 versions."}
    daemon.on(PATH, Answer(status=409, body=problem, cut=True))
    ran = cli("deploy", str(source))
    assert (ran.code, ran.err) == (4, "error: There are 10 versions.\n")


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("nowhere",), "does not exist"),
        (("empty",), "holds no files"),
        (("notes.txt",), "is not a folder or an archive"),
        (("empty", "--image", "x"), "only one"),
        (("shop", "--env", "MODE"), "has no value"),
        (("shop", "--registry-user", "ci"), "goes with --image"),
        (("123",), "does not make a service name"),
        (("shop", "--port", "0"), "not in the range"),
    ],
)
def test_mistakes_are_told_before_anything_is_sent(
    cli: Cli, daemon: Recorded, source: Path, argv: tuple[str, ...], told: str
) -> None:
    (source.parent / "empty").mkdir()
    (source.parent / "notes.txt").write_text("x")
    ran = cli("deploy", str(source.parent / argv[0]), *argv[1:])
    assert ran.code == 2
    assert told in ran.err
    assert daemon.seen == []


def test_the_log_goes_on_after_a_broken_stream(
    cli: Cli, succeeding: Recorded, source: Path
) -> None:
    succeeding.on(
        "GET /v1/deployments/d1/log",
        Answer(events=('id: 7\ndata: {"text": "one"}\n\n', 'id: 8\ndata: {"te')),
        Answer(events=('id: 8\ndata: {"text": "two"}\n\n', END)),
    )
    ran = cli("deploy", str(source))
    assert ran.out.index("| one") < ran.out.index("| two")
    again = [seen for seen in succeeding.seen if seen.path.endswith("/log")][1]
    assert again.headers["Last-Event-ID"] == "7"
