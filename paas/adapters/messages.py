"""Tells places outside of events, by POST over HTTP.

Whatever the operator wrote into the settings is called, private addresses too; redirects
are not followed, so nobody else chooses where a message goes. No URL is in any error.
"""

import aiohttp

from paas.core.notifying import Notice
from paas.errors import Failed, Unavailable

SECONDS = 10.0
"""For one message, with connecting."""
AGAIN = frozenset({408, 425, 429})
"""Refusals that may end."""


class HttpMessenger:
    """A user and password in the URL are sent as basic authentication."""

    def __init__(self, *, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._session: aiohttp.ClientSession | None = None

    async def send(self, url: str, notice: Notice) -> None:
        """Raises `Unavailable` (`notice_away`), `Failed` (`notice_refused`)."""
        if self._session is None:
            limit = aiohttp.ClientTimeout(total=self._seconds)
            self._session = aiohttp.ClientSession(timeout=limit)
        try:
            request = self._session.post(
                url, data=notice.body, headers=notice.headers, allow_redirects=False
            )
            async with request as response:
                status = response.status
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unavailable(
                f"The place cannot be reached ({type(error).__name__}).",
                code="notice_away",
                advice="See that it listens there, or change the setting notifications.",
            ) from None  # its text may hold the URL
        if 200 <= status < 300:
            return
        if status >= 500 or status in AGAIN:
            raise Unavailable(f"The place answered with {status}.", code="notice_away")
        raise Failed(
            f"The place answered with {status}.",
            code="notice_refused",
            advice="See that the URL in the setting notifications is right.",
        )

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
