"""The `Forge` of a daemon that may never need one: `KeyForge`, and the 9 MiB of its library,
are loaded when a certificate is first made or read.
"""

import functools

from paas.core.certifying import Facts
from paas.ports import Forge


class LateForge:
    """Does what `KeyForge` does."""

    def new_key(self) -> str:
        return _forge().new_key()

    def request(self, key: str, names: tuple[str, ...]) -> str:
        return _forge().request(key, names)

    def read(self, chain: str) -> Facts:
        return _forge().read(chain)

    def proof(self, name: str, authorization: str) -> tuple[str, str]:
        return _forge().proof(name, authorization)


@functools.cache
def _forge() -> Forge:
    from paas.adapters.forge import KeyForge  # noqa: PLC0415 - see above

    return KeyForge()
