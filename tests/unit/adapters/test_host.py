"""The kernel's memory files, laid out in a directory."""

from pathlib import Path

import pytest

from paas.adapters.host import LinuxHost
from paas.errors import Unavailable
from paas.ports import HostMemory

MEMINFO = "MemTotal: 4000 kB\nMemFree: 1 kB\nMemAvailable:    3000 kB\nHugePages_Total: 0\n"
PRESSURE = "some avg10=1.50 avg60=0.20 avg300=0.00 total=7\nfull avg10=9.00 avg60=0.00\n"


def put(folder: Path, *, meminfo: str, pressure: str | None) -> LinuxHost:
    (folder / "meminfo").write_text(meminfo)
    if pressure is not None:
        (folder / "pressure").mkdir()
        (folder / "pressure" / "memory").write_text(pressure)
    return LinuxHost(proc=folder)


@pytest.mark.parametrize(
    ("pressure", "told"), [(PRESSURE, 0.015), (None, None), ("", None), ("some avg10=x", None)]
)
def test_memory(tmp_path: Path, pressure: str | None, told: float | None) -> None:
    host = put(tmp_path, meminfo=MEMINFO, pressure=pressure)
    memory = HostMemory(total=4000 << 10, available=3000 << 10, pressure=told)
    assert host.memory() == memory


@pytest.mark.parametrize(
    "meminfo", ["", "nonsense\n", "MemTotal: 4000 kB\n", MEMINFO.replace("3000", "x")]
)
def test_what_is_not_told(tmp_path: Path, meminfo: str) -> None:
    host = put(tmp_path, meminfo=meminfo, pressure=PRESSURE)
    with pytest.raises(Unavailable) as raised:
        host.memory()
    assert raised.value.code == "host_unreadable"
