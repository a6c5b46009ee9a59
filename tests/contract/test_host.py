"""The `Host` port: one suite, run on the fake and on this machine."""

from pathlib import Path

import pytest

from paas.adapters.host import LinuxHost
from paas.errors import Unavailable
from paas.ports import Host
from tests.fakes.host import FakeHost


@pytest.mark.parametrize("host", [FakeHost(), LinuxHost()], ids=["fake", "linux"])
def test_memory(host: Host) -> None:
    memory = host.memory()
    assert 0 < memory.available <= memory.total
    assert memory.pressure is None or 0 <= memory.pressure <= 1


@pytest.mark.parametrize(
    "host", [FakeHost(now=None), LinuxHost(proc=Path("/nowhere"))], ids=["fake", "linux"]
)
def test_a_host_that_cannot_be_read(host: Host) -> None:
    with pytest.raises(Unavailable) as raised:
        host.memory()
    assert raised.value.code == "host_unreadable"
