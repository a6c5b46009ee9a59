"""Passwords as scrypt hashes: `scrypt$<n>$<r>$<p>$<salt>$<key>`, both in base64.

Some 50 ms of CPU and 16 MiB each: never call these on the event loop.
"""

import base64
import hashlib
import hmac

SALT_BYTES = 16
_N, _R, _P = 2**14, 8, 1
_KEY_BYTES = 32
_MEMORY = 64 * 1024**2


def hash_password(password: str, *, salt: bytes) -> str:
    """What to store for it; `salt` is `SALT_BYTES` random bytes."""
    key = _key(password.encode(), salt=salt, cost=(_N, _R, _P))
    parts = ["scrypt", str(_N), str(_R), str(_P), _text(salt), _text(key)]
    return "$".join(parts)


def verify_password(password: bytes, stored: str) -> bool:
    """Compared in constant time; False for a hash that is none of ours."""
    parts = stored.split("$")
    if len(parts) != 6 or parts[0] != "scrypt":
        return False
    n, r, p = (int(part) for part in parts[1:4])
    salt, key = base64.b64decode(parts[4]), base64.b64decode(parts[5])
    return hmac.compare_digest(_key(password, salt=salt, cost=(n, r, p)), key)


def _key(password: bytes, *, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    n, r, p = cost
    return hashlib.scrypt(password, salt=salt, n=n, r=r, p=p, maxmem=_MEMORY, dklen=_KEY_BYTES)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
