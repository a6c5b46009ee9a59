"""Bodies of callers that have proved nothing yet: bounded each, all together, and in time."""

import asyncio

from aiohttp import web

from paas.api.bodies import invite
from paas.errors import Invalid, TooLarge, Unavailable

LARGEST = 5 * 1024**2
"""A push of two thousand commits fits; hosts send more only for many branches at once."""
TOGETHER = 40 * 1024**2
SECONDS = 20.0


class RawBodies:
    """Reads bodies whole; owns how many bytes are held now."""

    def __init__(self, *, largest: int = LARGEST, together: int = TOGETHER) -> None:
        self._largest = largest
        self._together = together
        self.held = 0

    async def read(self, request: web.Request) -> bytes:
        """Raises `TooLarge`, `Invalid` (`upload_stalled`, `malformed_payload`),
        `Unavailable` (`too_many_bodies`).
        """
        if (request.content_length or 0) > self._largest:
            raise self._too_large()
        await invite(request)
        body = bytearray()
        try:
            async with asyncio.timeout(SECONDS):
                async for piece in request.content.iter_any():
                    self._hold(body, piece)
        except TimeoutError:
            message = f"The body did not arrive within {SECONDS:g} seconds."
            raise Invalid(message, code="upload_stalled", advice="Send it again.") from None
        except web.RequestPayloadError:
            raise Invalid("The body was cut off.", code="malformed_payload") from None
        finally:
            self.held -= len(body)
        return bytes(body)

    def _hold(self, body: bytearray, piece: bytes) -> None:
        if len(body) + len(piece) > self._largest:
            raise self._too_large()
        if self.held + len(piece) > self._together:
            raise Unavailable(
                "Too many bodies arrive at once.",
                code="too_many_bodies",
                advice="Send it again later.",
            )
        body += piece
        self.held += len(piece)

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"The payload is larger than {self._largest} bytes.",
            advice="Let the host send pushes only, as JSON.",
        )
