import asyncio
from pathlib import Path

import pytest

from paas.api.uploads import _append, _create, _guarded, _on_disk, _plain_name
from paas.errors import Invalid, Unavailable


async def test_a_full_disk_is_told() -> None:
    with pytest.raises(Unavailable) as refused:
        await _on_disk(_append, Path("/dev/full"), b"x")
    assert refused.value.code == "disk_full"


async def test_a_removed_upload_stays_removed(tmp_path: Path) -> None:
    path = tmp_path / "uploads" / "x.part"
    await _on_disk(_create, path)
    assert path.stat().st_mode & 0o777 == 0o600
    await _on_disk(_append, path, b"ab")
    await _on_disk(_append, path, b"cd", sync=True)
    assert path.read_bytes() == b"abcd"
    path.unlink()
    with pytest.raises(Unavailable) as refused:
        await _on_disk(_append, path, b"x")
    assert refused.value.code == "upload_failed"
    assert not path.exists()


async def test_a_silent_sender_is_given_up() -> None:
    with pytest.raises(Invalid) as refused:
        await _guarded(asyncio.Event().wait(), silence=0.01)
    assert refused.value.code == "upload_stalled"


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "archive"),
        ("", "archive"),
        ("../../etc/passwd", "passwd"),
        ("C:\\src\\shop.zip", "shop.zip"),
        ("a\x1b[31mb\n.zip", "a[31mb.zip"),
        ("x" * 500, "x" * 200),
    ],
)
def test_file_names_are_for_people_only(given: str | None, shown: str) -> None:
    assert _plain_name(given) == shown
