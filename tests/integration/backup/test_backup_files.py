"""Archives and copies as files, from the daemon's side to `paas restore`'s."""

import fcntl
import io
import json
import sqlite3
import stat
import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest

from paas.adapters.backups import DataBackups
from paas.adapters.store import SqliteStore
from paas.core.backups import copy_name
from paas.core.model import Change, Event
from paas.errors import Unavailable
from tests.integration.backup.command import restore

NAME = copy_name(1_700_000_000)


@pytest.fixture
async def data(tmp_path: Path) -> AsyncIterator[Path]:
    """A data directory that is in use."""
    folder = tmp_path / "data"
    folder.mkdir()
    store = await SqliteStore.open(folder / "paas.db")
    await store.meta("installation", "0123456789abcdef")
    event = Event(kind="test.made", time=1.0, message="kept")
    await store.commit(Change(events=(event,)))
    (folder / "secret.key").write_bytes(b"k" * 32)
    (folder / "known_hosts").write_text("host ssh-ed25519 AAAA\n")
    (folder / "git/shop.git/refs").mkdir(parents=True)
    (folder / "git/shop.git/HEAD").write_text("ref: refs/heads/main\n")
    (folder / "git/shop.git/link").symlink_to("/etc/passwd")
    (folder / "certificates").mkdir()
    (folder / "certificates/shop.example.json").write_text("{}")
    yield folder
    await store.close()


async def archive(data: Path, into: Path, *, key: bool = False, git: bool = False) -> Path:
    config = data.parent / "config.yaml"
    config.write_text("base_domain: apps.example\n")
    async with DataBackups(data, config=config).packed(key=key, git=git, images=None) as path:
        into.write_bytes(path.read_bytes())
    return into


def names(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


async def test_an_archive_has_what_was_asked_for(data: Path, tmp_path: Path) -> None:
    plain = await archive(data, tmp_path / "plain.tar")
    assert names(plain) == ["backup.json", "paas.db", "config.yaml", "known_hosts"]
    full = await archive(data, tmp_path / "full.tar", key=True, git=True)
    own = ["secret.key", "git/shop.git/HEAD", "certificates/shop.example.json"]
    assert names(full)[4:] == own
    assert list((data / "backups").iterdir()) == []


async def test_what_was_half_done_is_swept_away(data: Path) -> None:
    backups = DataBackups(data)
    await backups.take(NAME)
    (data / "backups/.pack-old").mkdir()
    (data / "backups/.pack-old/paas.db").touch()
    backups.sweep()
    assert [path.name for path in (data / "backups").iterdir()] == [NAME]
    assert stat.S_IMODE((data / "backups" / NAME).stat().st_mode) == 0o600


async def test_a_damaged_store_is_not_copied_over_good_copies(data: Path, tmp_path: Path) -> None:
    backups = DataBackups(tmp_path)
    _damage(data / "paas.db", tmp_path / "paas.db")
    with pytest.raises(Unavailable) as caught:
        await backups.take(NAME)
    assert caught.value.code == "store_corrupt"
    assert await backups.copies() == []


async def test_a_backup_becomes_an_installation(data: Path, tmp_path: Path) -> None:
    made = await archive(data, tmp_path / "b.tar", key=True, git=True)
    new = tmp_path / "new"
    done = restore(made, new)
    assert done.returncode == 0, done.stderr
    assert (new / "secret.key").read_bytes() == b"k" * 32
    assert (new / "git/shop.git/HEAD").exists()
    assert (new / "config.yaml.restored").read_text() == "base_domain: apps.example\n"
    assert sorted(one.name for one in new.iterdir() if one.name.startswith(".")) == []
    store = await SqliteStore.open(new / "paas.db")
    assert [event.message for event in await store.events()] == ["kept"]
    await store.close()


async def test_without_a_key_it_says_what_is_missing(data: Path, tmp_path: Path) -> None:
    made = await archive(data, tmp_path / "b.tar")
    done = restore(made, tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert "secret.key" in done.stderr
    again = restore(made, tmp_path / "newer", "--json")
    assert json.loads(again.stdout)["key"] is False


async def test_what_is_there_is_replaced_only_by_force_and_kept(data: Path, tmp_path: Path) -> None:
    made = await archive(data, tmp_path / "b.tar", key=True)
    new = tmp_path / "new"
    assert restore(made, new).returncode == 0
    (new / "secret.key").write_bytes(b"other")
    (new / "paas.db-wal").write_bytes(b"of the old one")
    refused = restore(made, new)
    assert refused.returncode == 2
    assert "--force" in refused.stderr
    done = restore(made, new, "--force")
    assert done.returncode == 0, done.stderr
    assert (new / "secret.key.replaced").read_bytes() == b"other"
    assert (new / "paas.db.replaced-wal").read_bytes() == b"of the old one"
    assert not (new / "paas.db-wal").exists()


async def test_a_copy_of_the_database_alone_is_a_backup_too(data: Path, tmp_path: Path) -> None:
    await DataBackups(data).take(NAME)
    done = restore(data / "backups" / NAME, tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "new/paas.db").exists()


async def test_a_running_daemon_is_not_restored_under(data: Path, tmp_path: Path) -> None:
    made = await archive(data, tmp_path / "b.tar")
    with (data / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = restore(made, data, "--force")
    assert done.returncode == 4
    assert "A daemon runs on" in done.stderr


async def test_a_place_that_cannot_be_is_told(data: Path, tmp_path: Path) -> None:
    made = await archive(data, tmp_path / "b.tar")
    (tmp_path / "file").touch()
    done = restore(made, tmp_path / "file/below")
    assert done.returncode == 2
    assert "cannot be opened" in done.stderr
    assert "Traceback" not in done.stderr


Spoil = Callable[[Path], None]


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:60_000])


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


def _rewritten(change: Callable[[dict[str, bytes]], None]) -> Spoil:
    """Another archive of what is in it, changed; with sums that are right."""

    def spoil(path: Path) -> None:
        with tarfile.open(path) as tar:
            files = {one.name: (tar.extractfile(one) or io.BytesIO()).read() for one in tar}
        change(files)
        with tarfile.open(path, "w") as tar:
            for name, content in files.items():
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))

    return spoil


def _adding(name: str) -> Spoil:
    def change(files: dict[str, bytes]) -> None:
        about = json.loads(files["backup.json"])
        about["sha256"][name] = "0" * 64
        files["backup.json"] = json.dumps(about).encode()
        files[name] = b"x"

    return _rewritten(change)


def _missing(files: dict[str, bytes]) -> None:
    del files["config.yaml"]


def _newer(files: dict[str, bytes]) -> None:
    about = json.loads(files["backup.json"]) | {"format": 2, "release": "9.0"}
    files["backup.json"] = json.dumps(about).encode()


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (_cut, "cannot be used"),
        (_flip, "cannot be used"),
        (_adding("../../evil"), "should not have"),
        (_adding("/etc/evil"), "should not have"),
        (_adding("git"), "should not have"),
        (_adding("git/../secret.key"), "should not have"),
        (_adding("api.sock"), "should not have"),
        (_adding("git/x"), "git/x is not what was saved"),
        (_rewritten(_missing), "config.yaml is missing"),
        (_rewritten(_newer), "was made by paas 9.0"),
        (lambda path: path.write_bytes(b"nothing of the kind"), "no archive"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"x" * 4096), "database"),
    ],
)
async def test_a_bad_backup_changes_nothing(
    data: Path, tmp_path: Path, spoil: Spoil, problem: str
) -> None:
    made = await archive(data, tmp_path / "b.tar", key=True)
    spoil(made)
    new = tmp_path / "new"
    done = restore(made, new)
    assert done.returncode in {1, 2}, (done.stdout, done.stderr)
    assert problem in done.stderr
    assert "Traceback" not in done.stderr
    assert [one.name for one in new.iterdir()] == ["lock"]


async def test_a_link_in_an_archive_is_refused(data: Path, tmp_path: Path) -> None:
    made = await archive(data, tmp_path / "b.tar")
    with tarfile.open(made, "a") as tar:
        link = tarfile.TarInfo("secret.key")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    done = restore(made, tmp_path / "new")
    assert done.returncode == 1
    assert "should not have" in done.stderr


async def test_a_damaged_store_names_the_last_good_copy(data: Path, tmp_path: Path) -> None:
    """And what it tells to type is what repairs it."""
    new = tmp_path / "in use"
    (new / "backups").mkdir(parents=True)
    await DataBackups(data).take(NAME)
    good = new / "backups" / NAME
    good.write_bytes((data / "backups" / NAME).read_bytes())
    (new / "backups" / copy_name(1_800_000_000)).write_bytes(b"damaged as well")
    _damage(data / "paas.db", new / "paas.db")
    with pytest.raises(Unavailable) as caught:
        await SqliteStore.open(new / "paas.db")
    assert caught.value.code == "store_corrupt"
    assert f"paas restore {good} --data-dir {new} --force" in caught.value.advice
    assert restore(good, new, "--force").returncode == 0
    store = await SqliteStore.open(new / "paas.db")
    assert [event.message for event in await store.events()] == ["kept"]
    await store.close()


def _damage(source: Path, target: Path) -> None:
    """A copy in which pages are overwritten."""
    with closing(sqlite3.connect(source)) as db:
        db.execute("VACUUM INTO ?", (str(target),))
    content = bytearray(target.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start + 8 : start + 3000] = b"\xff" * 2992
    target.write_bytes(content)
