"""`paas init`, `paas deploy --template` and `--eject`: what they write, and what they never do."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from paas.cli.templates import LANGUAGES, files, template
from paas.core.languages import detect
from tests.integration.cli.conftest import Cli
from tests.integration.cli.recorded import Answer, Recorded
from tests.integration.cli.test_cli_deploy import deployment, parts


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_application_can_be_deployed_as_it_is(cli: Cli, data: Path, language: str) -> None:
    folder = data / "new" / "shop"
    ran = cli("init", language, str(folder))
    assert ran.code == 0, ran.err
    assert f"paas deploy {folder}" in ran.out
    names = files(language)
    assert "README.md" in names
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(
        names
    )
    assert len((folder / "README.md").read_text().splitlines()) <= 6
    ran = cli("deploy", str(folder), "--eject", "--json")
    made = json.loads(ran.out)
    assert made["files"] == ["Dockerfile", ".dockerignore"]
    assert (folder / "Dockerfile").read_text() == made["dockerfile"]
    assert made["hints"] == []


def test_nothing_is_overwritten(cli: Cli, data: Path) -> None:
    (data / "main.py").write_text("mine")
    (data / "README.md").symlink_to(data / "nowhere")
    ran = cli("init", "python", str(data))
    assert ran.code == 2
    assert "README.md, main.py" in ran.err
    assert (data / "main.py").read_text() == "mine"
    assert not (data / ".python-version").exists()
    assert cli("init", "cobol").code == 2
    assert cli("init", "go", str(data / "main.py" / "x")).code != 0


def test_the_list_for_machines(cli: Cli, data: Path) -> None:
    ran = cli("init", "go", str(data / "shop"), "--json")
    assert json.loads(ran.out) == {
        "language": "go",
        "folder": str((data / "shop").resolve()),
        "files": files("go"),
    }


def test_eject_never_overwrites_and_says_why(cli: Cli, data: Path) -> None:
    folder = data / "shop"
    folder.mkdir()
    ran = cli("deploy", str(folder), "--eject")
    assert ran.code == 2
    assert "Looked for" in ran.err
    (folder / "main.py").write_text("")
    (folder / ".dockerignore").write_text("mine\n")
    ran = cli("deploy", str(folder), "--eject")
    assert ran.code == 0, ran.err
    assert "This is Python: there is main.py" in ran.out
    assert "Written to" in ran.out
    assert (folder / ".dockerignore").read_text() == "mine\n"
    ran = cli("deploy", str(folder), "--eject")
    assert ran.code == 2
    assert "already has a Dockerfile" in ran.err
    assert cli("deploy", str(folder / "main.py"), "--eject").code == 2
    assert cli("deploy", "--image", "x", "--eject").code == 2
    assert cli("deploy", str(folder), "--dockerfile", "x", "--eject").code == 2


def test_eject_takes_hints_and_the_build_directory(cli: Cli, data: Path) -> None:
    inner = data / "shop" / "app"
    inner.mkdir(parents=True)
    (inner / "package.json").write_text('{"dependencies": {"a": "1"}, "main": "index.js"}')
    (inner / "index.js").write_text("")
    ran = cli("deploy", str(data / "shop"), "--build-dir", "app", "--eject")
    assert "Note: There is no lock file" in ran.out
    assert (inner / "Dockerfile").is_file()
    assert detect.LOOKED_FOR


def test_a_template_is_sent_like_a_folder(cli: Cli, daemon: Recorded) -> None:
    daemon.on(
        "POST /v1/services/hello-go/deployments", Answer(status=202, body=deployment("queued"))
    )
    ran = cli("deploy", "--template", "go", "--detach")
    assert ran.code == 0, ran.err
    _, _, archive = parts(daemon.seen[0])
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        sent = [name for name in packed.getnames() if (template("go") / name).is_file()]
    assert sorted(sent) == files("go")
    assert cli("deploy", ".", "--template", "go").code == 2
