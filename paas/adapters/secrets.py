"""The `Vault` port: AES-256-GCM with a key in a file of its own.

A sealed value is: one byte of format, eight bytes that name the key, a 96-bit
random nonce, the ciphertext with its tag. The context is authenticated, so a
value copied to another row or name does not open.
"""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from paas.adapters.private_files import read_or_create, read_private
from paas.errors import Failed, Unavailable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_FORMAT = b"\x01"
_ID_BYTES = 8
_NONCE_BYTES = 12


class AesVault:
    """Seals with the key in `key_file`, which is made when missing.

    With `sealed_exists` a missing key is an error instead: a new one would open
    nothing of what is stored. Raises `Unavailable` (`key_missing`, `bad_key`,
    `file_not_private`, `file_unusable`).
    """

    def __init__(self, key_file: Path, *, sealed_exists: bool = False) -> None:
        if sealed_exists and read_private(key_file) is None:
            raise Unavailable(
                f"The key {key_file} is missing, and secrets sealed with it are stored.",
                code="key_missing",
                advice=f"Put the key back to {key_file} from your backup, mode 0600.",
            )
        key = read_or_create(key_file, lambda: os.urandom(KEY_BYTES))
        if len(key) != KEY_BYTES:
            raise Unavailable(
                f"The key {key_file} has {len(key)} bytes instead of {KEY_BYTES}.",
                code="bad_key",
                advice="Put the right key back from your backup. Without one, move the file "
                "away and set every secret again.",
            )
        self._key = key
        self._id = hashlib.sha256(b"paas key id" + key).digest()[:_ID_BYTES]

    def seal(self, context: str, secret: str) -> bytes:
        """The secret for storage; each call answers differently."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = _cipher(self._key).encrypt(nonce, secret.encode(), context.encode())
        return _FORMAT + self._id + nonce + sealed

    def unseal(self, context: str, sealed: bytes) -> str:
        """Raises `Failed` (`secret_unreadable`) when key or context do not match."""
        header, rest = sealed[: 1 + _ID_BYTES], sealed[1 + _ID_BYTES :]
        if header != _FORMAT + self._id:
            raise _unreadable("it was sealed with another key")
        nonce, body = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - see _cipher

        try:
            return _cipher(self._key).decrypt(nonce, body, context.encode()).decode()
        except (InvalidTag, ValueError):
            # Without `from`: the cause says nothing and must not carry content.
            raise _unreadable("it was changed or moved") from None


def _cipher(key: bytes) -> "AESGCM":
    """Its library takes 7 MiB, which a host without secrets does not need."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    return AESGCM(key)


def _unreadable(reason: str) -> Failed:
    return Failed(
        f"A stored secret cannot be opened: {reason}.",
        code="secret_unreadable",
        advice="Put the right key file back, or set the secret again with a new deployment.",
    )
