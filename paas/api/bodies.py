"""Reading JSON bodies: bounded in size and time, and only when they are wanted."""

import asyncio

from aiohttp import web

from paas.api import strict_json
from paas.errors import Invalid, TooLarge

LARGEST_JSON = 1024 * 1024
SILENCE = 60.0
"""Seconds without a byte after which a slow sender is given up."""

_INVITED = web.RequestKey("invited", bool)


async def later(request: web.Request) -> None:
    """Answers `Expect: 100-continue` with nothing: `invite` does once the call is admitted."""


async def invite(request: web.Request) -> None:
    """Tell a client that waits for it (RFC 9110, 10.1.1) to send its body."""
    expects = request.headers.get("Expect", "").lower() == "100-continue"
    if expects and not request.get(_INVITED, False):
        request[_INVITED] = True
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # the response proper has not begun


async def read_json(request: web.Request) -> object:
    """The body's value; an empty body counts as `{}`.

    Raises `Invalid` (`unsupported_media_type`, `malformed_json`, `upload_stalled`), `TooLarge`.
    """
    if not request.can_read_body:
        return {}
    if request.content_type != "application/json":
        raise unsupported("application/json")
    if (request.content_length or 0) > LARGEST_JSON:
        raise json_too_large()
    await invite(request)
    try:
        async with asyncio.timeout(SILENCE):
            text = await request.read()
    except TimeoutError:
        raise stalled() from None
    except web.HTTPRequestEntityTooLarge:
        raise json_too_large() from None
    except web.RequestPayloadError:
        raise Invalid("The body was cut off.", code="malformed_json") from None
    return strict_json.parse(text) if text.strip() else {}


def unsupported(wanted: str) -> Invalid:
    """The refusal of a body of another type."""
    return Invalid(
        f"The body must be {wanted}.",
        code="unsupported_media_type",
        advice=f"Send the header `Content-Type: {wanted}`.",
    )


def stalled() -> Invalid:
    """The refusal of a sender that went silent."""
    return Invalid(
        f"No more of the body arrived for {SILENCE:g} seconds.",
        code="upload_stalled",
        advice="Send it again.",
    )


def json_too_large() -> TooLarge:
    """The refusal of a JSON document above the bound."""
    return TooLarge(
        f"The JSON is larger than {LARGEST_JSON} bytes.",
        advice="Put large content into the archive.",
    )
