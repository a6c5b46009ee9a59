"""The one token that is there before anybody made one."""

from typing import Protocol


class MasterKey(Protocol):
    """The first admin token. `mark` changes with it and gives nothing away."""

    @property
    def mark(self) -> str: ...

    def verify(self, token: str) -> bool:
        """Whether it is the token, in a time that does not depend on the answer."""
