"""The operator's command for DNS records, and what this host's resolver says."""

import sys
from pathlib import Path

import pytest

from paas.adapters.dns_hook import HookZone
from paas.adapters.nameservers import SystemNameServers
from paas.errors import Failed


def script(folder: Path, text: str) -> list[str]:
    path = folder / "hook.py"
    path.write_text(text)
    return [sys.executable, str(path), "--zone=a b"]


async def test_the_command_gets_its_arguments_whole(tmp_path: Path) -> None:
    into = tmp_path / "seen"
    text = f"import sys; open({str(into)!r}, 'a').write(repr(sys.argv[1:]) + '\\n')"
    zone = HookZone(script(tmp_path, text))
    await zone.put("_acme-challenge.a.test", "-x$(id)")
    await zone.clear("_acme-challenge.a.test", "-x$(id)")
    assert into.read_text().splitlines() == [
        "['--zone=a b', 'set', '_acme-challenge.a.test', '-x$(id)']",
        "['--zone=a b', 'clear', '_acme-challenge.a.test', '-x$(id)']",
    ]


async def test_a_command_that_fails_tells_what_it_said(tmp_path: Path) -> None:
    zone = HookZone(script(tmp_path, "import sys; sys.exit('no\\nsuch zone')"))
    with pytest.raises(Failed, match="code 1: no such zone"):
        await zone.put("n", "t")


async def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path: Path) -> None:
    text = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'input()'])"
    text = text.replace("input()", "import time; time.sleep(60)")
    zone = HookZone(script(tmp_path, text), seconds=0.5)
    with pytest.raises(Failed, match=r"within 0\.5 s"):
        await zone.put("n", "t")


@pytest.mark.parametrize("command", [[], ["/nowhere/hook"]])
async def test_a_command_that_is_not_there(command: list[str]) -> None:
    with pytest.raises(Failed) as refused:
        await HookZone(command).put("n", "t")
    assert refused.value.code == "dns_hook_failed"


async def test_a_name_without_an_address() -> None:
    with pytest.raises(Failed) as refused:
        await SystemNameServers().look("nobody.invalid")
    assert refused.value.code == "dns_unresolved"
    with pytest.raises(Failed):
        await SystemNameServers().look("x" * 70 + ".test")


async def test_a_name_with_an_address() -> None:
    assert isinstance(await SystemNameServers().look("localhost"), str)
