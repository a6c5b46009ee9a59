"""Secrets open only with their key and in their place; key and token files are private."""

import os
import stat
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas.adapters.lockfile import LockFile
from paas.adapters.secrets import AesVault
from paas.adapters.tokens import AdminToken
from paas.errors import Conflict, Failed, Unavailable


@pytest.fixture(scope="module")
def vault(tmp_path_factory):
    return AesVault(tmp_path_factory.mktemp("vault") / "secret.key")


@given(context=st.text(), secret=st.text(st.characters(exclude_categories=["Cs"])))
def test_round_trip(vault, context, secret):
    context = context.encode("utf-8", "replace").decode()
    sealed = vault.seal(context, secret)
    assert vault.unseal(context, sealed) == secret
    assert vault.seal(context, secret) != sealed


def test_a_value_moved_elsewhere_does_not_open(vault):
    sealed = vault.seal("versions/1/A", "x")
    with pytest.raises(Failed) as caught:
        vault.unseal("versions/2/A", sealed)
    assert caught.value.code == "secret_unreadable"


@given(st.data())
def test_a_changed_value_does_not_open(vault, data):
    sealed = bytearray(vault.seal("a", "secret"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Failed):
        vault.unseal("a", bytes(sealed))


@given(st.integers(0, 60))
def test_a_cut_value_does_not_open(vault, length):
    sealed = vault.seal("a", "secret")
    with pytest.raises(Failed):
        vault.unseal("a", sealed[: min(length, len(sealed) - 1)])


def test_another_key_is_named_as_the_reason(vault, tmp_path):
    with pytest.raises(Failed, match="another key"):
        AesVault(tmp_path / "key").unseal("a", vault.seal("a", "x"))


def test_the_key_is_kept(tmp_path):
    sealed = AesVault(tmp_path / "key").seal("a", "x")
    assert AesVault(tmp_path / "key", sealed_exists=True).unseal("a", sealed) == "x"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_no_new_key_where_sealed_data_exists(tmp_path):
    with pytest.raises(Unavailable) as caught:
        AesVault(tmp_path / "key", sealed_exists=True)
    assert caught.value.code == "key_missing"
    assert not (tmp_path / "key").exists()


def test_a_key_others_can_read_is_refused(tmp_path):
    AesVault(tmp_path / "key")
    (tmp_path / "key").chmod(0o640)
    with pytest.raises(Unavailable) as caught:
        AesVault(tmp_path / "key")
    assert caught.value.code == "file_not_private"
    assert "chmod 600" in caught.value.advice


def test_a_key_of_the_wrong_length_is_refused(tmp_path):
    (tmp_path / "key").write_bytes(b"short")
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(Unavailable) as caught:
        AesVault(tmp_path / "key")
    assert caught.value.code == "bad_key"


def test_a_missing_directory_is_explained(tmp_path):
    with pytest.raises(Unavailable) as caught:
        AesVault(tmp_path / "none" / "key")
    assert caught.value.code == "file_unusable"


def test_starting_together_gives_one_key(tmp_path):
    vaults = []
    threads = [
        threading.Thread(target=lambda: vaults.append(AesVault(tmp_path / "key"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed = vaults[0].seal("a", "x")
    assert [vault.unseal("a", sealed) for vault in vaults] == ["x"] * 8


def test_the_admin_token(tmp_path):
    path = tmp_path / "admin.token"
    token = AdminToken(path)
    text = path.read_text().strip()
    assert len(text) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token.verify(text)
    assert AdminToken(path).verify(text)
    assert AdminToken(path).mark == token.mark
    assert token.mark not in text
    for wrong in ("", text[:-1], text + "x", text.swapcase(), "\udcff", "é"):
        assert not token.verify(wrong)


def test_a_short_admin_token_is_refused(tmp_path):
    path = tmp_path / "admin.token"
    path.touch(0o600)
    with pytest.raises(Unavailable) as caught:
        AdminToken(path)
    assert caught.value.code == "bad_token_file"


def test_one_daemon_for_each_data_directory(tmp_path):
    with LockFile(tmp_path / "lock"):
        with pytest.raises(Conflict) as caught, LockFile(tmp_path / "lock"):
            pass
        assert caught.value.code == "already_running"
        assert str(os.getpid()) in caught.value.message
    with LockFile(tmp_path / "lock"):
        pass


def test_a_lock_that_cannot_be_made(tmp_path):
    with pytest.raises(Unavailable) as caught, LockFile(tmp_path / "none" / "lock"):
        pass
    assert caught.value.code == "data_dir_unusable"
