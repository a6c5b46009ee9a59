"""What programs and people write is shown as text: no codes for terminals, no HTML."""

import subprocess
import sys

from tests.e2e import apps
from tests.e2e.api import Api
from tests.e2e.daemon import ROOT
from tests.e2e.waiting import until
from tests.e2e.world import World

CODES = "\\033]0;owned\\007\\033[2J\\033[31m"
MARKUP = "<img src=x onerror=alert(1)>"
SCRIPT = "</script><script>alert(2)</script>"


def test_output_notes_and_failures(shared: World, service: str) -> None:
    says = f"printf '{CODES}{MARKUP}{SCRIPT}\\n'"
    shared.succeed(service, apps.web("x", before=says), note=f"{MARKUP}{SCRIPT}")
    build = f'RUN ["sh", "-c", "printf \'{CODES}{MARKUP}{SCRIPT}\'; exit 3"]'.replace(
        "\\0", "\\\\0"
    )
    failed = shared.fail(service, apps.web("y", build=build), note=SCRIPT)
    crashed = shared.fail(service, apps.program(f"{says}; exit 4"))
    logs = f"/v1/services/{service}/logs"
    until(lambda: MARKUP in str(shared.api.items(logs)), "the output is kept")
    shared.get(service, f"/{SCRIPT.replace(' ', '')}")
    own = ("", "/deployments", "/logs", "/domains", "/settings", "/events", "/deploy")
    pages = ["/", "/access", *(f"/deployments/{one['id']}" for one in (failed, crashed))]
    pages += [f"/services/{service}{name}" for name in own]
    for path in pages:
        _is_plain(shared.api, path)
    texts = [
        ("logs", service),
        ("logs", "--deployment", failed["id"]),
        ("versions", service),
        ("events", service),
        ("explain", service),
    ]
    shown = [_paas(shared, *words) for words in texts]
    assert any(MARKUP in one for one in shown), "markup means nothing to a terminal"
    for words, one in zip(texts, shown, strict=True):
        odd = {letter for letter in one if not letter.isprintable()} - {"\n"}
        assert not odd, (words, odd)


def test_names_are_refused_before_they_are_shown(shared: World) -> None:
    for name in (MARKUP, "a\x1b[31m", "a\nb", "../a", "a b"):
        answer = shared.api.post("/v1/services", {"name": name})
        assert answer.status == 422, name
        assert "\x1b" not in answer.text


def _is_plain(api: Api, path: str) -> None:
    answer = api.get(path, accept="text/html")
    assert answer.status == 200, (path, answer.status)
    assert answer.headers["content-type"].startswith("text/html")
    policy = answer.headers["content-security-policy"]
    assert "unsafe-inline" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "<img src=x" not in answer.text, path
    assert "<script>alert" not in answer.text, path
    assert "\x1b" not in answer.text, path


def _paas(world: World, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "paas", *words],
        env=world.daemon.environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
