import pytest

from paas.core.passwords import hash_password, verify_password

STORED = hash_password("wörd", salt=b"0123456789abcdef")


def test_the_right_one_matches_and_no_other():
    assert verify_password("wörd".encode(), STORED)
    assert not verify_password(b"word", STORED)
    assert "w" + "örd" not in STORED


def test_the_salt_makes_each_hash_its_own():
    assert hash_password("wörd", salt=b"another salt") != STORED


@pytest.mark.parametrize("stored", ["", "plain", "bcrypt$1$2$3$4$5", "scrypt$1"])
def test_a_hash_that_is_none_matches_nothing(stored):
    assert not verify_password(b"", stored)
