"""Certificates and keys in files: kept whole, sealed, for the daemon alone."""

from pathlib import Path

import pytest

from paas.adapters.forge import KeyForge
from paas.adapters.keyring import FileKeyring
from paas.adapters.secrets import AesVault
from paas.core.certifying import Facts, Held, Record, Source
from paas.core.model import Failure
from paas.errors import Unavailable
from paas.ports import KeptCertificate, Notes, PendingOrder

FACTS = Facts(names=("*.a.test",), issuer="CA", begins=1.0, expires=2.0)
HELD = Held(facts=FACTS, source=Source.ACME, obtained=1.5, renew_at=1.7, warned=7)
KEPT = KeptCertificate(host="*.a.test", chain="chain", key="k3y", held=HELD, order="https://o/1")


def keyring(folder: Path, *, key: str = "secret.key") -> FileKeyring:
    vault = AesVault(folder / key)
    return FileKeyring(folder / "certificates", vault=vault, new_key=KeyForge().new_key)


async def test_what_is_kept_is_there_again(tmp_path: Path) -> None:
    await keyring(tmp_path).keep(KEPT)
    assert await keyring(tmp_path).certificates() == [KEPT]
    (file,) = (tmp_path / "certificates").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert "k3y" not in file.read_text()
    await keyring(tmp_path).drop("*.a.test")
    await keyring(tmp_path).drop("*.a.test")
    assert await keyring(tmp_path).certificates() == []


async def test_there_is_one_account_for_each_directory(tmp_path: Path) -> None:
    ring = keyring(tmp_path)
    key = await ring.account("https://ca/dir")
    assert await keyring(tmp_path).account("https://ca/dir") == key
    assert await ring.account("https://other/dir") != key
    assert FileKeyring.in_use(tmp_path / "certificates")


async def test_orders_and_notes(tmp_path: Path) -> None:
    ring, order = keyring(tmp_path), PendingOrder(url="https://o/2", directory="d", key="k")
    assert await ring.order("a.test") is None
    await ring.keep_order("a.test", order)
    assert await keyring(tmp_path).order("a.test") == order
    await ring.drop_order("a.test")
    assert await ring.order("a.test") is None
    assert await ring.notes() == Notes()
    failure = Failure(code="c", message="m")
    notes = Notes(
        records={"a.test": Record(failures=1, times=(1.0,), retry_at=2.0, failure=failure)},
        orders=(1.0, 2.0),
    )
    await ring.keep_notes(notes)
    assert await keyring(tmp_path).notes() == notes


async def test_the_order_of_a_certificate_that_is_there_is_done(tmp_path: Path) -> None:
    ring = keyring(tmp_path)
    await ring.keep(KEPT)
    await ring.keep_order(KEPT.host, PendingOrder(url=KEPT.order, directory="d", key="k3y"))
    await ring.certificates()
    assert await ring.order(KEPT.host) is None
    newer = PendingOrder(url="https://o/9", directory="d", key="k3y")
    await ring.keep_order(KEPT.host, newer)
    await ring.certificates()
    assert await ring.order(KEPT.host) == newer


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": "a"}', "\x00\x01"])
async def test_what_is_damaged_is_passed_over(tmp_path: Path, text: str) -> None:
    ring = keyring(tmp_path)
    await ring.keep(KEPT)
    (tmp_path / "certificates" / "b.test.certificate").write_text(text)
    (tmp_path / "certificates" / "notes").write_text(text)
    assert await ring.certificates() == [KEPT]
    assert await ring.notes() == Notes()


async def test_what_another_key_sealed_is_passed_over(tmp_path: Path) -> None:
    await keyring(tmp_path).keep(KEPT)
    await keyring(tmp_path).keep_order("a.test", PendingOrder(url="u", directory="d", key="k"))
    other = keyring(tmp_path, key="other.key")
    assert await other.certificates() == []
    assert await other.order("a.test") is None


async def test_a_copy_under_another_name_does_not_open(tmp_path: Path) -> None:
    ring, folder = keyring(tmp_path), tmp_path / "certificates"
    await ring.keep(KEPT)
    text = (folder / "_.a.test.certificate").read_text().replace("*.a.test", "b.test")
    (folder / "b.test.certificate").write_text(text)
    assert [one.host for one in await ring.certificates()] == ["*.a.test"]


async def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    ring = keyring(tmp_path)
    (tmp_path / "certificates").rmdir()
    with pytest.raises(Unavailable) as refused:
        await ring.keep(KEPT)
    assert refused.value.code == "file_unusable"
