"""Places outside that are told of events."""

from typing import Protocol

from paas.core.notifying import Notice


class Messenger(Protocol):
    """Tells one place at a time."""

    async def send(self, url: str, notice: Notice) -> None:
        """The place took it, or `Unavailable` (`notice_away`: worth another try), or
        `Failed` (`notice_refused`: it will not take it later either).
        """

    async def close(self) -> None: ...
