"""The Date field of what has none yet, written once a second."""

import time
from email.utils import formatdate


class _Latest:
    """The last line that was written, and its second."""

    second = 0
    line = b""


def date_line() -> bytes:
    """The whole field line for now, in the one form that may be sent (RFC 9110, 5.6.7)."""
    second = int(time.time())
    if second != _Latest.second:
        _Latest.line = b"Date: %b\r\n" % formatdate(second, usegmt=True).encode("ascii")
        _Latest.second = second
    return _Latest.line
