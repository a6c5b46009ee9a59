"""Kernel files of both control group versions, laid out in a directory."""

from pathlib import Path

import pytest

from paas.adapters.docker_proc import KernelFiles
from paas.ports import Usage

CONTAINER = "c0ffee" * 10
PID = 42
HEAD = "  sl  local_address rem_address   st tx_queue\n"


@pytest.fixture
def kernel(tmp_path: Path) -> KernelFiles:
    return KernelFiles(proc=tmp_path / "proc", cgroups=tmp_path / "cgroup")


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def measured(kernel: KernelFiles) -> Usage | None:
    return kernel.usages({CONTAINER: PID}).get(CONTAINER)


@pytest.mark.parametrize("unified", ["", f"docker/{CONTAINER}"])
@pytest.mark.parametrize("killed", ["", "oom_kill 1\n"])
def test_version_1(kernel: KernelFiles, unified: str, killed: str) -> None:
    """Also where the version 2 tree is mounted beside it, without controllers."""
    put(
        kernel.proc / "42/cgroup",
        f"3:cpuacct,cpu:/docker/{CONTAINER}\n2:memory:/docker/{CONTAINER}\n1:pids:/\n"
        f"0::/{unified}\n",
    )
    put(kernel.cgroups / f"cpuacct/docker/{CONTAINER}/cpuacct.usage", "1500000000\n")
    put(kernel.cgroups / f"memory/docker/{CONTAINER}/memory.usage_in_bytes", "5000\n")
    put(
        kernel.cgroups / f"memory/docker/{CONTAINER}/memory.stat", "x 1\ntotal_inactive_file 1000\n"
    )
    put(kernel.cgroups / f"cpu/docker/{CONTAINER}/cpu.stat", "nr_periods 9\nnr_throttled 7\n")
    control = "oom_kill_disable 0\nunder_oom 0\n"
    put(kernel.cgroups / f"memory/docker/{CONTAINER}/memory.oom_control", control + killed)
    assert measured(kernel) == Usage(cpu=1.5, memory=4000, throttled=7, oom_kills=bool(killed))


@pytest.mark.parametrize("group", [f"system.slice/docker-{CONTAINER}.scope", f"docker/{CONTAINER}"])
@pytest.mark.parametrize("throttled", [7, None])
def test_version_2(kernel: KernelFiles, group: str, throttled: int | None) -> None:
    put(kernel.proc / "42/cgroup", f"0::/{group}\n")
    more = f"nr_periods 9\nnr_throttled {throttled}\n" if throttled else ""
    put(kernel.cgroups / group / "cpu.stat", f"usage_usec 2500000\n{more}")
    put(kernel.cgroups / group / "memory.current", "5000\n")
    put(kernel.cgroups / group / "memory.stat", "anon 1\ninactive_file 6000\n")
    put(kernel.cgroups / group / "memory.events", "oom 3\noom_kill 2\n")
    assert measured(kernel) == Usage(cpu=2.5, memory=0, throttled=throttled or 0, oom_kills=2)


@pytest.mark.parametrize("groups", ["0::/other\n", "0::/docker/{}\n", "nonsense\n", ""])
def test_what_is_not_known_is_missing(kernel: KernelFiles, groups: str) -> None:
    assert kernel.usages({CONTAINER: PID}) == {}
    put(kernel.proc / "42/cgroup", groups.format(CONTAINER))
    assert kernel.usages({CONTAINER: PID}) == {}


def test_a_file_without_the_field(kernel: KernelFiles) -> None:
    put(kernel.proc / "42/cgroup", f"0::/{CONTAINER}\n")
    put(kernel.cgroups / CONTAINER / "memory.current", "5000\n")
    put(kernel.cgroups / CONTAINER / "memory.stat", "anon 1\n")
    assert kernel.usages({CONTAINER: PID}) == {}


def test_listeners(kernel: KernelFiles) -> None:
    put(kernel.proc / "42/cgroup", f"0::/{CONTAINER}\n")
    rows = (
        "   0: 00000000:0050 00000000:0000 0A 0\n"
        "   1: 0B00007F:9C40 00000000:0000 0A 0\n"
        "   2: 0100007F:1F90 00000000:0000 0A 0\n"
        "   3: 020011AC:0050 010011AC:D431 01 0\n"
    )
    put(kernel.proc / "42/net/tcp", HEAD + rows)
    zeros = "0" * 32
    put(kernel.proc / "42/net/tcp6", HEAD + f"   0: {zeros}:0BB8 {zeros}:0000 0A 0\n")
    assert kernel.listening(CONTAINER, PID) == (80, 3000, 8080)


def test_listeners_of_another_process_or_none(kernel: KernelFiles) -> None:
    assert kernel.listening(CONTAINER, PID) == ()
    put(kernel.proc / "42/net/tcp", HEAD + "   0: 00000000:0050 00000000:0000 0A 0\n")
    put(kernel.proc / "42/cgroup", "0::/other\n")
    assert kernel.listening(CONTAINER, PID) == ()
