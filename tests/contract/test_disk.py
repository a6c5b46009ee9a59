"""The `Disk` port: one suite, run on the fake and on this host."""

import os
from pathlib import Path

import pytest

from paas.adapters.disk import LocalDisk
from paas.errors import Unavailable
from paas.ports import Disk
from tests.fakes.storage import FakeDisk


@pytest.fixture(params=[FakeDisk, LocalDisk], ids=["fake", "local"])
def disk(request: pytest.FixtureRequest) -> Disk:
    made: Disk = request.param()
    return made


async def test_space(disk: Disk, tmp_path: Path) -> None:
    space = await disk.space(tmp_path)
    assert space.path == str(tmp_path)
    assert space.used > 0
    assert space.free > 0
    assert 0 < space.percent < 100


@pytest.mark.parametrize("disk", [FakeDisk(now=None), LocalDisk()], ids=["fake", "local"])
async def test_a_disk_that_cannot_be_looked_at(disk: Disk) -> None:
    with pytest.raises(Unavailable) as caught:
        await disk.space(Path("/nowhere/at/all"))
    assert caught.value.code == "disk_unreadable"


async def test_entries_with_all_below_them(disk: Disk, tmp_path: Path) -> None:
    assert (await disk.folder(tmp_path / "none")).sizes == {}
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_bytes(b"x" * 100_000)
    (tmp_path / "file").write_bytes(b"x" * 10_000)
    (tmp_path / "link").symlink_to("/")
    os.utime(tmp_path / "file", (5.0, 5.0))
    found = await disk.folder(tmp_path)
    assert found.sizes.keys() == {"deep", "file", "link"}
    assert found.sizes["deep"] >= 100_000
    assert 10_000 <= found.sizes["file"] < 20_000
    assert found.sizes["link"] < 10_000
    assert found.changed["file"] == 5.0


async def test_removal(disk: Disk, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "kept")
    for name in ("deep", "link", "gone"):
        await disk.remove(tmp_path / name)
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]
    assert (tmp_path / "kept" / "file").exists()
