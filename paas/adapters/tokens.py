"""The first admin token: in a file that only the daemon's user can read."""

import hashlib
import hmac
import secrets
from pathlib import Path

from paas.adapters.private_files import read_or_create
from paas.errors import Unavailable

TOKEN_BYTES = 32
SHORTEST = 32
"""Characters of a token that an operator put there."""


class AdminToken:
    """The token in that file, made when missing (256 random bits, mode 0600).

    Raises `Unavailable` (`bad_token_file`, `file_not_private`, `file_unusable`).
    """

    def __init__(self, path: Path) -> None:
        content = read_or_create(path, _new_token)
        token = content.strip()
        if len(token) < SHORTEST:
            raise Unavailable(
                f"The token in {path} is too short to be safe.",
                code="bad_token_file",
                advice="Delete the file; the daemon makes a new one when it starts.",
            )
        self._hash = hashlib.sha256(token).digest()

    @property
    def mark(self) -> str:
        """Changes with the token and gives nothing of it away."""
        return hashlib.sha256(self._hash).hexdigest()[:16]

    def verify(self, token: str) -> bool:
        """Whether it is the token, in a time that does not depend on the answer."""
        given = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        return hmac.compare_digest(given, self._hash)


def _new_token() -> bytes:
    return f"{secrets.token_urlsafe(TOKEN_BYTES)}\n".encode()
